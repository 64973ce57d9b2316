//! Code that is compiled with the tests: samples of generated code under every lint, and the samples of the README and
//! the book, with one module for each page.

pub mod counting;
pub mod expansion;
pub mod measuring;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../../book/src/introduction.md")]
pub mod introduction {}

/// The chapter "Getting started".
#[cfg(doctest)]
pub mod start {
    #[doc = include_str!("../../book/src/start/first.md")]
    pub mod first {}
    #[doc = include_str!("../../book/src/start/methods.md")]
    pub mod methods {}
    #[doc = include_str!("../../book/src/start/receive.md")]
    pub mod receive {}
    #[doc = include_str!("../../book/src/start/supervision.md")]
    pub mod supervision {}
    #[doc = include_str!("../../book/src/start/machines.md")]
    pub mod machines {}
}

/// The tutorial "A job queue".
#[cfg(doctest)]
pub mod tutorial {
    #[doc = include_str!("../../book/src/tutorial/queue.md")]
    pub mod queue {}
    #[doc = include_str!("../../book/src/tutorial/workers.md")]
    pub mod workers {}
    #[doc = include_str!("../../book/src/tutorial/crashes.md")]
    pub mod crashes {}
    #[doc = include_str!("../../book/src/tutorial/pressure.md")]
    pub mod pressure {}
    #[doc = include_str!("../../book/src/tutorial/retries.md")]
    pub mod retries {}
    #[doc = include_str!("../../book/src/tutorial/nodes.md")]
    pub mod nodes {}
    #[doc = include_str!("../../book/src/tutorial/failover.md")]
    pub mod failover {}
    #[doc = include_str!("../../book/src/tutorial/upgrade.md")]
    pub mod upgrade {}
}

/// The recipes.
#[cfg(doctest)]
pub mod recipes {
    #[doc = include_str!("../../book/src/recipes/retry.md")]
    pub mod retry {}
    #[doc = include_str!("../../book/src/recipes/rate-limit.md")]
    pub mod rate_limit {}
    #[doc = include_str!("../../book/src/recipes/pool.md")]
    pub mod pool {}
    #[doc = include_str!("../../book/src/recipes/pubsub.md")]
    pub mod pubsub {}
    #[doc = include_str!("../../book/src/recipes/worker-queue.md")]
    pub mod worker_queue {}
    #[doc = include_str!("../../book/src/recipes/cache.md")]
    pub mod cache {}
    #[doc = include_str!("../../book/src/recipes/websocket.md")]
    pub mod websocket {}
    #[doc = include_str!("../../book/src/recipes/deploy.md")]
    pub mod deploy {}
    #[doc = include_str!("../../book/src/recipes/fault-tests.md")]
    pub mod fault_tests {}
    #[doc = include_str!("../../book/src/recipes/tracing.md")]
    pub mod tracing {}
}

/// The chapter "The language".
#[cfg(doctest)]
pub mod language {
    #[doc = include_str!("../../book/src/language/protocol.md")]
    pub mod protocol {}
    #[doc = include_str!("../../book/src/language/actor.md")]
    pub mod actor {}
    #[doc = include_str!("../../book/src/language/mailbox.md")]
    pub mod mailbox {}
    #[doc = include_str!("../../book/src/language/receive.md")]
    pub mod receive {}
    #[doc = include_str!("../../book/src/language/states.md")]
    pub mod states {}
    #[doc = include_str!("../../book/src/language/supervisor.md")]
    pub mod supervisor {}
    #[doc = include_str!("../../book/src/language/main.md")]
    pub mod main {}
    #[doc = include_str!("../../book/src/language/test.md")]
    pub mod test {}
    #[doc = include_str!("../../book/src/language/processes.md")]
    pub mod processes {}
    #[doc = include_str!("../../book/src/language/waiting.md")]
    pub mod waiting {}
    #[cfg(unix)]
    #[doc = include_str!("../../book/src/language/ports.md")]
    pub mod ports {}
    #[doc = include_str!("../../book/src/language/outside.md")]
    pub mod outside {}
    #[doc = include_str!("../../book/src/language/elsewhere.md")]
    pub mod elsewhere {}
}

/// The page about two versions of a protocol.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/changing.md")]
pub mod changing {}

/// The page about actors by key.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/actors-by-key.md")]
pub mod actors_by_key {}

/// The page about connections between nodes.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/clusters.md")]
pub mod clusters {}

/// The page about global names and claims.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/one-of-a-kind.md")]
pub mod one_of_a_kind {}

/// The page about failover.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/failover.md")]
pub mod failover {}

/// The page about upgrades.
#[cfg(all(doctest, unix))]
#[doc = include_str!("../../book/src/upgrading.md")]
pub mod upgrading {}

/// The page about connections between nodes.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/connections.md")]
pub mod connections {}

/// The page about groups.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/groups.md")]
pub mod groups {}

/// The page about security.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/security.md")]
pub mod security {}

/// The page about inspecting a node.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/inspecting.md")]
pub mod inspecting {}

/// The page about spans across processes.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/spans.md")]
pub mod spans {}

/// The page about production.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/production.md")]
pub mod production {}

/// The reference of every attribute and option.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/reference.md")]
pub mod reference {}

/// The index of errors.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/errors.md")]
pub mod errors {}

/// The questions and answers.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/faq.md")]
pub mod faq {}

/// The page about releases.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/versions.md")]
pub mod versions {}

/// The glossary.
#[cfg(doctest)]
#[doc = include_str!("../../book/src/glossary.md")]
pub mod glossary {}

/// The pages for users of other systems.
#[cfg(doctest)]
pub mod from {
    #[doc = include_str!("../../book/src/from/erlang.md")]
    pub mod erlang {}
    #[doc = include_str!("../../book/src/from/elixir.md")]
    pub mod elixir {}
    #[doc = include_str!("../../book/src/from/ractor.md")]
    pub mod ractor {}
    #[doc = include_str!("../../book/src/from/kameo.md")]
    pub mod kameo {}
    #[doc = include_str!("../../book/src/from/actix.md")]
    pub mod actix {}
    #[doc = include_str!("../../book/src/from/akka.md")]
    pub mod akka {}
}

/// The chapter "Design".
#[cfg(doctest)]
pub mod design {
    #[doc = include_str!("../../book/src/supervision.md")]
    pub mod supervision {}
    #[doc = include_str!("../../book/src/let-it-crash.md")]
    pub mod let_it_crash {}
    #[doc = include_str!("../../book/src/applications.md")]
    pub mod applications {}
}

/// The chapter about the implementation.
#[cfg(doctest)]
pub mod inside {
    #[doc = include_str!("../../book/src/inside/layers.md")]
    pub mod layers {}
    #[doc = include_str!("../../book/src/inside/message.md")]
    pub mod message {}
    #[doc = include_str!("../../book/src/inside/memory.md")]
    pub mod memory {}
    #[doc = include_str!("../../book/src/inside/wire.md")]
    pub mod wire {}
    #[doc = include_str!("../../book/src/inside/invariants.md")]
    pub mod invariants {}
    #[doc = include_str!("../../book/src/inside/performance.md")]
    pub mod performance {}
    #[doc = include_str!("../../book/src/inside/contributing.md")]
    pub mod contributing {}
}
