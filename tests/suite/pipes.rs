//! Futures that run beside their process, and whose outcome is a message of it.

use std::future::pending;
use std::sync::Arc;

use greenroom::prelude::*;
use greenroom::testing::Cluster;

/// Answers after a second.
#[actor]
#[derive(Default)]
struct Bank {
    calls: u64,
}

#[actor]
impl Bank {
    #[call]
    async fn balance(&mut self) -> u64 {
        self.calls += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.calls
    }

    #[call]
    fn fail(&mut self) -> u64 {
        panic!("no money")
    }
}

#[actor(mailbox = 1, overflow = reject)]
struct Till {
    bank: BankRef,
    outcomes: Vec<Result<u64, CallError>>,
}

#[actor(local)]
impl Till {
    #[call]
    fn check(&mut self, cx: &mut Context<Self>, times: u64) {
        for _ in 0..times {
            cx.pipe(self.bank.balance().forever(), |outcome| TillMessage::Checked { outcome });
        }
    }

    /// Calls these banks, and handles nothing for a while.
    #[call]
    async fn check_all(&mut self, cx: &mut Context<Self>, banks: Vec<BankRef>) {
        for bank in banks {
            cx.pipe(bank.balance(), |outcome| TillMessage::Checked { outcome });
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
    }

    #[call]
    fn provoke(&mut self, cx: &mut Context<Self>) {
        cx.pipe(self.bank.fail(), |outcome| TillMessage::Checked { outcome });
    }

    #[cast]
    fn checked(&mut self, outcome: Result<u64, CallError>) {
        self.outcomes.push(outcome);
    }

    #[call]
    fn outcomes(&self) -> Vec<Result<u64, CallError>> {
        self.outcomes.clone()
    }

    /// Calls itself, beside itself.
    #[call]
    fn ask_itself(&mut self, cx: &mut Context<Self>, reply: Reply<usize>) {
        let me = cx.me();
        cx.pipe(async move { me.outcomes().await.map(|outcomes| outcomes.len()) }, |count| TillMessage::Counted {
            count,
            slip: reply,
        });
    }

    #[cast]
    fn counted(&mut self, count: Result<usize, CallError>, slip: Slip) {
        slip.send(count.unwrap());
    }

    #[call]
    fn hold(&mut self, cx: &mut Context<Self>, file: Arc<()>, detach: bool) -> bool {
        let attachment = cx.pipe(
            async move {
                pending::<()>().await;
                drop(file);
            },
            |()| TillMessage::Panic,
        );
        detach && attachment.is_attached() && attachment.detach() && !attachment.is_attached()
    }

    #[cast]
    fn panic(&mut self) {
        unreachable!("the future never resolves");
    }

    #[call]
    fn break_down(&mut self, cx: &mut Context<Self>, at_once: bool) {
        let future = async move {
            if at_once {
                panic!("the future breaks")
            }
        };
        cx.pipe(future, |()| panic!("the message breaks"));
    }
}

type Slip = Reply<usize>;

fn till(bank: BankRef) -> TillRef {
    Till { bank, outcomes: Vec::new() }.spawn()
}

#[greenroom::test]
async fn a_server_goes_on_while_its_calls_wait() -> greenroom::Result {
    let till = till(Bank::default().spawn());
    let begun = tokio::time::Instant::now();
    till.check(3).await?;
    assert_eq!(till.outcomes().await?, []);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(till.outcomes().await?, [Ok(1), Ok(2)]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Although the mailbox holds one message: an outcome is a message of the process itself.
    assert_eq!(till.outcomes().await?, [Ok(1), Ok(2), Ok(3)]);
    Ok(())
}

#[greenroom::test]
async fn many_outcomes_at_once_fit_a_full_mailbox() -> greenroom::Result {
    let banks: Vec<_> = (0..20).map(|_| Bank::default().spawn()).collect();
    let till = till(banks[0].clone());
    // All banks answer at the same time, while the till is busy and its mailbox holds one message.
    till.check_all(banks).await?;
    assert_eq!(till.outcomes().await?, vec![Ok(1); 20]);
    Ok(())
}

#[greenroom::test(expect_crash)]
async fn the_outcome_of_a_call_that_fails_is_a_message_too() -> greenroom::Result {
    let till = till(Bank::default().spawn());
    till.provoke().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let outcomes = till.outcomes().await?;
    assert!(
        matches!(&outcomes[..], [Err(CallError { kind: CallErrorKind::Exit(Exit::Panic { .. }), .. })]),
        "{outcomes:?}"
    );
    Ok(())
}

#[greenroom::test]
async fn a_server_may_call_itself_beside_itself() -> greenroom::Result {
    let till = till(Bank::default().spawn());
    assert_eq!(till.ask_itself().await?, 0);
    Ok(())
}

#[greenroom::test]
async fn a_future_ends_with_its_process_and_when_it_is_detached() -> greenroom::Result {
    let (till, file) = (till(Bank::default().spawn()), Arc::new(()));
    assert!(till.hold(Arc::clone(&file), true).await?);
    assert_eq!(Arc::strong_count(&file), 1, "it was detached");
    till.hold(Arc::clone(&file), false).await?;
    assert_eq!(Arc::strong_count(&file), 2);
    till.stop(Exit::Normal).await;
    assert_eq!(Arc::strong_count(&file), 1, "the process has ended");
    Ok(())
}

#[greenroom::test(expect_crash)]
async fn a_panic_of_the_future_or_of_its_message_ends_the_process() -> greenroom::Result {
    for (at_once, expected) in [(true, "the future breaks"), (false, "the message breaks")] {
        let till = till(Bank::default().spawn());
        till.break_down(at_once).await?;
        let reason = till.ended().await;
        assert!(matches!(&reason, Exit::Panic { message, .. } if &**message == expected), "{reason}");
    }
    Ok(())
}

#[greenroom::test]
async fn a_call_to_another_node_is_piped_and_ends_with_the_connection() -> greenroom::Result {
    let cluster = Cluster::in_memory(2).await;
    let bank = cluster.node(1).spawn(Bank::default());
    BankRef::register("bank", &bank)?;
    let far: BankRef = cluster.node(0).named_at("bank", cluster.node(1).name());
    let _here = cluster.node(0).enter();
    let till = till(far);
    till.check(1).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(till.outcomes().await?, [Ok(1)]);
    till.check(1).await?;
    tokio::time::sleep(Duration::from_millis(10)).await;
    cluster.partition(0, 1);
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(till.outcomes().await?, [Ok(1), Err(CallErrorKind::NoConnection.into())]);
    assert!(bank.is_alive());
    Ok(())
}
