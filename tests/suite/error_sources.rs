//! The public errors: their messages state what failed, and their sources are the causes.

use std::error::Error;

use greenroom::{
    ApplicationError, CallError, CastError, ChildError, DecodeError, EncodeError, InvalidOptions, NameError, NodeName,
    Settings, SysError, prelude::*,
};

use crate::scripted::idle;

#[greenroom::test]
async fn each_error_states_what_failed_and_has_its_cause_as_source() {
    let pid = idle().spawn().pid().expect("a process of this node");
    let encode = || EncodeError::TooLarge { limit: 64 };
    let decode = || DecodeError::Variant(7);
    let cycle = vec![pid.clone()];
    let settings = Settings::new().file("nowhere.toml").load::<u8>().unwrap_err();

    check(&CallError::from(CallErrorKind::Timeout), "the callee did not answer in time", None);
    check(&CallError::from(CallErrorKind::Exit(Exit::error("no stock"))), "the callee exited: no stock", None);
    check(&CallError::from(CallErrorKind::NoProc), "the callee does not exist", None);
    check(&CallError::from(CallErrorKind::NoConnection), "no connection to the callee's node", None);
    check(&CallError::from(CallErrorKind::Full), "the callee's mailbox is full", None);
    check(&CallError::from(CallErrorKind::Dropped), "the callee dropped the reply without an answer", None);
    check(&CallError::from(CallErrorKind::Itself), "a process called itself and would wait for its own answer", None);
    check(
        &CallError::from(CallErrorKind::Incompatible("a and b".into())),
        "the callee's protocol is incompatible: a and b",
        None,
    );
    check(&CallError::from(CallErrorKind::Encode(encode())), "cannot encode the call or its answer", Some(&encode()));
    check(&CallError::from(CallErrorKind::Decode(decode())), "cannot decode the call or its answer", Some(&decode()));
    let waits = format!("calls wait for each other in a cycle: {pid} waits for {pid}");
    check(&CallError::from(CallErrorKind::Cycle { pids: cycle }), &waits, None);

    check(&CastError::NoProc, "the receiver does not exist", None);
    check(&CastError::NoConnection, "no connection to the receiver's node", None);
    check(&CastError::Full, "the receiver's mailbox is full", None);
    check(&CastError::Incompatible("a and b".into()), "the receiver's protocol is incompatible: a and b", None);
    check(&CastError::Encode(encode()), "cannot encode the message", Some(&encode()));

    check(&EncodeError::Local, "a message of this variant cannot leave its node", None);
    check(&encode(), "the value is larger than 64 bytes: send it in parts", None);
    check(&EncodeError::Field("no time".into()), "a field cannot be serialized: no time", None);
    check(&DecodeError::Local, "the message is private to its node, or its protocol is `local`", None);
    check(&decode(), "the message has the variant number 7, which this protocol does not have", None);
    check(&DecodeError::Malformed("no bool".into()), "the bytes are malformed: no bool", None);
    check(&DecodeError::TooDeep { limit: 128 }, "the value is nested deeper than 128 levels", None);
    let too_many = "the message has more than 4100 elements, which is more than its bytes justify";
    check(&DecodeError::TooMany { limit: 4100 }, too_many, None);
    let too_large = "the message would occupy more than 7 bytes of memory, which is more than its bytes justify";
    check(&DecodeError::TooLarge { limit: 7 }, too_large, None);

    check(&NameError::Taken("orders".into()), "the name `orders` is taken", None);
    let named = "the process has the name `orders` already: unregister that first";
    check(&NameError::Named("orders".into()), named, None);
    check(&NameError::NoProc, "the process to name does not exist on this node", None);
    check(&NameError::Unknown("orders".into()), "no process has the name `orders`", None);
    check(&NameError::Invalid, "invalid process name: expected 1 to 255 bytes, not beginning with `/`", None);
    let name = "invalid node name `orders`: expected `name@host` without white space, at most 255 bytes";
    check(&NodeName::new("orders").unwrap_err(), name, None);

    check(&ChildError::Options(InvalidOptions::Backoff), "child's options", Some(&InvalidOptions::Backoff));
    let timeout = CallError::from(CallErrorKind::Timeout);
    check(&ChildError::Call(timeout.clone()), "call to the supervisor", Some(&timeout));
    check(&ChildError::Start(Exit::error("no port")), "no port", None);
    check(&ChildError::AlreadyStarted(pid.clone()), &pid.to_string(), None);
    for error in [ChildError::NotFound, ChildError::NoProc, ChildError::RemoteSupervisor] {
        check(&error, "the supervisor", None);
    }
    for error in [ChildError::Running, ChildError::Restarting, ChildError::AlreadyPresent, ChildError::Incompatible] {
        check(&error, "child", None);
    }
    check(&InvalidOptions::SignificantPermanent, "significant", None);
    check(&InvalidOptions::SignificantWithoutAutoShutdown, "significant", None);
    check(&InvalidOptions::Backoff, "backoff", None);

    let start = Refused.start().await.expect_err("its `init` fails");
    check(&start, "cannot start: no port", None);
    let tree = ApplicationError::Tree { application: "shop".into(), error: start.clone() };
    check(&tree, "application `shop`", Some(&start));
    let dependency = ApplicationError::NotStarted { application: "shop".into(), dependency: "storage".into() };
    check(&dependency, "application `shop` depends on `storage`", None);
    check(&ApplicationError::Cycle(vec!["shop".into()]), "`shop` starts after `shop`", None);
    for error in [
        ApplicationError::AlreadyStarted("shop".into()),
        ApplicationError::DuplicateName("shop".into()),
        ApplicationError::Stopping("shop".into()),
    ] {
        check(&error, "`shop`", None);
    }

    for error in [SysError::NotAllowed, SysError::Elsewhere, SysError::OtherType, SysError::Timeout] {
        check(&error, "the process", None);
    }
    check(&SysError::NoProc, "process", None);
    assert!(settings.source().is_some_and(<dyn Error>::is::<std::io::Error>));
    assert_eq!(settings.to_string(), "nowhere.toml: cannot read the file");
}

