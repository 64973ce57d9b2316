//! Constructors: functions with `#[init]` that make the actor in its process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use greenroom::prelude::*;
use greenroom::{ChildSpec, Init, Node, StartError};
use tokio::time::Instant;

/// The resource that an actor opens: it cannot be cloned, and there is no empty one.
#[derive(Debug)]
struct File {
    path: String,
    _opened: Arc<AtomicU32>,
}

impl File {
    async fn open(path: String, opened: Arc<AtomicU32>) -> Result<File, std::io::Error> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        opened.fetch_add(1, Ordering::SeqCst);
        if path.is_empty() {
            return Err(std::io::Error::other("no path"));
        }
        Ok(File { path, _opened: opened })
    }
}

#[actor(name = "store")]
struct Store {
    file: File,
    me: StoreRef,
    inits: u32,
}

#[actor(local)]
impl Store {
    /// Opens the file.
    #[init]
    async fn open(path: String, opened: Arc<AtomicU32>, cx: &mut Context<Self>) -> Result<Self, std::io::Error> {
        assert!(StoreRef::named("store").is_alive(), "it has its name");
        let (file, me) = (File::open(path, opened).await?, cx.me());
        Ok(Self { file, me, inits: 0 })
    }

    /// Another constructor, without an error and without `async`.
    #[init]
    fn with_file(File { path, _opened }: File, cx: &mut Context<Store>) -> Store {
        Store { file: File { path, _opened }, me: cx.me(), inits: 10 }
    }

    #[init]
    fn after(&mut self) {
        self.inits += 1;
    }

    #[call]
    fn path(&self) -> String {
        self.file.path.clone()
    }

    #[call]
    fn state(&self) -> (StoreRef, u32) {
        (self.me.clone(), self.inits)
    }

    #[cast]
    fn crash(&mut self) -> Result<(), Exit> {
        Err(Exit::error("boom"))
    }
}

#[greenroom::test]
async fn a_constructor_runs_in_its_process_and_start_waits_for_it() -> greenroom::Result {
    let opened = Arc::default();
    let lazy = Store::open("a.db".into(), Arc::clone(&opened));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(opened.load(Ordering::SeqCst), 0, "it is lazy");
    let begun = Instant::now();
    let store = lazy.start().await?;
    assert_eq!((begun.elapsed(), opened.load(Ordering::SeqCst)), (Duration::from_secs(1), 1));
    assert_eq!(store.path().await?, "a.db");
    assert_eq!(store.state().await?, (store, 1), "the hook runs afterwards");
    Ok(())
}

#[greenroom::test]
async fn a_spawned_constructor_runs_before_the_first_message() -> greenroom::Result {
    let file = File { path: "b.db".into(), _opened: Arc::default() };
    let store = Store::with_file(file).spawn();
    assert_eq!(store.path().await?, "b.db");
    assert_eq!(store.state().await?.1, 11);
    Ok(())
}

#[greenroom::test]
async fn a_constructor_that_fails_is_a_start_that_fails() {
    let opened = Arc::default();
    let error = Store::open(String::new(), Arc::clone(&opened)).start().await.unwrap_err();
    assert_eq!(error.reason.to_string(), "no path");
    assert_eq!(Node::current().process_count(), 0);
    let store = Store::open(String::new(), opened).spawn();
    assert_eq!(store.ended().await.to_string(), "no path");
}

#[greenroom::test]
async fn the_name_of_a_constructor_is_free_after_its_end() -> greenroom::Result {
    let first = Store::open("a.db".into(), Arc::default()).start().await?;
    let opened = Arc::default();
    assert!(Store::open("b.db".into(), Arc::clone(&opened)).start().await.is_err());
    assert_eq!(opened.load(Ordering::SeqCst), 0, "without the name nothing is opened");
    first.stop(Exit::Normal).await;
    assert!(Store::open("b.db".into(), opened).start().await.is_ok());
    Ok(())
}

/// A panic in a constructor is the exit reason, as in a hook.
#[actor]
struct Fragile {}

#[actor]
impl Fragile {
    #[init]
    fn new(text: String) -> Fragile {
        panic!("{text}")
    }

    #[call]
    fn answer(&self) -> u32 {
        42
    }
}

