//! The process of a port, and its start by an owner.

use std::future::poll_fn;
use std::panic::Location;
use std::task::Poll;

use tokio::sync::oneshot;

use super::options::{Port, PortError};
use super::output::PortOutput;
use super::protocol::{PortMessage, PortRef};
use super::transfer::Transfer;
use crate::actor::{Actor, Context, NewProcess, Options, Process, Stub, Stubbed};
use crate::base::{Down, Exit, MonitorRef, Pid, Receives};
use crate::mailbox::Overflow;
use crate::node::Node;
use crate::process::{Mailbox, RunningGuard, ended};

#[cfg(feature = "port")]
impl<M: Stubbed> Mailbox<M> {
    /// Starts a program as a linked process that belongs to this one, and returns its stub. Each line of its output is
    /// a message of this process, a [`PortOutput`].
    ///
    /// The program does not outlive its owner: it is ended whenever this process exits, for whatever reason, even
    /// [`Exit::Normal`]. A program that exits with status zero has the reason [`Exit::Normal`], which linked processes
    /// ignore. Any other status ends this process too, unless it traps exits. [`port_monitor`](Mailbox::port_monitor)
    /// is for a process that handles the exit itself. [`Port`] has the options, and describes the exit in detail. The
    /// model is [`open_port/2`](https://www.erlang.org/doc/apps/erts/erlang.html#open_port/2).
    ///
    /// ```
    /// use std::process::Command;
    ///
    /// use greenroom::PortOutput;
    /// use greenroom::prelude::*;
    ///
    /// #[protocol]
    /// enum Desk {
    ///     #[from]
    ///     Output(PortOutput),
    /// }
    ///
    /// # #[greenroom::main]
    /// # async fn main() -> greenroom::Result {
    /// let desk = greenroom::spawn(|mut mailbox: Mailbox<Desk>| async move {
    ///     let echo = mailbox.port(Command::new("cat"))?;
    ///     echo.send("hello\n".into()).await?;
    ///     receive!(match mailbox { Desk::Output(line) => assert_eq!(line.text()?, "hello") });
    ///     Ok::<(), Exit>(())
    /// });
    /// assert_eq!(desk.ended().await, Exit::Normal);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// If this process has a bounded mailbox, it should not await a `send` while the program waits for room in that
    /// mailbox: neither can continue then. Use [`try_send`](PortRef::try_send), or receive meanwhile.
    ///
    /// # Errors
    /// The operating system cannot start the program. No process is started then.
    ///
    /// # Panics
    /// In a tokio runtime without `enable_io`, which pipes need.
    #[track_caller]
    pub fn port(&self, port: impl Into<Port>) -> Result<PortRef, PortError>
    where
        M: Receives<PortOutput>,
    {
        let (process, port) = self.prepare_port(port.into(), Location::caller())?;
        self.link(&process.stub());
        Ok(process.run(port, None))
    }

    /// Starts a program as a monitored process that belongs to this one, and returns its stub and the monitor.
    ///
    /// Differs from [`port`](Mailbox::port) in that this process is not linked to the port. It receives one [`Down`]
    /// with the exit reason, after all output. The monitor exists before the port runs, so the reason is received
    /// however soon the program exits. The program is still ended whenever this process exits. The model is
    /// `open_port/2` with the option `exit_status`.
    ///
    /// ```
    /// use std::process::Command;
    ///
    /// use greenroom::PortOutput;
    /// use greenroom::prelude::*;
    ///
    /// #[protocol]
    /// enum Desk {
    ///     #[from]
    ///     Output(PortOutput),
    ///     #[from]
    ///     Down(Down),
    /// }
    ///
    /// # #[greenroom::main]
    /// # async fn main() -> greenroom::Result {
    /// let desk = greenroom::spawn(|mut mailbox: Mailbox<Desk>| async move {
    ///     let (sort, _) = mailbox.port_monitor(Command::new("sort"))?;
    ///     sort.send("pear\napple\n".into()).await?;
    ///     sort.close_input();
    ///     let mut sorted = Vec::new();
    ///     let reason = loop {
    ///         receive!(match mailbox {
    ///             Desk::Output(line) => sorted.push(line.text()?.to_owned()),
    ///             Desk::Down(down) => break down.reason,
    ///         });
    ///     };
    ///     assert_eq!((sorted, reason), (vec!["apple".to_owned(), "pear".to_owned()], Exit::Normal));
    ///     Ok::<(), Exit>(())
    /// });
    /// assert_eq!(desk.ended().await, Exit::Normal);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The operating system cannot start the program. No process is started and no [`Down`] follows then.
    ///
    /// # Panics
    /// In a tokio runtime without `enable_io`, which pipes need.
    #[track_caller]
    pub fn port_monitor(&self, port: impl Into<Port>) -> Result<(PortRef, MonitorRef), PortError>
    where
        M: Receives<PortOutput> + Receives<Down>,
    {
        let (process, port) = self.prepare_port(port.into(), Location::caller())?;
        let monitor = self.monitor(&process.stub());
        Ok((process.run(port, None), monitor))
    }

    /// Starts the program, and makes the process for it, which does not run yet.
    fn prepare_port(
        &self,
        mut port: Port,
        at: &'static Location<'static>,
    ) -> Result<(NewProcess<Port>, Port), PortError>
    where
        M: Receives<PortOutput>,
    {
        port.receiver.get_or_insert_with(|| self.me().recipient());
        // Before there is a process, which would have to be ended again if this fails.
        let program = port.start_program(self.node())?;
        let process = NewProcess::<Port>::new(self.node().clone());
        program.belong_to(process.running_guard(at));
        port.owner = Some(exit_of(self.node(), self.pid().clone()));
        Ok((process, port))
    }
}

// As a hint that another type is an actor, it would not help.
#[diagnostic::do_not_recommend]
impl Actor for Port {
    type Protocol = PortMessage;

    const OPTIONS: Options = Options { kind: "Port", mailbox: Some(16), overflow: Overflow::Wait, ..Options::DEFAULT };

    fn __name(&self) -> Option<String> {
        self.name.clone()
    }
}

#[diagnostic::do_not_recommend]
impl Process for Port {
    /// Starts the program, unless it has been started before the process.
    async fn init(&mut self, cx: &mut Context<Port>) -> Result<(), Exit> {
        if self.program.is_none() {
            let guard = RunningGuard::new(cx.cell(), cx.pid().number(), Location::caller());
            self.start_program(cx.node())?.belong_to(guard);
        }
        Ok(())
    }

    async fn run(&mut self, cx: &mut Context<Port>) -> Result<(), Exit> {
        let Some(program) = self.program.take() else { return Ok(()) };
        let mut transfer = Transfer::new(self, program, cx.node().clone(), cx.pid().clone());
        let mailbox = cx.mailbox();
        poll_fn(|task| transfer.poll(mailbox, task)).await
    }
}

/// Returns the exit reason of a process, when it has exited.
///
/// Awaited by a task, since a process that awaits the exit of another one takes part in the search for cycles. A port
/// waits for more than its owner.
fn exit_of(node: &Node, process: Pid) -> oneshot::Receiver<Exit> {
    let (mut sender, receiver) = oneshot::channel();
    let mut ended = Box::pin(ended(node, process));
    node.spawner().spawn(async move {
        let reason = poll_fn(|cx| match ended.as_mut().poll(cx) {
            Poll::Ready(reason) => Poll::Ready(Some(reason)),
            Poll::Pending => sender.poll_closed(cx).map(|()| None),
        });
        if let Some(reason) = reason.await {
            // Fails if the port has exited.
            let _ = sender.send(reason);
        }
    });
    receiver
}
