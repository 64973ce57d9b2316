//! The code lock of OTP's `gen_statem`: a state is a function with its own `receive!`, and begins with what is done on
//! entry. Buttons that nobody looks at while the door stands open wait, in order: that is postponing.

use greenroom::prelude::*;

/// What a door understands.
#[protocol]
enum Door {
    /// Somebody presses a button.
    Button { digit: u8 },
    /// Resolves when the door is open.
    Opened { reply: Reply<()> },
}

/// A door that opens for the right digits and locks itself again.
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
