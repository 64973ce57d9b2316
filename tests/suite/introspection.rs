//! Introspection: a node describes its processes without stopping them.

use greenroom::{Node, ProcessInfo, ProcessState, SourceLine, Subject, prelude::*};

use crate::scripted::{Letter, LetterRef, does, idle, settle};

fn look(stub: &impl Stub) -> ProcessInfo {
    let node = Node::current();
    node.process_info(&stub.pid().expect("it has a pid")).expect("it is running")
}

/// Waits for `Go`. `WAITS` is the line at which it does.
const WAITS: u32 = line!() + 4;
fn waits() -> greenroom::Ref<crate::scripted::Scripted> {
    does(|cx| {
        Box::pin(async move {
            receive!(match cx {
                Letter::Go => {}
            });
            receive!(match cx {
                Letter::B { .. } => {}
            });
        })
    })
    .spawn()
}

#[greenroom::test]
async fn a_process_that_waits_shows_where_and_what_waits_for_it() {
    let process = waits();
    for n in 0..3 {
        process.a(n);
    }
    let busy = look(&process);
    assert_eq!((busy.state, busy.mailbox, busy.saved), (ProcessState::Busy, 3, 0));
    settle().await;
    let info = look(&process);
    let at = SourceLine { file: file!().into(), line: WAITS };
    assert_eq!(info.state, ProcessState::Waiting { at: Some(at) });
    assert_eq!((info.mailbox, info.saved, info.received, info.handled), (0, 3, 3, 0));
    process.go();
    settle().await;
    let info = look(&process);
    let at = SourceLine { file: file!().into(), line: WAITS + 3 };
    assert_eq!(info.state, ProcessState::Waiting { at: Some(at) });
    assert_eq!((info.saved, info.received, info.handled), (3, 4, 1));
    assert_eq!((&*info.kind, &*info.protocol), ("Scripted", "Letter"));
    assert!(info.memory.state > 0 && info.memory.cell > 0, "{:?}", info.memory);
}

/// A server that also receives selectively from its mailbox.
#[actor(name = "clerk", trap_exit)]
#[derive(Default)]
struct Clerk {
    notes: u32,
}

const RECEIVE_LINE: u32 = line!() + 10;
#[actor]
impl Clerk {
    #[cast]
    fn note(&mut self) {
        self.notes += 1;
    }

    #[cast]
    async fn ask(&mut self, cx: &mut Context<Self>) {
        self.notes += receive!(match cx {
            ClerkMessage::Note => 1,
        });
    }

    #[call]
    fn notes(&self) -> u32 {
        self.notes
    }

    #[exit]
    fn exit(&mut self, signal: ExitSignal) {
        drop(signal);
    }
}

#[greenroom::test]
async fn a_server_waits_between_messages_or_at_a_receive_in_a_handler() {
    let clerk = Clerk::default().start().await.unwrap();
    assert_eq!(clerk.notes().await, Ok(0));
    settle().await;
    let info = look(&clerk);
    assert_eq!(info.state, ProcessState::Waiting { at: None });
    assert_eq!((info.name.as_deref(), info.trap_exit, &*info.kind), (Some("clerk"), true, "Clerk"));
    clerk.ask();
    settle().await;
    let at = SourceLine { file: file!().into(), line: RECEIVE_LINE };
    assert_eq!(look(&clerk).state, ProcessState::Waiting { at: Some(at) });
}

