//! States of processes on their way to another process, which can be one of another release.

use greenroom::prelude::*;
use greenroom::testing::Cluster;
use greenroom::{CallErrorKind, Handover, Portable};
use serde::{Deserialize, Serialize};

/// The first release.
mod first {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) enum Access {
        Open,
        Invited { by: String },
    }

    #[actor(upgrade, name = "room")]
    #[derive(Serialize, Deserialize)]
    pub(super) struct Room {
        pub(super) topic: String,
        pub(super) access: Access,
        pub(super) waiting: Vec<Reply<String>>,
        #[serde(skip)]
        pub(super) _watch: Option<MonitorRef>,
    }

    #[actor]
    impl Room {
        #[call]
        pub(super) fn next_topic(&mut self, reply: Reply<String>) {
            self.waiting.push(reply);
        }

        #[call]
        pub(super) fn waiting(&self) -> usize {
            self.waiting.len()
        }

        /// Returns whether the state can be encoded outside of a message.
        #[call]
        pub(super) fn encode(&mut self) -> bool {
            let (topic, waiting) = (String::new(), std::mem::take(&mut self.waiting));
            let room = Room { topic, access: self.access.clone(), waiting, _watch: None };
            postcard::to_allocvec(&Handover::new(room)).is_ok()
        }

        #[call]
        pub(super) fn hand_over(&mut self, cx: &mut Context<Self>) -> Handover<Room> {
            cx.stop(Exit::shutdown());
            let topic = std::mem::take(&mut self.topic);
            let (access, waiting) = (self.access.clone(), std::mem::take(&mut self.waiting));
            Handover::new(Room { topic, access, waiting, _watch: None })
        }
    }
}

/// The next release. The state has a new field, a renamed one and one with a wider type.
mod second {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) enum Access {
        Invited { by: String },
        Open,
        Closed,
    }

    #[actor(upgrade, name = "room")]
    #[derive(Serialize, Deserialize)]
    pub(super) struct Room {
        pub(super) access: Access,
        #[serde(alias = "topic")]
        pub(super) title: Option<String>,
        #[serde(default)]
        pub(super) pinned: Vec<u64>,
        pub(super) waiting: Vec<Reply<String>>,
    }

    #[actor]
    impl Room {
        #[cast]
        pub(super) fn retitle(&mut self, title: String) {
            self.waiting.drain(..).for_each(|reply| reply.send(title.clone()));
            self.title = Some(title);
        }

        #[call]
        pub(super) fn describe(&self) -> String {
            format!("{:?} {:?} {:?}", self.title, self.access, self.pinned)
        }
    }
}

/// A caller of the old room, on another release's behalf: the stub of the next release has no method for it.
#[protocol(name = "RoomMessage")]
enum OldRoom {
    HandOver { reply: Reply<Handover<second::Room>> },
}

