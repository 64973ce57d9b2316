//! Requests to a supervisor by a process for whose `init` or exit that supervisor waits.

use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use greenroom::{ChildError, ChildSpec, Strategy, SupervisionRef, Supervisor};

use crate::scripted::settle;

/// The outcomes of the requests of one process: the request's name, and the pids of the cycle.
type Outcomes = Arc<Mutex<Vec<(&'static str, Option<Vec<Pid>>)>>>;

/// The moment at which a clerk makes its requests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Init,
    Terminate,
    Handler,
}

#[derive(Clone)]
struct Plan {
    moment: Moment,
    supervisor: SupervisionRef,
    outcomes: Outcomes,
}

impl Plan {
    fn new(moment: Moment, supervisor: &SupervisionRef) -> Plan {
        Plan { moment, supervisor: supervisor.clone(), outcomes: Outcomes::default() }
    }

    /// Makes every request. None may take time.
    async fn run(&self, moment: Moment) {
        if moment != self.moment {
            return;
        }
        let supervisor = &self.supervisor;
        let called = |result: Result<(), CallError>| match result {
            Err(CallError { kind: CallErrorKind::Cycle { pids }, .. }) => Some(pids),
            _ => None,
        };
        let outcome = |result: Result<(), ChildError>| match result {
            Err(ChildError::Call(CallError { kind: CallErrorKind::Cycle { pids }, .. })) => Some(pids),
            _ => None,
        };
        let begin = tokio::time::Instant::now();
        let spec = ChildSpec::new(Idle::default);
        let outcomes = [
            ("children", called(supervisor.children().await.map(drop))),
            ("count_children", called(supervisor.count_children().await.map(drop))),
            ("describe", called(supervisor.describe().await.map(drop))),
            ("find_child", outcome(supervisor.find_child::<IdleRef>("idle").await.map(drop))),
            ("start_child", outcome(supervisor.start_child::<IdleRef>("new", spec).await.map(drop))),
            ("terminate_child", outcome(supervisor.terminate_child("idle").await)),
            ("restart_child", outcome(supervisor.restart_child("idle").await.map(drop))),
            ("delete_child", outcome(supervisor.delete_child("idle").await)),
        ];
        assert_eq!(begin.elapsed(), Duration::ZERO, "a request waited");
        self.outcomes.lock().unwrap().extend(outcomes);
    }

    /// Checks that all requests failed with a cycle of this many processes, whose second one is the supervisor.
    #[track_caller]
    fn check(&self, processes: usize) {
        let outcomes = std::mem::take(&mut *self.outcomes.lock().unwrap());
        assert_eq!(outcomes.len(), 8);
        for (request, cycle) in outcomes {
            let pids = cycle.unwrap_or_else(|| panic!("{request} is not a cycle"));
            assert_eq!(pids.len(), processes, "{request}");
            assert_eq!(Some(&pids[1]), self.supervisor.pid().as_ref(), "{request}");
        }
    }

    /// Checks that no request failed with a cycle.
    #[track_caller]
    fn check_answered(&self) {
        let outcomes = std::mem::take(&mut *self.outcomes.lock().unwrap());
        assert_eq!(outcomes.len(), 8);
        assert!(outcomes.iter().all(|(_, cycle)| cycle.is_none()), "{outcomes:?}");
    }
}

#[actor]
#[derive(Clone, Default)]
struct Idle;

#[actor]
impl Idle {
    #[cast]
    fn rest(&mut self) {}
}

/// An actor with methods.
#[actor]
#[derive(Clone)]
struct Clerk {
    plan: Plan,
}

#[actor(local)]
impl Clerk {
    #[init]
    async fn begin(&mut self) {
        self.plan.run(Moment::Init).await;
    }

    #[cast]
    async fn work(&mut self) {
        self.plan.run(Moment::Handler).await;
    }

    /// Traps exits, so that `terminate` runs when the supervisor stops it.
    #[exit]
    fn ignore(&mut self, _: ExitSignal) {}

