//! Whatever a pattern can be.

use greenroom::prelude::*;

/// A part of a message.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Shape {
    /// A point.
    Point,
    /// A circle of this radius.
    Circle(u8),
    /// A box.
    Rect {
        /// How wide.
        width: u8,
        /// How high.
        height: u8,
    },
}

/// What a drawing understands.
#[protocol]
pub enum Draw {
    /// One shape.
    One(Shape),
    /// Two.
    Pair(Shape, Option<Shape>),
    /// A letter.
    Letter(char),
    /// A text.
    Text(String),
    /// Some bytes.
    Bytes([u8; 3]),
    /// The end.
    End,
}

use Draw::{End, Letter};

const ZERO: char = '0';

/// Says which pattern the next message matched, as the arms below are numbered.
///
/// # Errors
/// None.
pub async fn which(mut mailbox: Mailbox<Draw>, told: Reply<Vec<String>>) -> Result<(), Exit> {
    let mut seen = Vec::new();
    let limit = 3;
    let told = loop {
        let line = receive!(match mailbox {
            Draw::One(Shape::Point) => "point".to_owned(),
            Draw::One(ref shape @ Shape::Circle(radius @ (1..=3 | 7))) => format!("{shape:?} {radius}"),
            Draw::One(shape) | Draw::Pair(shape, None) => format!("single {shape:?}"),
            Draw::Pair(Shape::Circle(r), _) | Draw::Pair(_, Some(Shape::Circle(r))) if r > limit =>
                format!("large {r}"),
            Draw::Pair(Shape::Rect { width: 1, height, .. }, Some(_)) => format!("thin {height}"),
            Draw::Pair(mut first, second) => {
                if let Shape::Rect { width, .. } = &mut first {
                    *width += 1;
                }
                format!("{first:?} and {second:?}")
            }
            Letter(ZERO) => "zero".to_owned(),
            Letter(letter @ 'a'..='f')
                if let Some(digit) = letter.to_digit(16)
                    && digit > 10 =>
                format!("hex {digit}"),
            Letter(_) => "letter".to_owned(),
            Draw::Text(text) if text.starts_with("dra") => text,
            Draw::Text(text) if { text.len() > 5 } => "long".to_owned(),
            Draw::Bytes([0, rest @ ..] | [rest @ .., 0]) => format!("{rest:?}"),
            Draw::Bytes(_) => "bytes".to_owned(),
            End => break told,
            other @ Draw::Text(_) => {
                drop(other);
                "text".to_owned()
            }
        });
        seen.push(line);
    };
    told.send(seen);
    Ok(())
}

/// Work to be done, one after the other.
#[protocol(local)]
pub enum Job {
    /// Does one thing, then the next.
    Run {
        /// The thing.
        work: fn(),
        /// The next.
        then: Option<Box<Self>>,
    },
}

/// Works until there is nothing more.
///
/// # Errors
/// None.
pub async fn work(mut mailbox: Mailbox<Job>) -> Result<(), Exit> {
    loop {
        let mut next = receive!(match &mut mailbox {
            Job::Run { work, then: Some(next) } if std::mem::needs_drop::<Job>() => {
                work();
                *next
            }
            Job::Run { work, then: None } => {
                work();
                continue;
            }
            last => last,
        });
        loop {
            let Job::Run { work, then } = next;
            work();
            let Some(then) = then else { break };
            next = *then;
        }
    }
}