#[greenroom::test]
async fn a_process_of_the_next_release_continues_the_state_and_answers_its_callers() -> greenroom::Result {
    let cluster = Cluster::in_memory(3).await;
    let access = first::Access::Invited { by: "Vera".into() };
    let room = first::Room { topic: "tea".into(), access, waiting: vec![], _watch: None };
    cluster.node(0).start(room).await?;
    // Callers on the old node, on the new one and on a third one.
    let rooms: [first::RoomRef; 3] = [0, 1, 2].map(|node| cluster.node(node).named_at("room", "n0@test"));
    let calls = rooms.clone().map(|room| room.next_topic().forever());
    while rooms[1].waiting().await? < 3 {}
    let old: OldRoomRef = cluster.node(1).named_at("room", "n0@test");
    let state = old.hand_over().await?.into_state()?;
    let access = second::Access::Invited { by: "Vera".into() };
    assert_eq!((state.title.as_deref(), &state.access, state.waiting.len()), (Some("tea"), &access, 3));
    let new = cluster.node(1).start(state).await?;
    new.retitle("coffee".into());
    for call in calls {
        assert_eq!(call.await?, "coffee");
    }
    assert_eq!(rooms[0].ended().await, Exit::NoProc, "the old process has ended");
    assert_eq!(new.describe().await?, r#"Some("coffee") Invited { by: "Vera" } []"#);
    Ok(())
}

/// Encodes a state as one type, and decodes it as another.
fn convert<Old: Portable, New: Portable>(state: Old) -> Result<New, Exit> {
    let bytes = postcard::to_allocvec(&Handover::new(state)).unwrap();
    postcard::from_bytes::<Handover<New>>(&bytes).unwrap().into_state()
}

/// Counters of several releases.
mod counters {
    macro_rules! counter {
        ($release:ident, { $($field:tt)* }, { $($upgrade:tt)* }) => {
            pub(super) mod $release {
                use super::super::*;
                #[allow(unused_imports)]
                use super::{first, second};

                #[actor(upgrade)]
                #[derive(Debug, PartialEq, Serialize, Deserialize)]
                pub(in super::super) struct Counter {
                    $($field)*
                }

                #[actor]
                impl Counter {
                    #[call]
                    fn get(&self) -> bool {
                        true
                    }

                    $($upgrade)*
                }
            }
        };
    }

    counter!(first, { pub count: u32, }, {});
    counter!(second, { pub count: u64, #[serde(default)] pub step: Option<u8>, }, {});
    counter!(third, { pub counts: Vec<u64>, }, {
        #[upgrade]
        fn from_second(old: second::Counter) -> Result<Counter, Exit> {
            match old.step {
                Some(0) => Err(Exit::error("a step of zero")),
                step => Ok(Counter { counts: vec![old.count, step.unwrap_or(9).into()] }),
            }
        }

        #[upgrade]
        fn from_first(old: first::Counter) -> Counter {
            Counter { counts: vec![old.count.into()] }
        }
    });
    // Every field has a default: serde's rules would accept anything.
    counter!(lenient, { #[serde(default)] pub total: u64, }, {
        #[upgrade]
        fn from_first(old: first::Counter) -> Counter {
            Counter { total: old.count.into() }
        }
    });
    counter!(narrow, { pub count: u8, pub name: String, }, {});
}

#[greenroom::test]
async fn a_state_is_read_by_position_by_an_exact_upgrade_by_name_or_by_another_upgrade() {
    use counters::{first, lenient, narrow, second, third};
    assert_eq!(convert(first::Counter { count: 3 }), Ok(first::Counter { count: 3 }));
    assert_eq!(convert(first::Counter { count: 3 }), Ok(second::Counter { count: 3, step: None }));
    // Both functions could read it by name. The second one has exactly its shape.
    assert_eq!(convert(first::Counter { count: 3 }), Ok(third::Counter { counts: vec![3] }));
    let old = |step| second::Counter { count: 4, step };
    assert_eq!(convert(old(Some(1))), Ok(third::Counter { counts: vec![4, 1] }));
    assert_eq!(convert::<_, third::Counter>(old(Some(0))), Err(Exit::error("a step of zero")));
    assert_eq!(convert(first::Counter { count: 3 }), Ok(lenient::Counter { total: 3 }));
    assert_eq!(convert(old(None)), Ok(lenient::Counter { total: 0 }), "by serde's rules");
    // By name: a function's parameter is read, though its shape is another one.
    assert_eq!(convert(narrow::Counter { count: 5, name: "n".into() }), Ok(third::Counter { counts: vec![5, 9] }));
}

#[greenroom::test]
async fn a_state_that_cannot_be_read_is_an_error_with_the_difference() {
    use counters::{first, narrow, third};
    let text = "the state of `Counter` cannot be read: the field `name` was not sent, and has no default";
    assert_eq!(convert::<_, narrow::Counter>(first::Counter { count: 3 }), Err(Exit::error(text)));
    let text = "the state of `Counter` cannot be read: the field `count` was not sent, and has no default";
    assert_eq!(convert::<_, first::Counter>(third::Counter { counts: vec![] }), Err(Exit::error(text)));
    let text = "the state is of `Counter`, and not of `Pair<u8>`";
    assert_eq!(convert::<_, Pair<u8>>(first::Counter { count: 3 }).unwrap_err(), Exit::error(text));
    // The bytes of something else.
    let damaged = postcard::to_allocvec(&("Counter", &b"x"[..], &b""[..])).unwrap();
    let state = postcard::from_bytes::<Handover<first::Counter>>(&damaged).unwrap().into_state();
    assert_eq!(state, Err(Exit::error("the state of `Counter` cannot be read: the bytes are not a shape")));
}

/// A generic actor.
#[actor(upgrade)]
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair<T> {
    values: (T, T),
}

#[actor]
impl<T: Copy> Pair<T> {
    #[call]
    fn first(&self) -> T {
        self.values.0
    }
}

/// An actor with a protocol of its own, and an enum.
#[actor(upgrade, protocol = OldRoom)]
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Lamp {
    Off,
    On { level: u8 },
}

#[actor]
impl Lamp {
    #[upgrade]
    fn from_switch(old: Switch) -> Lamp {
        if old.is_on { Lamp::On { level: 100 } } else { Lamp::Off }
    }
}

#[actor(upgrade, protocol = OldRoom)]
#[derive(Serialize, Deserialize)]
struct Switch {
    is_on: bool,
}

#[greenroom::test]
async fn generic_actors_and_enums_have_states() {
    let pair = |a, b| Pair { values: (a, b) };
    assert_eq!(convert(pair(1_u8, 2)), Ok(pair(1_u8, 2)));
    let text = "the state is of `Pair<u8>`, and not of `Pair<u16>`";
    assert_eq!(convert::<_, Pair<u16>>(pair(1_u8, 2)), Err(Exit::error(text)));
    assert_eq!(convert(Lamp::On { level: 3 }), Ok(Lamp::On { level: 3 }));
    assert_eq!(convert(Switch { is_on: true }), Ok(Lamp::On { level: 100 }));
}

#[test]
fn a_state_needs_a_node() {
    let text = postcard::to_allocvec(&Handover::new(Switch { is_on: true })).map(drop);
    assert!(text.is_err());
}

#[greenroom::test]
async fn a_reply_in_a_state_needs_a_message() -> greenroom::Result {
    let room = first::Room { topic: String::new(), access: first::Access::Open, waiting: vec![], _watch: None }.spawn();
    assert!(room.encode().await?);
    let call = room.next_topic();
    assert!(!room.encode().await?, "a caller waits");
    let error = call.await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Dropped, "the reply was in the state that was dropped");
    Ok(())
}

/// A state with a function that panics.
#[actor(upgrade, protocol = OldRoom)]
#[derive(Serialize, Deserialize)]
struct Bad {
    weight: i8,
}

#[actor]
impl Bad {
    #[upgrade]
    fn from_switch(_: Switch) -> Bad {
        panic!("no way")
    }
}

/// Hands over the state of a switch.
#[protocol]
enum Depot {
    Fetch { reply: Reply<Handover<Switch>> },
}

#[protocol(name = "Depot")]
enum OtherDepot {
    Fetch { reply: Reply<Handover<Bad>> },
}

#[greenroom::test]
async fn a_panic_of_an_upgrade_function_is_an_error_of_the_answer() -> greenroom::Result {
    let cluster = Cluster::in_memory(2).await;
    let there = cluster.node(0).enter();
    let depot = greenroom::spawn(|mut mailbox: Mailbox<Depot>| async move {
        loop {
            receive!(match mailbox {
                Depot::Fetch { reply } => reply.send(Handover::new(Switch { is_on: true })),
            });
        }
    });
    DepotRef::register("depot", &depot)?;
    drop(there);
    let depot: OtherDepotRef = cluster.node(1).named_at("depot", "n0@test");
    let error = depot.fetch().await.unwrap_err();
    assert!(matches!(error.kind, CallErrorKind::Decode(_)), "{error:?}");
    Ok(())
}
