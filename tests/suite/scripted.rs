//! Scripted processes: a test writes in place what a process does.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use greenroom::prelude::*;
use tokio::sync::oneshot;

/// The protocol of scripted processes.
#[protocol]
#[derive(Debug)]
pub(crate) enum Letter {
    A {
        n: u32,
    },
    B {
        n: u32,
    },
    Pair {
        left: u32,
        right: u32,
    },
    Nested {
        inner: Option<Result<u32, String>>,
    },
    Go,
    Ask {
        reply: Reply<u32>,
    },
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
}

/// A process that follows a script.
#[actor(protocol = Letter)]
pub(crate) struct Scripted {
    script: Option<Script>,
}

type Scene<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Script = Box<dyn for<'a> FnOnce(&'a mut Context<Scripted>) -> Scene<'a, Result<(), Exit>> + Send>;

impl Process for Scripted {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        match self.script.take() {
            Some(script) => script(cx).await,
            None => Ok(()),
        }
    }
}

/// A process that executes `script`.
pub(crate) fn act(
    script: impl for<'a> FnOnce(&'a mut Context<Scripted>) -> Scene<'a, Result<(), Exit>> + Send + 'static,
) -> Scripted {
    Scripted { script: Some(Box::new(script)) }
}

/// A process that executes `script` and ends normally.
pub(crate) fn does(
    script: impl for<'a> FnOnce(&'a mut Context<Scripted>) -> Scene<'a, ()> + Send + 'static,
) -> Scripted {
    act(|cx| {
        Box::pin(async move {
            script(cx).await;
            Ok(())
        })
    })
}

/// A process that runs until another process ends it.
pub(crate) fn idle() -> Scripted {
    act(|_| Box::pin(std::future::pending()))
}

/// A process that traps exits and runs until it is killed.
pub(crate) fn stubborn() -> Scripted {
    act(|cx| {
        Box::pin(async move {
            cx.trap_exit(true);
            std::future::pending().await
        })
    })
}

/// A child that ends with an error at the first `Go`, and can be started again.
#[actor(protocol = Letter)]
#[derive(Default)]
pub(crate) struct Fuse;

impl Process for Fuse {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        receive!(match cx {
            Letter::Go => Err(Exit::error("blown")),
        })
    }
}

/// A process that ends for `reason` at its first `Go`.
pub(crate) fn mortal(reason: Exit) -> Scripted {
    act(|cx| {
        Box::pin(async move {
            receive!(match cx {
                Letter::Go => {}
            });
            match reason {
                Exit::Normal => Ok(()),
                reason => Err(reason),
            }
        })
    })
}

/// Runs a script as a process and returns its result.
#[track_caller]
pub(crate) fn run<T: Send + 'static>(
    script: impl for<'a> FnOnce(&'a mut Context<Scripted>) -> Scene<'a, T> + Send + 'static,
) -> impl Future<Output = T> {
    let (sender, receiver) = oneshot::channel();
    let process = act(|cx| {
        Box::pin(async move {
            // The test waits for the result below.
            let _ = sender.send(script(cx).await);
            Ok(())
        })
    })
    .spawn();
    async move {
        let ended = process.ended();
        match receiver.await {
            Ok(value) => value,
            Err(_) => panic!("the process ended early: {}", ended.await),
        }
    }
}

/// Resolves when all processes are idle: the paused clock advances only then.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// The next message in short form, or `None` if none waits.
pub(crate) async fn next(cx: &mut Context<Scripted>) -> Option<String> {
    receive!(match cx {
        letter => Some(short(&letter)),
        after!(Duration::ZERO) => None,
    })
}

/// All waiting messages in short form.
pub(crate) async fn rest(cx: &mut Context<Scripted>) -> Vec<String> {
    let mut letters = Vec::new();
    while let Some(letter) = next(cx).await {
        letters.push(letter);
    }
    letters
}

fn short(letter: &Letter) -> String {
    match letter {
        Letter::A { n } => format!("a{n}"),
        Letter::B { n } => format!("b{n}"),
        Letter::Pair { left, right } => format!("pair {left} {right}"),
        Letter::Nested { inner } => format!("nested {inner:?}"),
        Letter::Go => "go".into(),
        Letter::Ask { .. } => "ask".into(),
        Letter::Down(down) => format!("down {}", down.reason),
        Letter::Exit(signal) => format!("exit {}", signal.reason),
    }
}

/// Events of several processes in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, line: impl ToString) {
        self.0.lock().unwrap().push(line.to_string());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}
