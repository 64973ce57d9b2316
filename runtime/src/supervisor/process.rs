use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use greenroom_macros::{actor, protocol};

use super::children::Slot;
use super::plan::{Plan, Verdict};
use super::{ChildInfo, Flags, Shutdown};
use crate::actor::{Context, Process};
use crate::base::{Exit, ExitSignal, Pid, StartError};
use crate::call::Reply;
use crate::process::{Step, ended};
use crate::wire::Signal;

/// What a supervisor understands.
#[protocol]
pub enum Supervision {
    /// Its children in start order, as OTP's `which_children`.
    Children {
        /// The answer.
        reply: Reply<Vec<ChildInfo>>,
    },
    /// A child ended, or the supervisor's parent did.
    #[from]
    Exit(ExitSignal),
}

/// The process that looks after the children of a tree; `#[supervisor]` on a struct makes one.
#[actor(protocol = Supervision)]
pub struct Supervisor {
    children: Vec<Child>,
    plan: Plan,
    /// Restarts that failed and are tried again when the messages that came meanwhile are handled.
    failed: Vec<usize>,
    start_error: Arc<Mutex<Option<StartError>>>,
}

struct Child {
    slot: Slot,
    pid: Option<Pid>,
}

impl Supervisor {
    pub(super) fn new(flags: Flags, slots: Vec<Slot>, start_error: Arc<Mutex<Option<StartError>>>) -> Supervisor {
        let plan = Plan::new(flags, slots.iter().map(|slot| slot.options.restart));
        let children = slots.into_iter().map(|slot| Child { slot, pid: None }).collect();
        Supervisor { children, plan, failed: Vec::new(), start_error }
    }

    async fn start_child(&mut self, cx: &mut Context<Self>, index: usize) -> Result<(), Exit> {
        let child = &mut self.children[index];
        let starting = {
            let (me, cell) = (cx.pid().clone(), Arc::clone(cx.mailbox().cell()));
            child.slot.home.start(&move |pid| cell.link(&me, pid))
        };
        let pid = starting.await?;
        child.pid = Some(pid);
        self.plan.started(index);
        Ok(())
    }

    /// Stops a child as its options say and waits until it is gone, even if it has unlinked itself.
    async fn stop_child(&mut self, cx: &mut Context<Self>, index: usize) {
        let child = &mut self.children[index];
        let Some(pid) = child.pid.take() else { return };
        let me = cx.pid().clone();
        let node = cx.node().clone();
        cx.mailbox().cell().unlink(&me, &pid);
        let mut gone = std::pin::pin!(ended(&node, pid.clone()));
        let tell = |reason| node.signal(&me, &pid, Signal::Exit { reason, linked: false });
        let patience = match child.slot.options.shutdown {
            Shutdown::Kill => Some(Duration::ZERO),
            Shutdown::After(patience) => Some(patience),
            Shutdown::Forever => None,
        };
        if patience != Some(Duration::ZERO) {
            tell(Exit::shutdown());
            if node.clock().within(patience, gone.as_mut()).await.is_some() {
                return;
            }
        }
        tell(Exit::Kill);
        gone.await;
    }

    async fn stop_all(&mut self, cx: &mut Context<Self>) {
        for index in (0..self.children.len()).rev() {
            self.stop_child(cx, index).await;
        }
    }

    async fn carry_out(&mut self, cx: &mut Context<Self>, verdict: Verdict) -> Result<(), Exit> {
        match verdict {
            Verdict::Nothing => Ok(()),
            Verdict::GiveUp => {
                tracing::error!(target: "greenroom", pid = %cx.pid(), "supervisor gives up: too many restarts");
                Err(Exit::shutdown())
            }
            Verdict::Restart { stop, start } => {
                for index in stop {
                    self.stop_child(cx, index).await;
                    if !start.contains(&index) {
                        self.children[index].slot.home.close();
                    }
                }
                for index in start {
                    if let Err(reason) = self.start_child(cx, index).await {
                        let child = self.children[index].slot.options.name;
                        tracing::error!(target: "greenroom", child, %reason, "a restart failed");
                        self.plan.failed(index);
                        self.failed.push(index);
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    async fn exited(&mut self, cx: &mut Context<Self>, signal: ExitSignal) -> Result<(), Exit> {
        let ended = self.children.iter().position(|child| child.pid.as_ref() == Some(&signal.from));
        // A stranger's exit, or that of a child which has been stopped, concerns nobody here.
        let Some(index) = ended else { return Ok(()) };
        self.children[index].pid = None;
        let verdict = self.plan.ended(index, &signal.reason, cx.node().clock().now());
        if verdict == Verdict::Nothing {
            // Nobody comes after it: who calls it hears so at once.
            self.children[index].slot.home.close();
        }
        self.carry_out(cx, verdict).await
    }

    fn describe(&self) -> Vec<ChildInfo> {
        let info = |child: &Child| ChildInfo {
            name: child.slot.options.name.to_owned(),
            pid: child.pid.clone(),
            restart: child.slot.options.restart,
        };
        self.children.iter().map(info).collect()
    }

    /// One message, or one restart that failed before: it waits for its turn behind what else has come.
    async fn next(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let step = match self.failed.is_empty() {
            true => Some(cx.mailbox().step().await),
            false => cx.mailbox().step_if_here().await,
        };
        match step {
            Some(Step::Message(Supervision::Children { reply })) => {
                reply.send(self.describe());
                Ok(())
            }
            Some(Step::Message(Supervision::Exit(signal))) => self.exited(cx, signal).await,
            Some(Step::Stop(reason)) => Err(reason),
            None => {
                let index = self.failed.remove(0);
                let verdict = self.plan.retry(index, cx.node().clock().now());
                self.carry_out(cx, verdict).await
            }
        }
    }
}

impl Process for Supervisor {
    const TRAP_EXIT: bool = true;
    const SERVER: bool = true;
    const SUPERVISOR: bool = true;

    async fn init(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        for index in 0..self.children.len() {
            if let Err(reason) = self.start_child(cx, index).await {
                self.stop_all(cx).await;
                let child = self.children[index].slot.options.name;
                let error = StartError { child: child.to_owned(), reason };
                let told = Exit::Shutdown(Some(error.to_string().into()));
                *self.start_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return Err(told);
            }
        }
        Ok(())
    }

    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            if let Err(reason) = self.next(cx).await {
                self.stop_all(cx).await;
                return if reason == Exit::Normal { Ok(()) } else { Err(reason) };
            }
        }
    }
}
