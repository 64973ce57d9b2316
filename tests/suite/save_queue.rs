//! The save queue against a simple model: a list that is searched from the front.

use greenroom::prelude::*;

use crate::scripted::{Letter, LetterRef, Scripted, idle, run};

/// A message of the model.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Item {
    A(u32),
    B(u32),
    Go,
    Down(MonitorRef),
}

/// The arm and the message that `receive!` took.
type Took = Option<(u8, Item)>;

/// The arms of one `receive!`, for the model.
type Arms<'a> = &'a [&'a dyn Fn(Item) -> bool];

/// The oldest message that an arm matches; of its arms the first.
fn expected(model: &mut Vec<Item>, arms: Arms<'_>) -> Took {
    let (at, arm) =
        model.iter().enumerate().find_map(|(at, item)| arms.iter().position(|arm| arm(*item)).map(|arm| (at, arm)))?;
    Some((arm as u8, model.remove(at)))
}

fn item(letter: &Letter) -> Item {
    match letter {
        Letter::A { n } => Item::A(*n),
        Letter::B { n } => Item::B(*n),
        Letter::Go => Item::Go,
        Letter::Down(down) => Item::Down(down.monitor),
        other => panic!("received {other:?}, which was not sent"),
    }
}

const NOW: Duration = Duration::ZERO;

/// The number of kinds of `receive!`.
const KINDS: u64 = 9;

/// One `receive!` of the given kind, and the expected message.
async fn receive(cx: &mut Context<Scripted>, model: &mut Vec<Item>, kind: u64, x: u32) -> (Took, Took) {
    let a = |item| matches!(item, Item::A(_));
    let b = |item| matches!(item, Item::B(_));
    let a_x = |item| item == Item::A(x);
    let b_x = |item| item == Item::B(x);
    let b_over = |item| matches!(item, Item::B(n) if n > x);
    let go = |item| item == Item::Go;
    let down = |item| matches!(item, Item::Down(_));
    let any = |_| true;
    let odd = |item| matches!(item, Item::A(n) | Item::B(n) if n % 2 == 1);
    match kind {
        0 => (
            receive!(match cx {
                Letter::A { n } => Some((0, Item::A(n))),
                after!(NOW) => None,
            }),
            expected(model, &[&a]),
        ),
        1 => (
            receive!(match cx {
                Letter::B { n } if n == x => Some((0, Item::B(n))),
                Letter::Go => Some((1, Item::Go)),
                after!(NOW) => None,
            }),
            expected(model, &[&b_x, &go]),
        ),
        2 => {
            let took = receive!(match cx {
                Letter::A { n } | Letter::B { n } if n % 2 == 1 => Some((0, Item::A(n))),
                after!(NOW) => None,
            });
            // The arm does not show which of the two it was. The rest of the queue does.
            let number = |item| if let Item::B(n) = item { Item::A(n) } else { item };
            (took, expected(model, &[&odd]).map(|(arm, item)| (arm, number(item))))
        }
        3 => (
            receive!(match cx {
                Letter::A { n } if n == x => Some((0, Item::A(n))),
                Letter::B { n } if n > x => Some((1, Item::B(n))),
                Letter::A { n } => Some((2, Item::A(n))),
                after!(NOW) => None,
            }),
            expected(model, &[&a_x, &b_over, &a]),
        ),
        4 => (
            receive!(match cx {
                letter => Some((0, item(&letter))),
                after!(NOW) => None,
            }),
            expected(model, &[&any]),
        ),
        5 => (
            receive!(match cx {
                letter if item(&letter) == Item::B(x) => Some((0, item(&letter))),
                after!(NOW) => None,
            }),
            expected(model, &[&b_x]),
        ),
        6 => (
            receive!(match cx {
                Letter::Down(down) => Some((0, Item::Down(down.monitor))),
                after!(NOW) => None,
            }),
            expected(model, &[&down]),
        ),
        7 => {
            // Dropped before it matches: nothing is taken.
            tokio::select! {
                biased;
                () = async { receive!(match cx { Letter::A { n: 99 } | Letter::B { n: 99 } => {} }) } => panic!("received 99, which was not sent"),
                () = std::future::ready(()) => {}
            }
            (None, None)
        }
        _ => (
            receive!(match cx {
                Letter::B { n } => Some((0, Item::B(n))),
                Letter::Go => Some((1, Item::Go)),
                after!(NOW) => None,
            }),
            expected(model, &[&b, &go]),
        ),
    }
}

/// Random operations on one mailbox. Returns the number of messages that `demonitor` removed.
async fn live(cx: &mut Context<Scripted>, dead: &LetterRef, mut random: Random) -> usize {
    let (me, mut model, mut monitors, mut taken) = (cx.me(), Vec::new(), Vec::new(), 0);
    for step in 0..300 {
        let x = random.below(6) as u32;
        match random.below(10) {
            0..=1 => {
                me.a(x);
                model.push(Item::A(x));
            }
            2..=3 => {
                me.b(x);
                model.push(Item::B(x));
            }
            4 => {
                me.go();
                model.push(Item::Go);
            }
            5 => {
                let monitor = cx.monitor(dead);
                monitors.push(monitor);
                model.push(Item::Down(monitor));
            }
            6 if !monitors.is_empty() => {
                let monitor = monitors[random.below(monitors.len() as u64) as usize];
                let before = model.len();
                assert!(!cx.demonitor(monitor), "its `Down` is out");
                model.retain(|item| *item != Item::Down(monitor));
                taken += before - model.len();
            }
            _ => {
                let kind = random.below(KINDS);
                let (took, expected) = receive(cx, &mut model, kind, x).await;
                assert_eq!(took, expected, "step {step}, receive of kind {kind} with {x}; the model has {model:?}");
                taken += usize::from(took.is_some());
            }
        }
    }
    let mut left = Vec::new();
    while let Some(letter) = receive!(match cx {
        letter => Some(letter),
        after!(NOW) => None,
    }) {
        left.push(item(&letter));
    }
    assert_eq!(left, model, "what is left, in order");
    taken
}

#[greenroom::test]
async fn random_mailbox_operations_match_a_list() {
    let mut taken = 0;
    for seed in 1..=200 {
        let dead = idle().spawn();
        dead.stop(Exit::Normal).await;
        taken += run(move |cx| Box::pin(async move { live(cx, &dead, Random(seed)).await })).await;
    }
    assert!(taken > 10_000, "only {taken} messages were taken: the test tries nothing");
}

/// Pseudo-random numbers that are equal in every run: splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