#[greenroom::test(expect_crash)]
async fn a_constructor_that_panics_is_a_start_that_fails() {
    let StartError { reason, .. } = Fragile::new("dropped".into()).start().await.unwrap_err();
    assert!(reason.to_string().contains("dropped"), "{reason}");
    let fragile = Fragile::new("dropped".into()).spawn();
    assert!(matches!(
        fragile.answer().await,
        Err(CallError { kind: CallErrorKind::Exit(_) | CallErrorKind::NoProc, .. })
    ));
}

/// An account, whose constructor has arguments that can be sent.
#[actor]
struct Account {
    owner: String,
    balance: i64,
}

#[actor]
impl Account {
    #[init]
    fn open(owner: String, balance: i64) -> Account {
        Account { owner, balance }
    }

    #[call]
    fn show(&self) -> String {
        format!("{}: {}", self.owner, self.balance)
    }

    #[cast]
    fn crash(&mut self) -> Result<(), Exit> {
        Err(Exit::error("boom"))
    }
}

#[greenroom::test]
async fn the_arguments_are_a_value() -> greenroom::Result {
    let opening = Account::open("Ada".into(), 7);
    let bytes = serde_json::to_string(&opening).unwrap();
    assert_eq!(bytes, r#"["Ada",7]"#);
    let read: Init<AccountOpen, (String, i64)> = serde_json::from_str(&bytes).unwrap();
    assert_eq!(read, opening.clone());
    assert_eq!(format!("{read:?}"), r#"Init(("Ada", 7))"#);
    assert_eq!(read.start().await?.show().await?, "Ada: 7");
    assert_eq!(Node::current().start(opening).await?.show().await?, "Ada: 7");
    Ok(())
}

/// A generic actor has generic constructors.
#[actor]
struct Cell<T> {
    value: T,
}

#[actor]
impl<T: Clone + Sync> Cell<T> {
    #[init]
    fn holding(value: T) -> Self {
        Cell { value }
    }

    #[call]
    fn value(&self) -> T {
        self.value.clone()
    }
}

#[greenroom::test]
async fn a_generic_actor_has_constructors() -> greenroom::Result {
    assert_eq!(Cell::holding(5_u8).spawn().value().await?, 5);
    assert_eq!(Cell::holding("five".to_owned()).start().await?.value().await?, "five");
    Ok(())
}

#[supervisor(intensity = 10, period = "1s")]
struct Bank {
    path: String,
    opened: Arc<AtomicU32>,
    #[child(start = Store::open(self.path.clone(), Arc::clone(&self.opened)))]
    store: Store,
    #[child(start = Account { owner: "plain".into(), balance: 0 })]
    plain: Account,
    #[child(dynamic)]
    accounts: Account,
    #[child(dynamic, restart = temporary)]
    guests: Account,
}

#[greenroom::test]
async fn a_child_is_constructed_at_each_start() -> greenroom::Result {
    let opened = Arc::default();
    let bank = Bank { path: "bank.db".into(), opened: Arc::clone(&opened) }.start().await?;
    assert_eq!(bank.store().path().await?, "bank.db");
    assert_eq!(bank.plain().show().await?, "plain: 0");
    bank.store().crash();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bank.store().path().await?, "bank.db");
    assert_eq!(opened.load(Ordering::SeqCst), 2);
    TreeStub::stop(&bank).await;
    let failed = Bank { path: String::new(), opened }.start().await.unwrap_err();
    assert_eq!(failed.to_string(), "cannot start `store`: no path");
    Ok(())
}

#[greenroom::test]
async fn dynamic_children_are_constructed() -> greenroom::Result {
    let bank = Bank { path: "bank.db".into(), opened: Arc::default() }.start().await?;
    let account = bank.accounts().start_child(Account::open("Ada".into(), 7)).await?;
    account.crash();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(account.show().await?, "Ada: 7", "restarted with the same arguments");
    let made = bank.accounts().start_child_with(|| Account::open("Bob".into(), 8)).await?;
    assert_eq!(made.show().await?, "Bob: 8");
    let plain = bank.accounts().start_child_with(|| Account { owner: "Eve".into(), balance: 9 }).await?;
    assert_eq!(plain.show().await?, "Eve: 9");
    let guest = bank.guests().start_child(Account::open("Ada".into(), 1)).await?;
    assert_eq!(guest.show().await?, "Ada: 1");
    let spec = ChildSpec::new(|| Account::open("spec".into(), 1));
    let late = TreeStub::start_child(&bank, "late", spec).await?;
    assert_eq!(late.show().await?, "spec: 1");
    Ok(())
}
