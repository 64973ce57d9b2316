//! Cycles through a process that starts, through a supervisor that stops a child, and through an application: a typed
//! error soon, never silence.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use greenroom::{Application, ChildError, ChildSpec, Shutdown, Strategy, SupervisionRef, Supervisor, prelude::*};

/// The work of a clerk: at its start, or when it is requested.
#[derive(Clone, Default)]
struct Task(Arc<Mutex<Option<Work>>>);

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Task {
    fn new(work: impl Future<Output = ()> + Send + 'static) -> Task {
        Task(Arc::new(Mutex::new(Some(Box::pin(work)))))
    }

    async fn run(&self) {
        let work = self.0.lock().unwrap().take();
        if let Some(work) = work {
            work.await;
        }
    }
}

/// A clerk that traps exits, so that only a kill or the end of its work stops it.
#[actor]
#[derive(Clone, Default)]
struct Clerk {
    at_start: Task,
}

#[actor(local)]
impl Clerk {
    #[init]
    async fn begin(&mut self) {
        self.at_start.run().await;
    }

    #[cast]
    async fn work(&mut self, task: Task) {
        task.run().await;
    }

    #[call]
    async fn help(&mut self, task: Task) {
        task.run().await;
    }

    #[call]
    fn greet(&self) {}

    #[exit]
    fn exited(&mut self, _signal: ExitSignal) {}
}

/// The outcomes of calls: `None` for success, else the number of processes in the cycle.
type Outcomes = Arc<Mutex<Vec<Option<usize>>>>;

fn outcome<T>(result: Result<T, CallError>) -> Option<usize> {
    match result {
        Ok(_) => None,
        Err(CallError { kind: CallErrorKind::Cycle { pids }, .. }) => Some(pids.len()),
        Err(error) => panic!("{error}"),
    }
}

fn child_outcome<T>(result: Result<T, ChildError>) -> Option<usize> {
    match result {
        Ok(_) => None,
        Err(ChildError::Call(error)) => outcome::<()>(Err(error)),
        Err(error) => panic!("{error}"),
    }
}

/// Waits at most two seconds, which is longer than any search for a cycle takes here.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(2), future).await.expect("resolves soon")
}

/// A clerk that calls `other` when it starts, and records the outcome.
fn caller(other: &ClerkRef, task: Task, outcomes: &Outcomes) -> Clerk {
    let (other, outcomes) = (other.clone(), Arc::clone(outcomes));
    Clerk {
        at_start: Task::new(async move {
            let result = other.help(task).forever().await;
            outcomes.lock().unwrap().push(outcome(result));
        }),
    }
}

#[greenroom::test]
async fn a_process_whose_init_calls_its_starter_receives_the_cycle() {
    for in_tree in [false, true] {
        let (starter, outcomes) = (Clerk::default().spawn(), Outcomes::default());
        let new = caller(&starter, Task::default(), &outcomes);
        starter.work(Task::new(async move {
            if in_tree {
                let tree = Supervisor::new(Strategy::OneForOne).child::<ClerkRef>("new", ChildSpec::once(new));
                tree.start().await.unwrap();
            } else {
                new.start().await.unwrap();
            }
        }));
        soon(starter.greet().forever()).await.unwrap();
        // The new process and its starter, with the supervisor between them in a tree.
        assert_eq!(*outcomes.lock().unwrap(), [Some(if in_tree { 3 } else { 2 })]);
    }
}

#[greenroom::test]
async fn a_child_whose_init_waits_for_its_supervisor_through_another_server_receives_the_cycle() {
    let office = Supervisor::new(Strategy::OneForOne).start().await.unwrap();
    let (helper, outcomes) = (Clerk::default().spawn(), Outcomes::default());
    let supervisor = office.clone();
    let start_other = Task::new(async move {
        supervisor.start_child::<ClerkRef>("other", ChildSpec::new(Clerk::default)).await.unwrap();
    });
    let new = caller(&helper, start_other, &outcomes);
    soon(office.start_child::<ClerkRef>("new", ChildSpec::once(new))).await.unwrap();
    assert_eq!(*outcomes.lock().unwrap(), [Some(3)]);
    soon(helper.greet().forever()).await.unwrap();
    assert_eq!(soon(office.children()).await.unwrap().len(), 2);
}

#[greenroom::test]
async fn a_stop_that_closes_a_cycle_goes_on() {
    let spec = ChildSpec::<ClerkRef>::new(Clerk::default).shutdown(Shutdown::Forever);
    let office = Supervisor::new(Strategy::OneForOne).child("clerk", spec).start().await.unwrap();
    let clerk: ClerkRef = office.find_child("clerk").await.unwrap();
    let (helper, awaited) = (Clerk::default().spawn(), office.clone());
    clerk.work(Task::new(async move {
        let until_end = Task::new(async move { drop(awaited.ended().await) });
        drop(helper.help(until_end).forever().await);
    }));
    // The clerk waits for the helper, the helper for the supervisor, and from now on the supervisor for the clerk.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(soon(office.stop()).await, Exit::shutdown());
}

