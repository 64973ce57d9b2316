//! The commands of the shell.

use std::time::Duration;

use observer::Action;

pub(crate) const HELP: &[&str] = &[
    "nodes",
    "processes NODE [FILTER]",
    "process NODE NUMBER",
    "tree NODE",
    "alarms NODE",
    "metrics NODE",
    "flows NODE",
    "trace NODE NUMBER [MESSAGES [SECONDS]]",
    "state NODE NUMBER",
    "suspend NODE NUMBER",
    "resume NODE NUMBER",
    "stop NODE NUMBER",
    "kill NODE NUMBER",
    "functions NODE",
    "messages NODE NAME",
    "call NODE FUNCTION [ARGUMENTS, as a JSON array, or a JSON object by their names]",
    "send NODE NAME MESSAGE [ARGUMENTS]",
    "help",
    "quit",
];

/// The limits of a trace, if the command has none, and the longest one.
const MESSAGES: u32 = 10;
const SECONDS: u64 = 5;
const MAX_SECONDS: u64 = 3_600;

/// A command of the shell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    Nodes,
    Processes { node: String, filter: String },
    Process { node: String, number: u64 },
    Tree(String),
    Alarms(String),
    Metrics(String),
    Flows(String),
    Trace { node: String, number: u64, steps: u32, duration: Duration },
    Act { node: String, number: u64, action: Action },
    Functions(String),
    Messages { node: String, process: String },
    Call { node: String, function: String, args: serde_json::Value },
    Send { node: String, process: String, message: String, args: serde_json::Value },
    Help,
    Quit,
}

impl Command {
    /// Parses a line. `None` is an empty line, or a comment.
    ///
    /// # Errors
    /// The first mistake, as a text.
    pub(crate) fn parse(line: &str) -> Result<Option<Command>, String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let mut words = Words { rest: line };
        let name = words.next().unwrap_or_default();
        let action = |action, words: &mut Words<'_>| {
            Ok(Command::Act { node: words.node()?, number: words.number("NUMBER")?, action })
        };
        let command = match name {
            "nodes" => Ok(Command::Nodes),
            "processes" => words.node().map(|node| Command::Processes { node, filter: words.all() }),
            "process" => words.node().and_then(|node| Ok(Command::Process { node, number: words.number("NUMBER")? })),
            "tree" => words.node().map(Command::Tree),
            "alarms" => words.node().map(Command::Alarms),
            "metrics" => words.node().map(Command::Metrics),
            "flows" => words.node().map(Command::Flows),
            "trace" => words.trace(),
            "state" => action(Action::State, &mut words),
            "suspend" => action(Action::Suspend, &mut words),
            "resume" => action(Action::Resume, &mut words),
            "stop" => action(Action::Stop, &mut words),
            "kill" => action(Action::Kill, &mut words),
            "functions" => words.node().map(Command::Functions),
            "messages" => words.node().and_then(|node| Ok(Command::Messages { node, process: words.word("NAME")? })),
            "call" => words.node().and_then(|node| {
                Ok(Command::Call { node, function: words.word("FUNCTION")?, args: words.arguments()? })
            }),
            "send" => words.node().and_then(|node| {
                let (process, message) = (words.word("NAME")?, words.word("MESSAGE")?);
                Ok(Command::Send { node, process, message, args: words.arguments()? })
            }),
            "help" => Ok(Command::Help),
            "quit" | "exit" => Ok(Command::Quit),
            _ => Err(format!("unknown command {name:?}; `help` lists the commands")),
        }?;
        match words.next() {
            Some(more) => Err(format!("{name}: unexpected {more:?}")),
            None => Ok(Some(command)),
        }
    }
}

/// The words of a line that are not read yet.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let (word, rest) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    fn word(&mut self, what: &str) -> Result<String, String> {
        self.next().map(str::to_owned).ok_or_else(|| format!("{what} is missing"))
    }

    fn node(&mut self) -> Result<String, String> {
        self.word("NODE")
    }

    fn number<N: std::str::FromStr>(&mut self, what: &str) -> Result<N, String> {
        let word = self.word(what)?;
        word.parse().map_err(|_| format!("{what}: expected a number, found {word:?}"))
    }

    fn number_or<N: std::str::FromStr>(&mut self, what: &str, usual: N) -> Result<N, String> {
        if self.rest.trim().is_empty() { Ok(usual) } else { self.number(what) }
    }

    /// Returns the rest of the line.
    fn all(&mut self) -> String {
        std::mem::take(&mut self.rest).trim().to_owned()
    }

    fn trace(&mut self) -> Result<Command, String> {
        let (node, number) = (self.node()?, self.number("NUMBER")?);
        let steps = self.number_or("MESSAGES", MESSAGES)?;
        let seconds = self.number_or("SECONDS", SECONDS)?.min(MAX_SECONDS);
        Ok(Command::Trace { node, number, steps, duration: Duration::from_secs(seconds) })
    }

    /// Returns the arguments, which are the rest of the line; none if it is empty.
    fn arguments(&mut self) -> Result<serde_json::Value, String> {
        let text = self.all();
        if text.is_empty() {
            return Ok(serde_json::Value::Array(Vec::new()));
        }
        serde_json::from_str(&text).map_err(|error| format!("ARGUMENTS: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_a_command_or_an_error() {
        let node = || "a@x".to_owned();
        let trace =
            |steps, seconds| Command::Trace { node: node(), number: 7, steps, duration: Duration::from_secs(seconds) };
        for (line, expected) in [
            ("", Ok(None)),
            ("# a comment", Ok(None)),
            ("nodes", Ok(Some(Command::Nodes))),
            ("processes a@x my  desk", Ok(Some(Command::Processes { node: node(), filter: "my  desk".to_owned() }))),
            ("process a@x 7", Ok(Some(Command::Process { node: node(), number: 7 }))),
            ("trace a@x 7", Ok(Some(trace(10, 5)))),
            ("trace a@x 7 3 99999999", Ok(Some(trace(3, 3_600)))),
            ("kill a@x 7", Ok(Some(Command::Act { node: node(), number: 7, action: Action::Kill }))),
            (
                "call a@x price [1, {\"a b\": 2}]",
                Ok(Some(Command::Call { node: node(), function: "price".to_owned(), args: json!([1, { "a b": 2 }]) })),
            ),
            (
                "send a@x desk Order",
                Ok(Some(Command::Send {
                    node: node(),
                    process: "desk".to_owned(),
                    message: "Order".to_owned(),
                    args: json!([]),
                })),
            ),
            ("quit", Ok(Some(Command::Quit))),
            ("process a@x", Err("NUMBER is missing")),
            ("process a@x desk", Err("NUMBER: expected a number, found \"desk\"")),
            ("process a@x -1", Err("NUMBER: expected a number, found \"-1\"")),
            ("nodes a@x", Err("nodes: unexpected \"a@x\"")),
            ("eat", Err("unknown command \"eat\"; `help` lists the commands")),
            ("call a@x price [1", Err("ARGUMENTS: EOF while parsing a list at line 1 column 2")),
        ] {
            assert_eq!(Command::parse(line), expected.map_err(str::to_owned), "{line}");
        }
    }
}
