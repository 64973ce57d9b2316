//! Names: one name per process and one process per name, freed before links and monitors fire.

use greenroom::{NameError, prelude::*};

use crate::scripted::{Letter, LetterRef, act, idle, mortal, run, settle};

#[protocol]
enum Other {
    Go,
    Ask { reply: Reply<u32> },
}

#[greenroom::test]
async fn register_fails_if_the_name_is_taken_or_the_process_is_named_or_dead() {
    let (first, second, dead) = (idle().spawn(), idle().spawn(), idle().spawn());
    dead.stop(Exit::Normal).await;
    assert_eq!(LetterRef::register("mail", &first), Ok(()));
    for (name, process, error) in [
        ("mail", &second, NameError::Taken("mail".into())),
        ("mail", &first, NameError::Taken("mail".into())),
        ("post", &first, NameError::Named("mail".into())),
        ("", &second, NameError::Invalid),
        (&"x".repeat(256), &second, NameError::Invalid),
        ("/Tree/child", &second, NameError::Invalid),
        ("post", &dead, NameError::NoProc),
        ("post", &LetterRef::named("missing"), NameError::NoProc),
        ("post", &LetterRef::at("mail", "far@away"), NameError::NoProc),
    ] {
        assert_eq!(LetterRef::register(name, process), Err(error));
    }
    assert_eq!(LetterRef::named("mail").pid(), first.pid());
    assert_eq!(LetterRef::named("post").pid(), None);
}

#[greenroom::test]
async fn unregister_frees_the_name_and_the_process_for_another() {
    let (first, second) = (idle().spawn(), idle().spawn());
    LetterRef::register("mail", &first).unwrap();
    assert_eq!(LetterRef::unregister("mail"), Ok(()));
    assert_eq!(LetterRef::unregister("mail"), Err(NameError::Unknown("mail".into())));
    assert_eq!(LetterRef::register("mail", &second), Ok(()));
    assert_eq!(LetterRef::register("post", &first), Ok(()));
    first.stop(Exit::Normal).await;
    assert_eq!(LetterRef::named("mail").pid(), second.pid());
    assert_eq!(LetterRef::named("post").pid(), None);
}

#[greenroom::test]
async fn the_registered_names_are_listed() {
    let (first, second) = (idle().spawn(), idle().spawn());
    LetterRef::register("post", &first).unwrap();
    LetterRef::register("mail", &second).unwrap();
    let node = Node::current();
    assert_eq!(node.registered_names(), ["mail", "post"]);
    first.stop(Exit::Normal).await;
    assert_eq!(node.registered_names(), ["mail"]);
    LetterRef::unregister("mail").unwrap();
    assert!(node.registered_names().is_empty());
}

#[greenroom::test]
async fn an_ending_process_cannot_be_registered() {
    let process = idle().spawn();
    process.exit(Exit::Kill);
    assert_eq!(LetterRef::register("mail", &process), Err(NameError::NoProc));
}

#[greenroom::test]
async fn a_name_is_free_before_a_down_or_an_exit_is_seen() {
    let found = run(|cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            let process = mortal(Exit::error("boom")).spawn_link(cx);
            LetterRef::register("mail", &process).unwrap();
            cx.monitor(&process);
            process.go();
            let mut found = Vec::new();
            for _ in 0..2 {
                receive!(match cx {
                    Letter::Down(_) | Letter::Exit(_) => {}
                });
                found.push(LetterRef::named("mail").pid());
                found.push(LetterRef::register("mail", &cx.me()).ok().and(cx.me().pid()));
                let _ = LetterRef::unregister("mail");
            }
            found.iter().map(Option::is_some).collect::<Vec<_>>()
        })
    });
    assert_eq!(found.await, [false, true, false, true]);
}

#[greenroom::test]
async fn a_message_to_an_unknown_name_is_silent_and_a_call_is_noproc() {
    let missing = LetterRef::named("missing");
    missing.go();
    assert_eq!(missing.go().await, Err(CastError::NoProc));
    assert_eq!(missing.ask().await, Err(CallErrorKind::NoProc.into()));
    missing.exit(Exit::Kill);
    assert!(!missing.is_alive());
    let far = LetterRef::at("mail", "far@away");
    far.go();
    assert_eq!(far.go().await, Err(CastError::NoConnection));
    assert_eq!(far.ask().await, Err(CallErrorKind::NoConnection.into()));
}