    #[terminate]
    async fn close(&mut self) {
        self.plan.run(Moment::Terminate).await;
    }
}

#[protocol(local)]
enum Post {
    #[from]
    Exit(ExitSignal),
}

/// An actor with a protocol of its own, which traps exits.
#[actor(protocol = Post)]
struct Courier {
    plan: Plan,
}

impl Process for Courier {
    const TRAP_EXIT: bool = true;

    async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Exit> {
        self.plan.run(Moment::Init).await;
        Ok(())
    }

    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let Post::Exit(signal) = cx.receive().await;
        self.plan.run(Moment::Terminate).await;
        Err(signal.reason)
    }
}

fn clerk(plan: &Plan) -> ChildSpec<ClerkRef> {
    let plan = plan.clone();
    ChildSpec::new(move || Clerk { plan: plan.clone() })
}

async fn office() -> SupervisionRef {
    let supervisor = Supervisor::new(Strategy::OneForOne).name("Office");
    supervisor.child("idle", ChildSpec::new(Idle::default)).start().await.unwrap()
}

#[greenroom::test]
async fn requests_from_init_fail_at_once() {
    let office = office().await;
    let plan = Plan::new(Moment::Init, &office);
    office.start_child("clerk", clerk(&plan)).await.unwrap();
    plan.check(2);
    let courier = plan.clone();
    office.start_child::<PostRef>("courier", ChildSpec::once(Courier { plan: courier })).await.unwrap();
    plan.check(2);
    // Nothing was sent: the supervisor has the children that it had.
    let ids: Vec<_> = office.children().await.unwrap().into_iter().map(|child| child.id).collect();
    assert_eq!(ids, ["idle", "clerk", "courier"]);
}

/// A clerk that counts its colleagues as soon as it has started.
#[actor]
#[derive(Clone)]
struct Newcomer {
    supervisor: SupervisionRef,
    colleagues: usize,
}

#[actor]
impl Newcomer {
    #[continue_with]
    async fn look_around(&mut self) -> Result<(), Exit> {
        self.colleagues = self.supervisor.count_children().await?.active;
        Ok(())
    }

    #[call]
    fn colleagues(&self) -> usize {
        self.colleagues
    }
}

#[greenroom::test]
async fn requests_succeed_as_soon_as_init_has_succeeded() {
    let office = office().await;
    let newcomer = Newcomer { supervisor: office.clone(), colleagues: 0 };
    let spec = ChildSpec::new(move || newcomer.clone());
    let newcomer = office.start_child::<NewcomerRef>("newcomer", spec).await.unwrap();
    assert_eq!(newcomer.colleagues().await, Ok(2));

    #[supervisor]
    struct Hall {
        #[child(dynamic, restart = temporary)]
        newcomers: Newcomer,
    }
    let hall = Hall {}.start().await.unwrap();
    for number in 1..4 {
        let newcomer = Newcomer { supervisor: hall.newcomers().supervisor().clone(), colleagues: 0 };
        assert_eq!(hall.newcomers().start_child(newcomer).await.unwrap().colleagues().await, Ok(number));
    }
    hall.stop().await;
}

#[greenroom::test]
async fn requests_while_being_stopped_fail_at_once() {
    let office = office().await;
    let plan = Plan::new(Moment::Terminate, &office);
    office.start_child("clerk", clerk(&plan)).await.unwrap();
    office.terminate_child("clerk").await.unwrap();
    plan.check(2);
    office.start_child::<PostRef>("courier", ChildSpec::once(Courier { plan: plan.clone() })).await.unwrap();
    office.terminate_child("courier").await.unwrap();
    plan.check(2);
    office.restart_child("clerk").await.unwrap();
    TreeStub::stop(&office).await;
    let outcomes = std::mem::take(&mut *plan.outcomes.lock().unwrap());
    assert!(outcomes.len() == 8 && outcomes.iter().all(|(_, cycle)| cycle.is_some()), "{outcomes:?}");
}

