//! Patterns of every kind.

use greenroom::prelude::*;

/// A field of a message.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Shape {
    /// A point.
    Point,
    /// A circle of this radius.
    Circle(u8),
    /// A box.
    Rect {
        /// The width.
        width: u8,
        /// The height.
        height: u8,
    },
}

/// The messages of a drawing.
#[protocol]
pub enum Draw {
    /// One shape.
    One(Shape),
    /// Two shapes.
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

/// Sends a line for each message, which shows the arm that it matched.
///
/// # Errors
/// None.
pub async fn matched_arms(mut mailbox: Mailbox<Draw>, reply: Reply<Vec<String>>) -> Result<(), Exit> {
    let mut lines = Vec::new();
    let limit = 3;
    let reply = loop {
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
            End => break reply,
            other @ Draw::Text(_) => {
                drop(other);
                "text".to_owned()
            }
        });
        lines.push(line);
    };
    reply.send(lines);
    Ok(())
}

/// Jobs that are run one after the other.
#[protocol(local)]
pub enum Job {
    /// Runs a job, then the next.
    Run {
        /// The job.
        work: fn(),
        /// The next.
        then: Option<Box<Self>>,
    },
}

/// Runs jobs forever.
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