#[greenroom::test]
async fn the_counts_of_a_busy_process_are_updated_on_request() {
    let process = does(|cx| {
        Box::pin(async move {
            for _ in 0..4 {
                receive!(match cx {
                    Letter::A { .. } => {}
                });
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        })
    })
    .spawn();
    for n in 0..4 {
        process.a(n);
    }
    settle().await;
    // All four messages were taken over in one batch.
    let info = look(&process);
    assert_eq!((info.state, info.mailbox, info.handled), (ProcessState::Busy, 4, 0));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let info = look(&process);
    assert_eq!((info.mailbox, info.handled), (3, 1));
}

#[greenroom::test]
async fn a_process_that_waits_for_an_answer_shows_the_callee() {
    let deaf = idle().spawn();
    let callee = deaf.pid().unwrap();
    let caller = does(|_| {
        Box::pin(async move {
            assert_eq!(deaf.ask().within(Duration::from_secs(2)).await, Err(CallErrorKind::Timeout.into()));
            tokio::time::sleep(Duration::from_secs(1)).await;
        })
    })
    .spawn();
    // Most calls are answered before they are recorded.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(look(&caller).state, ProcessState::Busy);
    let begun = tokio::time::Instant::now() - Duration::from_millis(50);
    tokio::time::sleep(Duration::from_millis(950)).await;
    assert_eq!(look(&caller).state, ProcessState::Calling { callee: callee.clone(), waited: begun.elapsed() });
    assert_eq!(look(&caller).state.to_string(), format!("calling {callee} for 1s"));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(look(&caller).state, ProcessState::Busy);
}

#[greenroom::test]
async fn a_process_that_inspects_itself_is_running() {
    let process = does(|cx| {
        Box::pin(async move {
            let info = cx.node().process_info(cx.pid()).unwrap();
            assert_eq!(info.state, ProcessState::Running);
        })
    })
    .spawn();
    assert_eq!(process.ended().await, Exit::Normal);
}

#[greenroom::test]
async fn links_monitors_and_ancestors_are_shown_from_both_sides() {
    let child = does(|cx| {
        Box::pin(async move {
            let grandchild = idle().spawn_link(cx);
            let (_, _) = idle().spawn_monitor(cx);
            LetterRef::register("grandchild", &grandchild).unwrap();
            cx.receive().await;
        })
    })
    .spawn();
    settle().await;
    let info = look(&child);
    let [grandchild] = &info.links[..] else { panic!("{info:?}") };
    let [Subject::Pid(watched)] = &info.monitors[..] else { panic!("{info:?}") };
    let node = Node::current();
    let grandchild = node.process_info(grandchild).unwrap();
    assert_eq!(grandchild.name.as_deref(), Some("grandchild"));
    assert_eq!(grandchild.links, std::slice::from_ref(&info.pid));
    assert_eq!(grandchild.ancestors, std::slice::from_ref(&info.pid));
    assert_eq!(node.process_info(watched).unwrap().monitored_by, std::slice::from_ref(&info.pid));
    assert_eq!(node.processes().len(), 3);
}

#[greenroom::test]
async fn dead_and_remote_processes_have_no_info() {
    let process = idle().spawn();
    let pid = process.pid().unwrap();
    process.exit(Exit::kill());
    assert_eq!(look(&process).state, ProcessState::Exiting);
    process.ended().await;
    let node = Node::current();
    assert_eq!(node.process_info(&pid), None);
    assert!(node.processes().is_empty());
    let other = Node::local();
    assert_eq!(other.process_info(&other.spawn(idle()).pid().unwrap()).map(|info| info.mailbox), Some(0));
    assert_eq!(node.process_info(&other.processes()[0]), None);
}

#[greenroom::test]
async fn age_is_by_the_nodes_clock() {
    let process = idle().spawn();
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!(look(&process).age, Duration::from_secs(90));
}

#[greenroom::test]
async fn process_info_is_plain_data() {
    let process = waits();
    process.a(1);
    settle().await;
    let info = look(&process);
    let text = serde_json::to_string(&info).unwrap();
    assert_eq!(serde_json::from_str::<ProcessInfo>(&text).unwrap(), info);
}

#[greenroom::test]
async fn a_process_is_calling_only_while_it_waits_for_another_one() {
    let callee = idle().spawn();
    let awaited = callee.clone();
    let process = does(|_| {
        Box::pin(async move {
            awaited.ended().await;
            tokio::time::sleep(Duration::from_secs(60)).await;
        })
    })
    .spawn();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(matches!(look(&process).state, ProcessState::Calling { .. }));
    callee.exit(Exit::Kill);
    settle().await;
    assert_eq!(look(&process).state, ProcessState::Busy);
}
