//! Processes that wait for their own end, directly, through their supervisor or in a cycle: a typed outcome at once, never
//! silence.

use std::sync::{Arc, Mutex};

use greenroom::{CallError, SupervisionRef, TreeStub, prelude::*};

/// A service that stops or waits for another one, or for itself.
#[actor]
#[derive(Default)]
struct Service {
    log: Log,
}

/// The outcomes of the waits, and the services that were terminated.
type Log = Arc<Mutex<Vec<String>>>;

#[actor(local)]
impl Service {
    #[call]
    async fn stop_other(&mut self, other: ServiceRef) -> Exit {
        self.stop_and_log(other).await
    }

    #[cast]
    async fn stop(&mut self, other: ServiceRef) {
        self.stop_and_log(other).await;
    }

    #[cast]
    async fn await_end(&mut self, other: ServiceRef) {
        let reason = other.ended().await;
        self.log.lock().unwrap().push(format!("ended: {reason}"));
    }

    #[cast]
    async fn await_either(&mut self, other: ServiceRef) {
        tokio::select! {
            _ = other.ended() => {}
            () = tokio::time::sleep(Duration::from_secs(30)) => {}
        }
    }

    #[cast]
    async fn stop_tree(&mut self, tree: SupervisionRef) {
        let reason = tree.stop().await;
        self.log.lock().unwrap().push(format!("tree: {reason}"));
    }

    #[cast]
    async fn await_tree(&mut self, tree: SupervisionRef) {
        tree.ended().await;
    }

    #[cast]
    async fn ask_to_stop(&mut self, other: ServiceRef, whom: ServiceRef) {
        let answer = other.stop_other(whom).forever().await;
        self.log.lock().unwrap().push(match answer {
            Ok(_) => "answered".to_owned(),
            Err(CallError { kind: CallErrorKind::Cycle { pids }, .. }) => format!("cycle of {}", pids.len()),
            Err(error) => error.to_string(),
        });
    }

    #[terminate]
    fn close(&mut self) {
        self.log.lock().unwrap().push("terminated".to_owned());
    }
}

impl Service {
    async fn stop_and_log(&self, other: ServiceRef) -> Exit {
        let reason = Stub::stop(&other, Exit::shutdown()).await;
        let text = match &reason {
            Exit::Cycle { pids, .. } => format!("cycle of {}", pids.len()),
            reason => format!("stopped: {reason}"),
        };
        self.log.lock().unwrap().push(text);
        reason
    }
}

/// Waits at most two seconds, which is longer than any search for a cycle takes here.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(2), future).await.expect("resolves soon")
}

fn services<const N: usize>() -> (Log, [ServiceRef; N]) {
    let log = Log::default();
    (Arc::clone(&log), std::array::from_fn(|_| Service { log: Arc::clone(&log) }.spawn()))
}

#[greenroom::test]
async fn a_server_that_stops_itself_stops_after_the_handler() {
    let (log, [service]) = services();
    service.stop(service.clone());
    assert_eq!(soon(service.ended()).await, Exit::shutdown());
    assert_eq!(*log.lock().unwrap(), ["stopped: shutdown", "terminated"]);
}

#[greenroom::test]
async fn a_process_that_stops_itself_ends_at_that_await() {
    #[protocol(local)]
    enum Nothing {
        Unused,
    }
    let process = greenroom::spawn(|mailbox: Mailbox<Nothing>| async move {
        Stub::stop(&mailbox.me(), Exit::error("done")).await;
        std::future::pending::<()>().await;
    });
    assert_eq!(soon(process.ended()).await, Exit::error("done"));
}

#[greenroom::test]
async fn a_process_that_waits_for_its_own_end_exits_with_the_cycle() {
    let (_, [direct, named]) = services();
    ServiceRef::register("service", &named).unwrap();
    for (service, itself) in [(&direct, direct.clone()), (&named, ServiceRef::named("service"))] {
        let pid = service.pid().unwrap();
        let ended = service.ended();
        service.await_end(itself);
        let reason = soon(ended).await;
        assert!(matches!(&reason, Exit::Cycle { pids, .. } if *pids == [pid.clone()]), "{reason:?}");
        assert_eq!(
            reason.to_string(),
            format!("the process waited for an exit that could only come after its own: {pid} waits for {pid}")
        );
    }
}

#[supervisor]
struct Office {
    #[child(start = Service { log: Arc::clone(&self.log) }, shutdown = "5s")]
    service: Service,
    #[child(supervisor, start = Annex { log: Arc::clone(&self.log) })]
    annex: Annex,
    log: Log,
}

#[supervisor]
struct Annex {
    #[child(start = Service { log: Arc::clone(&self.log) }, restart = temporary)]
    service: Service,
    log: Log,
}