#[supervisor]
struct Hall {
    #[child(dynamic, restart = temporary, shutdown = forever)]
    clerks: Clerk,
}

#[greenroom::test]
async fn a_child_that_terminates_itself_through_its_supervisor_receives_the_cycle_and_stops() {
    let spec = ChildSpec::<ClerkRef>::new(Clerk::default).shutdown(Shutdown::Forever);
    let office = Supervisor::new(Strategy::OneForOne).child("clerk", spec).start().await.unwrap();
    let clerk: ClerkRef = office.find_child("clerk").await.unwrap();
    let outcomes = Outcomes::default();
    let (supervisor, noted) = (office.clone(), Arc::clone(&outcomes));
    clerk.work(Task::new(async move {
        let result = supervisor.terminate_child("clerk").await;
        noted.lock().unwrap().push(child_outcome(result));
    }));
    tokio::time::sleep(Duration::from_secs(1)).await;
    soon(office.children()).await.unwrap();
    let hall = Hall {}.start().await.unwrap();
    let clerk = hall.clerks().start_child(Clerk::default()).await.unwrap();
    let (clerks, itself, noted) = (hall.clerks(), clerk.clone(), Arc::clone(&outcomes));
    clerk.work(Task::new(async move {
        let result = clerks.terminate_child(&itself).await;
        noted.lock().unwrap().push(child_outcome(result));
    }));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(soon(hall.clerks().children()).await.unwrap().len(), 0);
    assert_eq!(*outcomes.lock().unwrap(), [Some(2), Some(2)]);
}

#[supervisor(intensity = 10)]
struct Shop {
    #[child(start = Clerk::default(), shutdown = forever)]
    clerk: Clerk,
}

#[greenroom::test]
async fn a_process_can_stop_its_own_application_and_one_on_which_that_depends() {
    for is_dependent in [false, true] {
        let store = Application::new("store", Shop {}).start().await.unwrap();
        let shop = Application::new("shop", Shop {}).after("store").start().await.unwrap();
        let clerk = if is_dependent { shop.tree().clerk() } else { store.tree().clerk() };
        let (stopped, ended) = (store.clone(), (store.ended(), shop.ended()));
        clerk.work(Task::new(async move {
            assert_eq!(stopped.stop().await, Exit::shutdown());
        }));
        assert_eq!(soon(ended.0).await, Exit::shutdown(), "dependent: {is_dependent}");
        assert_eq!(soon(ended.1).await, Exit::shutdown(), "dependent: {is_dependent}");
    }
}

#[greenroom::test]
async fn a_process_that_waits_for_the_end_of_its_application_exits_with_the_cycle() {
    let shop = Application::new("shop", Shop {}).start().await.unwrap();
    for join in [false, true] {
        let clerk = shop.tree().clerk();
        let (ended, awaited) = (clerk.ended(), shop.clone());
        clerk.work(Task::new(async move {
            if join {
                drop(awaited.join().await);
            } else {
                awaited.ended().await;
            }
        }));
        let reason = soon(ended).await;
        assert!(matches!(&reason, Exit::Cycle { pids, .. } if pids.len() == 2), "{reason:?}");
    }
    // A process outside of it waits as before.
    let (visitor, awaited, ended) = (Clerk::default().spawn(), shop.clone(), Arc::new(Mutex::new(None)));
    let noted = Arc::clone(&ended);
    visitor.work(Task::new(async move { *noted.lock().unwrap() = Some(awaited.ended().await) }));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(*ended.lock().unwrap(), None);
    soon(shop.stop()).await;
    soon(visitor.greet().forever()).await.unwrap();
    assert_eq!(*ended.lock().unwrap(), Some(Exit::shutdown()));
}

#[greenroom::test]
async fn two_applications_whose_processes_stop_each_other_stop() {
    let store = Application::new("store", Shop {}).start().await.unwrap();
    let shop = Application::new("shop", Shop {}).start().await.unwrap();
    let (first, second) = (store.clone(), shop.clone());
    store.tree().clerk().work(Task::new(async move { drop(second.stop().await) }));
    shop.tree().clerk().work(Task::new(async move { drop(first.stop().await) }));
    assert_eq!((soon(store.ended()).await, soon(shop.ended()).await), (Exit::shutdown(), Exit::shutdown()));
}

#[greenroom::test]
async fn a_slow_init_is_not_a_cycle() {
    let office: SupervisionRef = Supervisor::new(Strategy::OneForOne).start().await.unwrap();
    let slow = Clerk { at_start: Task::new(tokio::time::sleep(Duration::from_secs(3600))) };
    office.start_child::<ClerkRef>("slow", ChildSpec::once(slow)).await.unwrap();
    assert_eq!(Node::current().counters().broken_cycles, 0);
}