#[greenroom::test]
async fn a_name_is_looked_up_for_each_message() {
    let named = LetterRef::named("mail");
    for n in [1, 2] {
        let process = act(move |cx| {
            Box::pin(async move {
                receive!(match cx {
                    Letter::Ask { reply } => reply.send(n),
                });
                Ok(())
            })
        })
        .spawn();
        LetterRef::register("mail", &process).unwrap();
        assert_eq!(named.ask().await, Ok(n));
        settle().await;
    }
    assert_eq!(named.ask().await, Err(CallErrorKind::NoProc.into()));
}

#[greenroom::test]
async fn a_name_carries_its_protocol_another_stub_type_is_an_error() {
    let process = idle().spawn();
    LetterRef::register("mail", &process).unwrap();
    let other = OtherRef::named("mail");
    let words = "`mail` has the protocol `Letter`, not `Other`";
    match other.go().await {
        Err(CastError::Incompatible(what)) => assert_eq!(&*what, words),
        outcome => panic!("{outcome:?}"),
    }
    match other.ask().await {
        Err(CallError { kind: CallErrorKind::Incompatible(what), .. }) => assert_eq!(&*what, words),
        outcome => panic!("{outcome:?}"),
    }
    assert!(process.is_alive());
}

#[greenroom::test]
async fn a_name_of_another_node_never_reaches_a_local_process() {
    let process = idle().spawn();
    LetterRef::register("mail", &process).unwrap();
    let far = LetterRef::at("mail", "far@away");
    far.exit(Exit::Kill);
    let _ = tokio::time::timeout(Duration::from_secs(1), far.stop(Exit::shutdown())).await;
    settle().await;
    assert!(process.is_alive());
    assert_eq!(far.pid(), None);
    assert!(!far.is_alive());
}

#[actor(protocol = Letter, name = "postmaster")]
struct Postmaster;

impl Process for Postmaster {
    async fn run(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        std::future::pending().await
    }
}

#[greenroom::test]
async fn an_actor_may_have_a_name_from_its_first_moment() {
    let first = Postmaster.start().await.expect("the name is free");
    assert_eq!(LetterRef::named("postmaster").pid(), first.pid());
    let second = Postmaster.start().await.expect_err("the name is taken");
    assert_eq!(second.reason, Exit::error("the name `postmaster` is taken"));
    first.stop(Exit::Normal).await;
    Postmaster.start().await.expect("the name is free again");
}

/// A till whose name has its number.
#[actor(name = format!("till-{}", self.number))]
#[derive(Clone)]
struct Till {
    number: u32,
}

#[actor]
impl Till {
    #[init]
    fn at(place: u32) -> Till {
        Till { number: 10 + place }
    }

    #[init]
    fn open(&mut self) {
        let own = TillRef::named(&format!("till-{}", self.number));
        assert!(own.is_alive(), "it has its name");
    }

    #[call]
    fn number(&self) -> u32 {
        self.number
    }

    #[cast]
    fn crash(&mut self) -> Result<(), Exit> {
        Err(Exit::error("boom"))
    }
}

#[supervisor(intensity = 5, period = "1s")]
struct Tills {
    #[child(dynamic)]
    tills: Till,
}

#[greenroom::test]
async fn each_process_of_an_actor_has_a_name_of_its_own() -> greenroom::Result {
    let tills = Tills {}.start().await?;
    let first = tills.tills().start_child(Till { number: 1 }).await?;
    tills.tills().start_child(Till { number: 2 }).await?;
    let third = Till::at(3).start().await?;
    assert_eq!(Node::current().registered_names(), ["till-1", "till-13", "till-2"]);
    assert_eq!(TillRef::named("till-2").number().await?, 2);
    first.crash();
    settle().await;
    assert_eq!(TillRef::named("till-1").number().await?, 1, "its restart has the name again");
    let taken = Till { number: 13 }.start().await.unwrap_err();
    assert_eq!(taken.reason.to_string(), "the name `till-13` is taken");
    third.stop(Exit::Normal).await;
    assert_eq!(Till { number: 13 }.start().await?.number().await?, 13);
    Ok(())
}