#[greenroom::test]
async fn two_servers_that_stop_each_other_both_stop() {
    let (log, [first, second]) = services();
    let ended = (first.ended(), second.ended());
    first.stop(second.clone());
    second.stop(first);
    assert_eq!((soon(ended.0).await, soon(ended.1).await), (Exit::shutdown(), Exit::shutdown()));
    let mut log = log.lock().unwrap().clone();
    log.sort_unstable();
    assert_eq!(log, ["cycle of 2", "stopped: shutdown", "terminated", "terminated"]);
}

#[greenroom::test]
async fn a_ring_of_servers_that_stop_each_other_stops() {
    let (log, ring) = services::<7>();
    let ended: Vec<_> = ring.iter().map(Stub::ended).collect();
    for (n, service) in ring.iter().enumerate() {
        service.stop(ring[(n + 1) % ring.len()].clone());
    }
    for ended in ended {
        assert_eq!(soon(ended).await, Exit::shutdown());
    }
    assert_eq!(log.lock().unwrap().iter().filter(|line| *line == "cycle of 7").count(), 1);
}

#[greenroom::test]
async fn processes_that_wait_for_each_others_end_are_released_by_one_of_them() {
    let (log, ring) = services::<3>();
    let ended: Vec<_> = ring.iter().map(Stub::ended).collect();
    for (n, service) in ring.iter().enumerate() {
        service.await_end(ring[(n + 1) % ring.len()].clone());
    }
    let first = tokio::time::timeout(Duration::from_secs(2), async {
        let mut ended: Vec<_> = ended.into_iter().map(Box::pin).collect();
        std::future::poll_fn(|cx| {
            ended
                .iter_mut()
                .find_map(|ended| match ended.as_mut().poll(cx) {
                    std::task::Poll::Ready(reason) => Some(std::task::Poll::Ready(reason)),
                    std::task::Poll::Pending => None,
                })
                .unwrap_or(std::task::Poll::Pending)
        })
        .await
    })
    .await
    .expect("one of them ends");
    assert!(matches!(&first, Exit::Cycle { pids, .. } if pids.len() == 3), "{first:?}");
    crate::scripted::settle().await;
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[greenroom::test]
async fn a_cycle_of_a_call_and_a_stop_is_broken() {
    let (log, [caller, stopper]) = services();
    let ended = caller.ended();
    // The caller waits for the answer, the stopper for the caller's end.
    caller.ask_to_stop(stopper.clone(), caller.clone());
    assert_eq!(soon(ended).await, Exit::shutdown());
    let log = log.lock().unwrap().clone();
    assert!(log.iter().any(|line| line == "cycle of 2"), "{log:?}");
    assert!(stopper.is_alive());
}

#[greenroom::test]
async fn a_wait_that_can_end_otherwise_is_not_a_cycle() {
    let (_, [first, second]) = services();
    first.await_either(second.clone());
    second.await_either(first.clone());
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(first.is_alive() && second.is_alive());
    // And one that waits for a process that ends later is served.
    let (log, [waiter, other]) = services();
    waiter.await_end(other.clone());
    tokio::time::sleep(Duration::from_secs(3600)).await;
    other.exit(Exit::error("late"));
    crate::scripted::settle().await;
    assert_eq!(*log.lock().unwrap(), ["ended: late"]);
    assert!(waiter.is_alive());
}

#[derive(Clone, Copy, Debug)]
enum Where {
    Child,
    Grandchild,
}

#[greenroom::test]
async fn a_process_can_stop_its_own_tree() {
    for place in [Where::Child, Where::Grandchild] {
        let log = Log::default();
        let office = Office { log: Arc::clone(&log) }.start().await.unwrap();
        let service = match place {
            Where::Child => office.service(),
            Where::Grandchild => office.annex().service(),
        };
        let ended = office.ended();
        let begin = tokio::time::Instant::now();
        service.stop_tree(office.supervisor().clone());
        assert_eq!(ended.await, Exit::shutdown(), "{place:?}");
        assert!(begin.elapsed() < Duration::from_secs(1), "{place:?}: killed after its shutdown time");
    }
}

#[greenroom::test]
async fn a_child_that_waits_for_the_end_of_its_tree_exits_with_the_cycle() {
    let office = Office { log: Log::default() }.start().await.unwrap();
    let service = office.annex().service();
    let (pid, supervisor) = (service.pid().unwrap(), office.supervisor().pid().unwrap());
    let ended = service.ended();
    service.await_tree(office.supervisor().clone());
    let reason = soon(ended).await;
    assert!(matches!(&reason, Exit::Cycle { pids, .. } if *pids == [pid, supervisor]), "{reason:?}");
    assert!(office.supervisor().is_alive());
}
