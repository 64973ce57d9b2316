//! Lifecycle events of a node's processes.

use greenroom::{Lifecycle, LifecycleEvent, Node, prelude::*};

use crate::scripted::{Fuse, LetterRef, idle, mortal, settle};

/// The events so far in short form.
async fn events_so_far(lifecycle: &mut Lifecycle) -> Vec<String> {
    let mut events = Vec::new();
    loop {
        tokio::select! {
            biased;
            event = lifecycle.next() => events.push(match event.expect("the node goes on") {
                LifecycleEvent::Crashed { path: Some(path), reason, .. } => format!("{path}: {reason}"),
                LifecycleEvent::Crashed { name: Some(name), reason, .. } => format!("{name}: {reason}"),
                LifecycleEvent::Crashed { kind, protocol, reason, .. } => format!("{kind} of {protocol}: {reason}"),
                LifecycleEvent::Restarted { supervisor, child, starts, .. } => format!("{supervisor}/{child} {starts}"),
                LifecycleEvent::GaveUp { supervisor, .. } => format!("{supervisor} gives up"),
                other => other.to_string(),
            }),
            () = settle() => return events,
        }
    }
}

#[greenroom::test]
async fn abnormal_exits_of_applications_are_logged() {
    let mut lifecycle = Node::current().lifecycle();
    for (reason, expected) in [
        (Exit::Normal, None),
        (Exit::shutdown(), None),
        (Exit::error("torn"), Some("Scripted of Letter: torn")),
        (Exit::NoProc, Some("Scripted of Letter: no such process")),
        (Exit::Kill, Some("Scripted of Letter: kill")),
    ] {
        let process = mortal(reason).spawn();
        process.go();
        process.ended().await;
        assert_eq!(events_so_far(&mut lifecycle).await, Vec::from_iter(expected.map(str::to_owned)));
    }
    let named = idle().spawn();
    LetterRef::register("clerk", &named).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    named.exit(Exit::kill());
    let event = lifecycle.next().await.unwrap();
    let LifecycleEvent::Crashed { pid, name, path, age, .. } = &event else { panic!("{event:?}") };
    assert_eq!((Some(pid), name.as_deref(), path), (named.pid().as_ref(), Some("clerk"), &None));
    assert_eq!(*age, Duration::from_secs(3));
    assert_eq!(event.to_string(), format!("clerk (Scripted {pid}) ended: killed"));
    let text = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<LifecycleEvent>(&text).unwrap(), event);
}

#[supervisor(intensity = 2, period = "5s")]
struct Fuses {
    #[child]
    fuse: Fuse,
}

#[greenroom::test]
async fn crash_restart_and_giving_up_are_reported_in_order() {
    let tree = Fuses {}.start().await.unwrap();
    let mut lifecycle = Node::current().lifecycle();
    for life in 1..=3 {
        tree.fuse().go();
        let after = if life < 3 { format!("/Fuses/fuse {}", life + 1) } else { "/Fuses gives up".to_owned() };
        assert_eq!(events_so_far(&mut lifecycle).await, ["/Fuses/fuse: blown".to_owned(), after]);
    }
}

#[greenroom::test]
async fn a_slow_subscriber_receives_the_number_of_missed_events() {
    let node = Node::current();
    let (mut slow, mut gone, late) = (node.lifecycle(), node.lifecycle(), node.lifecycle());
    for _ in 0..3_000 {
        idle().spawn().exit(Exit::kill());
    }
    settle().await;
    assert_eq!(events_so_far(&mut gone).await.len(), 1_025);
    drop(gone);
    let events = events_so_far(&mut slow).await;
    assert_eq!((events.len(), &*events[1_024]), (1_025, "this subscriber was too slow and missed 1976 events"));
    let one = LifecycleEvent::Missed(1).to_string();
    assert_eq!(one, "this subscriber was too slow and missed 1 event");
    // The stream continues from there.
    idle().spawn().exit(Exit::kill());
    assert_eq!(events_so_far(&mut slow).await, ["Scripted of Letter: killed"]);
    drop((slow, late));
    idle().spawn().exit(Exit::kill());
    settle().await;
    assert_eq!(events_so_far(&mut node.lifecycle()).await, [""; 0], "a new subscriber receives later events only");
}
