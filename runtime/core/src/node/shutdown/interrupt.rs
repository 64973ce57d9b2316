//! The operating system's wish that the program stop.
//!
//! Two signals a run: the first one begins the stop, the second one ends the program. A task of its own listens, so
//! that the second one is heard also when what runs holds up its thread.

#[cfg(feature = "signal")]
use tokio::sync::oneshot;

#[cfg(feature = "signal")]
use crate::log;
use crate::node::Node;

/// Listens until it is dropped.
pub(super) struct Interrupts {
    #[cfg(feature = "signal")]
    first: oneshot::Receiver<()>,
    /// Dropped, it ends the task.
    #[cfg(feature = "signal")]
    _over: oneshot::Sender<()>,
}

#[cfg(not(feature = "signal"))]
impl Interrupts {
    pub(super) fn listen(_: &Node) -> Interrupts {
        Interrupts {}
    }

    pub(super) async fn first(&mut self) {
        std::future::pending::<()>().await;
    }
}

#[cfg(feature = "signal")]
impl Interrupts {
    /// From now on a signal does nothing by itself, and does not again when this is dropped: as tokio has it.
    pub(super) fn listen(node: &Node) -> Interrupts {
        let (told, first) = oneshot::channel();
        let (over, mut end) = oneshot::channel::<()>();
        match Signals::new() {
            Ok(mut signals) => node.spawner().spawn(async move {
                let mut told = Some(told);
                loop {
                    let signal = tokio::select! {
                        signal = signals.next() => signal,
                        _ = &mut end => return,
                    };
                    let Some(first) = told.take() else { std::process::exit(128 + signal.number()) };
                    log::info!(
                        target: "greenroom", signal = signal.name(), "stopping; a second signal ends the program at once"
                    );
                    // Received by whoever holds `over`.
                    let _ = first.send(());
                }
            }),
            Err(error) => {
                log::warn!(target: "greenroom", %error, "signals cannot be heard: they end the program at once");
            }
        }
        Interrupts { first, _over: over }
    }

    /// Resolves at the first signal. Cancel-safe.
    pub(super) async fn first(&mut self) {
        if (&mut self.first).await.is_err() {
            // Nobody listens.
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
}

#[cfg(feature = "signal")]
impl Signal {
    /// As Unix numbers them, and shells tell who was ended by one.
    fn number(self) -> i32 {
        match self {
            Signal::Interrupt => 2,
            #[cfg(unix)]
            Signal::Terminate => 15,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            #[cfg(unix)]
            Signal::Terminate => "SIGTERM",
        }
    }
}

#[cfg(all(feature = "signal", unix))]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(all(feature = "signal", unix))]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.interrupt.recv() => Signal::Interrupt,
            Some(()) = self.terminate.recv() => Signal::Terminate,
            // tokio's streams of signals have no end.
            else => std::future::pending().await,
        }
    }
}

#[cfg(all(feature = "signal", windows))]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(all(feature = "signal", windows))]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        tokio::signal::windows::ctrl_c().map(Signals)
    }

    async fn next(&mut self) -> Signal {
        match self.0.recv().await {
            Some(()) => Signal::Interrupt,
            // tokio's streams of signals have no end.
            None => std::future::pending().await,
        }
    }
}
