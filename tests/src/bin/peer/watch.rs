//! A process with every kind of relation to the processes of another node.

use greenroom::prelude::*;

use super::log::say;
use super::service::ServiceRef;

/// The messages that the watcher receives.
#[protocol]
pub(crate) enum Report {
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
    #[from]
    Node(NodeEvent),
    /// Make requests through the stubs of the beginning.
    Retry,
}

/// Monitors, links, calls and awaits processes of one other node: by name, by pid, and by the stub of a supervised child.
/// Prints each result.
///
/// | line | result |
/// |---|---|
/// | `down-KIND REASON` | of a monitor |
/// | `exit REASON` | an exit signal |
/// | `call-KIND ERROR` | of a call that is not answered |
/// | `ended-KIND REASON` | of a wait for the end |
/// | `up NODE`, `lost NODE` | an event of a node |
/// | `retry-call ERROR`, `retry-ended REASON` | of requests through the stub of a pid |
#[actor(protocol = Report, trap_exit)]
pub(crate) struct Watcher {
    pub(crate) key: String,
    pub(crate) service: ServiceRef,
}

const LONG: Duration = Duration::from_secs(300);

impl Process for Watcher {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let (key, named) = (&*self.key, &self.service);
        cx.watch_nodes(true);
        let (direct, worker) = (named.stub().await?, named.worker().await?);
        let monitors = [("name", cx.monitor(named)), ("pid", cx.monitor(&direct)), ("child", cx.monitor(&worker))];
        cx.link(&direct);
        let calls = [("name", named.hold()), ("pid", direct.hold())];
        for (kind, call) in calls {
            let key = self.key.clone();
            tokio::spawn(async move {
                let error = call.within(LONG).await.expect_err("it is not answered");
                say(&key, format_args!("call-{kind} {:?}", error.kind));
            });
        }
        let (call, key_of_call) = (worker.hold(), self.key.clone());
        tokio::spawn(async move {
            let error = call.within(LONG).await.expect_err("it is not answered");
            say(&key_of_call, format_args!("call-child {:?}", error.kind));
        });
        for (kind, ended) in [("name", named.ended()), ("pid", direct.ended())] {
            let key = self.key.clone();
            tokio::spawn(async move { say(&key, format_args!("ended-{kind} {:?}", ended.await)) });
        }
        let (ended, key_of_end) = (worker.ended(), self.key.clone());
        tokio::spawn(async move { say(&key_of_end, format_args!("ended-child {:?}", ended.await)) });
        // The answer shows that the requests have arrived.
        named.echo(String::new()).await?;
        say(key, format_args!("ready {}", direct.pid().map_or(0, |pid| pid.number())));
        loop {
            match cx.receive().await {
                Report::Down(down) => {
                    let kind = monitors.iter().find(|(_, monitor)| *monitor == down.monitor).map(|(kind, _)| *kind);
                    say(key, format_args!("down-{} {:?}", kind.unwrap_or("unknown"), down.reason));
                }
                // The node stops.
                Report::Exit(signal) if signal.from.node() == cx.node().name() => return Err(signal.reason),
                Report::Exit(signal) => say(key, format_args!("exit {:?}", signal.reason)),
                Report::Node(NodeEvent::Up(node)) => say(key, format_args!("up {}", node.name)),
                Report::Node(NodeEvent::Down(node)) => say(key, format_args!("lost {}", node.name)),
                Report::Node(_) => {}
                Report::Retry => {
                    if let Err(error) = direct.echo(String::new()).await {
                        say(key, format_args!("retry-call {:?}", error.kind));
                    }
                    say(key, format_args!("retry-ended {:?}", direct.ended().await));
                }
            }
        }
    }
}
