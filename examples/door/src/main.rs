//! A door with a code lock, as a state machine: the code lock example of OTP's `gen_statem`.
//!
//! A state is a function with its own `receive!`; the code before it runs on entry. Buttons that are pressed while
//! the door is open stay in the mailbox, in order, until it is locked again: OTP calls that postponing.

use greenroom::prelude::*;

/// The messages to a door.
#[protocol]
enum Door {
    /// A button was pressed.
    Button { digit: u8 },
    /// Returns when the door is open.
    Opened { reply: Reply<()> },
}

/// A door that opens when the code is entered, and locks again after a delay.
#[actor(protocol = Door)]
struct CodeLock([u8; 3]);

impl Process for CodeLock {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        loop {
            self.locked(cx).await;
            self.open(cx).await;
        }
    }
}

impl CodeLock {
    async fn locked(&self, cx: &mut Context<Self>) {
        println!("locked");
        let mut last = [0; 3];
        while last != self.0 {
            receive!(match cx {
                Door::Button { digit } => last = [last[1], last[2], digit],
                after!(Duration::from_secs(3)) => last = [0; 3],
            });
        }
    }

    async fn open(&self, cx: &mut Context<Self>) {
        println!("open");
        receive!(match cx {
            Door::Opened { reply } => reply.send(()),
        });
        receive!(match cx {
            after!(Duration::from_millis(100)) => {}
        });
    }
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let door = CodeLock([1, 2, 3]).spawn();
    // The second 1 2 3 waits until the door is locked again.
    for digit in [9, 1, 2, 3, 1, 2, 3] {
        door.button(digit);
    }
    door.opened().await?;
    Ok(door.opened().await?)
}
