//! The intensity of a supervisor of dynamic children, which counts for each child by itself.

use greenroom::prelude::*;

use crate::events::Events;
use crate::scripted::settle;

#[actor]
#[derive(Clone, Default)]
struct Session {}

#[actor]
impl Session {
    #[cast]
    fn crash(&mut self) {
        panic!("a bad request");
    }

    #[call]
    fn greet(&self) -> String {
        "hello".to_owned()
    }
}

/// With the default intensity, and with an explicit one.
#[supervisor]
struct Hall {
    #[child(dynamic, restart = permanent)]
    sessions: Session,
    #[child(dynamic, restart = transient, intensity = 2, period = "1m")]
    rooms: Session,
    #[child(dynamic, restart = permanent, intensity = 0)]
    strict: Session,
}

#[greenroom::test]
async fn crashes_of_different_dynamic_children_do_not_end_their_siblings() {
    let hall = Hall {}.start().await.unwrap();
    let mut sessions = Vec::new();
    for _ in 0..200 {
        sessions.push(hall.sessions().start_child(Session {}).await.unwrap());
    }
    for session in &sessions {
        session.crash();
    }
    settle().await;
    for session in &sessions {
        assert_eq!(session.greet().await.unwrap(), "hello");
    }
    assert_eq!(hall.sessions().count_children().await.unwrap().active, 200);
    assert!(hall.sessions().children().await.unwrap().iter().all(|child| child.starts == 2));
}

#[greenroom::test]
async fn a_dynamic_child_that_exceeds_the_intensity_alone_ends_the_supervisor() {
    let hall = Hall {}.start().await.unwrap();
    let supervisor = hall.rooms().supervisor().pid();
    let (first, second) =
        (hall.rooms().start_child(Session {}).await.unwrap(), hall.rooms().start_child(Session {}).await.unwrap());
    for _ in 0..2 {
        first.crash();
        second.crash();
        settle().await;
    }
    assert_eq!(hall.rooms().supervisor().pid(), supervisor);
    // Outside of the period the first one's restarts do not count any more.
    tokio::time::sleep(Duration::from_secs(61)).await;
    for _ in 0..2 {
        first.crash();
        settle().await;
    }
    assert_eq!(hall.rooms().supervisor().pid(), supervisor);
    first.crash();
    settle().await;
    assert_ne!(hall.rooms().supervisor().pid(), supervisor);
    // Without any allowed restart the first crash ends the supervisor.
    let supervisor = hall.strict().supervisor().pid();
    hall.strict().start_child(Session {}).await.unwrap().crash();
    settle().await;
    assert_ne!(hall.strict().supervisor().pid(), supervisor);
}

#[greenroom::test]
async fn the_log_line_of_a_crash_has_the_number_of_restarts_left() {
    let (events, _listening) = Events::listen(&["greenroom::supervisor"], &["pid", "reason", "within"]);
    let hall = Hall {}.start().await.unwrap();
    let room = hall.rooms().start_child(Session {}).await.unwrap();
    let other = hall.rooms().start_child(Session {}).await.unwrap();
    for room in [&room, &other, &room] {
        room.crash();
        settle().await;
    }
    let lines: Vec<_> = events.take().into_iter().filter(|line| line.starts_with("ERROR")).collect();
    let line = |message, child, crashes, left| {
        format!(
            r#"ERROR {message} supervisor="/Hall/rooms" child="{child}" restart=Transient crashes={crashes} restarts_left={left} period=60s"#
        )
    };
    assert_eq!(
        lines,
        [
            line("child terminated", "#1", 1, 1),
            line("child terminated", "#2", 1, 1),
            line("child keeps terminating", "#1", 2, 0),
        ]
    );
}
