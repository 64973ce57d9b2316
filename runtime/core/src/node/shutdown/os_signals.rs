//! The signals by which the operating system requests the program's end: SIGTERM, and SIGINT for ctrl-c.
//!
//! The first signal of a run begins the shutdown, and the second one ends the program at once. They are received by a
//! task of their own, so that the second one takes effect even if other tasks block their threads.
//!
//! With the feature `upgrade`, SIGUSR2 begins an upgrade. Once a successor serves, it receives the signals from this
//! process.

#[cfg(feature = "signal")]
use tokio::sync::oneshot;

#[cfg(feature = "signal")]
use crate::log;
use crate::node::Node;

/// The receiver of the signals, until it is dropped.
pub(super) struct OsSignals {
    /// The first signal; and the sender that ends the task when it is dropped. `None` for a run inside another one, which
    /// receives the signals.
    #[cfg(feature = "signal")]
    task: Option<(oneshot::Receiver<()>, oneshot::Sender<()>)>,
}

#[cfg(not(feature = "signal"))]
impl OsSignals {
    pub(super) fn listen(_: &Node) -> OsSignals {
        OsSignals {}
    }

    pub(super) fn none() -> OsSignals {
        OsSignals {}
    }

    pub(super) async fn first(&mut self) {
        std::future::pending::<()>().await;
    }
}

#[cfg(feature = "signal")]
impl OsSignals {
    /// Replaces the default effect of the signals. As tokio documents, the default does not return when the result is
    /// dropped.
    pub(super) fn listen(node: &Node) -> OsSignals {
        let (first_sender, first) = oneshot::channel();
        let (end_sender, mut end) = oneshot::channel::<()>();
        let running = node.clone();
        match SignalStream::new() {
            Ok(mut signals) => node.spawner().spawn(async move {
                let (mut first_sender, mut first_at) = (Some(first_sender), None);
                loop {
                    let signal = tokio::select! {
                        signal = signals.next() => signal,
                        _ = &mut end => return,
                    };
                    if running.takes_signal(signal).await {
                        continue;
                    }
                    let now = running.clock().now();
                    let since = now.saturating_duration_since(*first_at.get_or_insert(now));
                    if first_sender.is_none() && since < ECHO && running.is_behind_shim() {
                        continue;
                    }
                    let Some(sender) = first_sender.take() else { std::process::exit(128 + signal.number()) };
                    log::info!(
                        target: "greenroom", signal = signal.name(), "stopping; a second signal ends the program at once"
                    );
                    // Fails only if the receiver is dropped, which ends this task too.
                    let _ = sender.send(());
                }
            }),
            Err(error) => {
                log::warn!(
                    target: "greenroom", error = %log::Escaped(&error), "signal handlers cannot be installed: signals end the program at once"
                );
            }
        }
        OsSignals { task: Some((first, end_sender)) }
    }

    /// Receives no signals.
    pub(super) fn none() -> OsSignals {
        OsSignals { task: None }
    }

    /// Resolves at the first signal. Cancel-safe.
    pub(super) async fn first(&mut self) {
        let received = match &mut self.task {
            Some((first, _)) => first.await.is_ok(),
            None => false,
        };
        if !received {
            // There are no signal handlers.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(feature = "signal")]
#[derive(Clone, Copy)]
enum Signal {
    Interrupt,
    #[cfg(unix)]
    Terminate,
    #[cfg(all(feature = "upgrade", unix))]
    Upgrade,
}

#[cfg(feature = "signal")]
impl Signal {
    /// Returns the number on Unix. A shell reports a program that was ended by a signal as 128 plus this number.
    fn number(self) -> i32 {
        match self {
            Signal::Interrupt => 2,
            #[cfg(unix)]
            Signal::Terminate => 15,
            #[cfg(all(feature = "upgrade", unix))]
            Signal::Upgrade => rustix::process::Signal::USR2.as_raw(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            #[cfg(unix)]
            Signal::Terminate => "SIGTERM",
            #[cfg(all(feature = "upgrade", unix))]
            Signal::Upgrade => "SIGUSR2",
        }
    }
}

/// The time in which a shim forwards a signal that this process has received, too: ctrl-c and the end of a unit of systemd go
/// to all processes of a group.
#[cfg(feature = "signal")]
const ECHO: std::time::Duration = std::time::Duration::from_millis(500);

#[cfg(feature = "signal")]
impl Node {
    /// Returns whether another process of the operating system forwards signals to this one.
    fn is_behind_shim(&self) -> bool {
        #[cfg(all(feature = "upgrade", unix))]
        {
            let node = self.nested_runs().inner().unwrap_or_else(|| self.clone());
            node.succession().upgrades().is_some_and(|upgrades| upgrades.is_behind_shim())
        }
        #[cfg(not(all(feature = "upgrade", unix)))]
        false
    }

    /// Begins the upgrade that a signal requests, or forwards a signal to the successor. Returns whether the signal has
    /// no further effect.
    async fn takes_signal(&self, signal: Signal) -> bool {
        #[cfg(all(feature = "upgrade", unix))]
        {
            let node = self.nested_runs().inner().unwrap_or_else(|| self.clone());
            node.succession().decided().await;
            if let Some(upgrades) = node.succession().upgrades() {
                if node.succession().is_over() {
                    upgrades.forward(signal.number());
                    return true;
                }
                if matches!(signal, Signal::Upgrade) {
                    upgrades.begin(&node);
                }
            }
            matches!(signal, Signal::Upgrade)
        }
        #[cfg(not(all(feature = "upgrade", unix)))]
        false
    }
}

#[cfg(all(feature = "signal", unix))]
struct SignalStream {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    #[cfg(feature = "upgrade")]
    upgrade: tokio::signal::unix::Signal,
}

#[cfg(all(feature = "signal", unix))]
impl SignalStream {
    fn new() -> std::io::Result<SignalStream> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(SignalStream {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            #[cfg(feature = "upgrade")]
            upgrade: signal(SignalKind::user_defined2())?,
        })
    }

    async fn next(&mut self) -> Signal {
        #[cfg(feature = "upgrade")]
        let upgrade = async { self.upgrade.recv().await.map(|()| Signal::Upgrade) };
        #[cfg(not(feature = "upgrade"))]
        let upgrade = std::future::pending();
        tokio::select! {
            Some(signal) = upgrade => signal,
            Some(()) = self.interrupt.recv() => Signal::Interrupt,
            Some(()) = self.terminate.recv() => Signal::Terminate,
            // Not reached: tokio's signal streams do not end.
            else => std::future::pending().await,
        }
    }
}

#[cfg(all(feature = "signal", windows))]
struct SignalStream(tokio::signal::windows::CtrlC);

#[cfg(all(feature = "signal", windows))]
impl SignalStream {
    fn new() -> std::io::Result<SignalStream> {
        tokio::signal::windows::ctrl_c().map(SignalStream)
    }

    async fn next(&mut self) -> Signal {
        match self.0.recv().await {
            Some(()) => Signal::Interrupt,
            // Not reached: tokio's signal streams do not end.
            None => std::future::pending().await,
        }
    }
}
