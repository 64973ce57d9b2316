//! A state machine like `gen_statem`: one function per state, each with its own `receive!`.

use greenroom::prelude::*;

use crate::scripted::{Log, settle};

#[protocol]
enum Turn {
    Unlock,
    Lock,
    Enter { who: u32 },
}

#[actor(protocol = Turn)]
struct Door {
    log: Log,
}

impl Process for Door {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            self.locked(cx).await;
            self.open(cx).await;
        }
    }
}

impl Door {
    async fn locked(&mut self, cx: &mut Context<Self>) {
        receive!(match cx {
            Turn::Unlock => self.log.note("open"),
        });
    }

    async fn open(&mut self, cx: &mut Context<Self>) {
        loop {
            receive!(match cx {
                Turn::Enter { who } => self.log.note(who),
                Turn::Lock => break,
            });
        }
        self.log.note("locked");
    }
}

#[greenroom::test]
async fn unmatched_messages_wait_in_order_for_a_state_that_matches() {
    let log = Log::default();
    let door = Door { log: log.clone() }.spawn();
    for who in [1, 2] {
        door.enter(who);
    }
    settle().await;
    assert_eq!(log.take(), [""; 0]);
    door.unlock();
    door.enter(3);
    // Unlocked twice: the second message waits until the door is locked.
    door.unlock();
    door.lock();
    door.enter(4);
    settle().await;
    assert_eq!(log.take(), ["open", "1", "2", "3", "locked", "open", "4"]);
    door.lock();
    door.enter(5);
    settle().await;
    assert_eq!(log.take(), ["locked"]);
}