#[greenroom::test]
async fn requests_to_a_supervisor_further_up_fail_at_once() {
    for moment in [Moment::Init, Moment::Terminate] {
        let office = office().await;
        let plan = Plan::new(moment, &office);
        let clerks = plan.clone();
        let branch = ChildSpec::supervisor(move || {
            let clerks = clerks.clone();
            let team =
                ChildSpec::supervisor(move || Supervisor::new(Strategy::OneForOne).child("clerk", clerk(&clerks)));
            Supervisor::new(Strategy::OneForOne).child("team", team)
        });
        office.start_child::<SupervisionRef>("branch", branch).await.unwrap();
        if moment == Moment::Terminate {
            office.terminate_child("branch").await.unwrap();
        }
        // The clerk, the office, the branch, the team.
        plan.check(4);
    }
}

#[greenroom::test]
async fn requests_of_dynamic_children_fail_at_once_while_all_are_stopped() {
    #[supervisor]
    struct Hall {
        #[child(dynamic, restart = temporary)]
        clerks: Clerk,
    }
    let hall = Hall {}.start().await.unwrap();
    let clerks = hall.clerks();
    let plans: Vec<_> = (0..20).map(|_| Plan::new(Moment::Terminate, clerks.supervisor())).collect();
    for plan in &plans {
        clerks.start_child(Clerk { plan: plan.clone() }).await.unwrap();
    }
    let init = Plan::new(Moment::Init, clerks.supervisor());
    clerks.start_child(Clerk { plan: init.clone() }).await.unwrap();
    init.check(2);
    hall.stop().await;
    for plan in plans {
        let outcomes = std::mem::take(&mut *plan.outcomes.lock().unwrap());
        assert!(outcomes.len() == 8 && outcomes.iter().all(|(_, cycle)| cycle.is_some()), "{outcomes:?}");
    }
}

/// A clerk that receives its plan after its start.
#[actor]
#[derive(Clone, Default)]
struct Usher {
    plan: Arc<Mutex<Option<Plan>>>,
}

#[actor(local)]
impl Usher {
    #[cast]
    fn usher(&mut self) {}

    #[exit]
    fn ignore(&mut self, _: ExitSignal) {}

    /// Makes its requests a little later, when its supervisor has restarted.
    #[terminate]
    async fn close(&mut self) {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let plan = self.plan.lock().unwrap().take();
        if let Some(plan) = plan {
            plan.run(Moment::Terminate).await;
        }
    }
}

#[greenroom::test]
async fn requests_of_a_killed_supervisors_child_fail_at_once_while_the_next_incarnation_waits_for_it() {
    let usher = Usher::default();
    let new = usher.clone();
    let hall = move || {
        let new = new.clone();
        Supervisor::new(Strategy::OneForOne).child("usher", ChildSpec::<UsherRef>::new(move || new.clone()))
    };
    let theatre =
        Supervisor::new(Strategy::OneForOne).child("hall", ChildSpec::supervisor(hall)).start().await.unwrap();
    let hall: SupervisionRef = theatre.find_child("hall").await.unwrap();
    let plan = Plan::new(Moment::Terminate, &hall);
    *usher.plan.lock().unwrap() = Some(plan.clone());
    hall.exit(Exit::Kill);
    tokio::time::sleep(Duration::from_secs(1)).await;
    plan.check(2);
}

#[greenroom::test]
async fn requests_of_a_running_child_and_to_another_supervisor_are_answered() {
    let (office, other) = (office().await, office().await);
    let plan = Plan::new(Moment::Handler, &office);
    let clerk_stub = office.start_child("clerk", clerk(&plan)).await.unwrap();
    clerk_stub.work();
    settle().await;
    plan.check_answered();
    let plan = Plan::new(Moment::Init, &other);
    office.start_child("visitor", clerk(&plan)).await.unwrap();
    plan.check_answered();
}