/// The error's message contains `words`, and its source is `cause`, which the message does not repeat.
#[track_caller]
fn check(error: &dyn Error, words: &str, cause: Option<&dyn Error>) {
    let message = error.to_string();
    assert!(message.contains(words), "`{message}` contains `{words}`");
    assert!(!message.contains('\n') && !message.ends_with('.'), "`{message}` is a fragment");
    assert_eq!(error.source().map(ToString::to_string), cause.map(ToString::to_string), "the source of `{message}`");
    assert!(cause.is_none_or(|cause| !message.contains(&cause.to_string())), "`{message}` repeats its source");
}

/// A process whose start fails.
#[actor]
struct Refused;

#[actor]
impl Refused {
    #[init]
    async fn init(&mut self) -> Result<(), Exit> {
        Err(Exit::error("no port"))
    }
}

/// A server whose handlers and hooks fail with all kinds of errors.
#[actor]
struct Clumsy {
    kind: u8,
}

#[actor]
impl Clumsy {
    #[init]
    fn open(kind: u8) -> Result<Self, Box<dyn Error>> {
        if kind == 0 { Err("no kind")? } else { Ok(Clumsy { kind }) }
    }

    #[cast]
    fn boxed(&mut self) -> Result<(), Box<dyn Error>> {
        self.kind.checked_sub(9).ok_or("too small")?;
        Ok(())
    }

    #[cast]
    fn texts(&mut self) -> Result<(), String> {
        Err(format!("kind {}", self.kind))
    }

    #[cast]
    async fn anyhow(&mut self) -> anyhow::Result<()> {
        use anyhow::Context;
        std::fs::metadata("/no/such/file").context("cannot read the settings")?;
        Ok(())
    }

    #[cast]
    fn all(&mut self) -> Result<(), Exit> {
        if self.kind == 7 {
            Err(anyhow::anyhow!("seven"))?;
        }
        Err("the end")?
    }
}

#[greenroom::test(expect_crash)]
async fn errors_without_a_type_are_exit_reasons() {
    let reason = Clumsy::open(0).start().await.unwrap_err().reason;
    assert_eq!(reason, Exit::error("no kind"));
    let clumsy = || Clumsy::open(1).spawn();
    let (boxed, texts, anyhow, all) = (clumsy(), clumsy(), clumsy(), clumsy());
    boxed.boxed();
    texts.texts();
    anyhow.anyhow();
    all.all();
    for (clumsy, expected) in [
        (boxed, "too small"),
        (texts, "kind 1"),
        (anyhow, "cannot read the settings: No such file or directory (os error 2)"),
        (all, "the end"),
    ] {
        assert_eq!(clumsy.ended().await.to_string(), expected);
    }
}

#[greenroom::test]
async fn a_cast_error_has_serdes_traits() {
    for error in [CastError::Full, CastError::Encode(EncodeError::TooLarge { limit: 64 })] {
        let text = serde_json::to_string(&error).unwrap();
        assert_eq!(serde_json::from_str::<CastError>(&text).unwrap(), error);
    }
}
