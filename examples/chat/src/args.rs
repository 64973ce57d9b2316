//! Parses the command line into one of four commands.

use std::net::SocketAddr;
use std::path::PathBuf;

use greenroom::NodeName;

/// The text that `--help` prints.
pub(crate) const HELP: &str = "\
A chat with rooms and a history, which continues after the crash of a process or the loss of a node.

  chat [--port PORT] [--data DIR]               serve http://127.0.0.1:PORT (8080), history in DIR (chat-data)
  chat --node NAME@HOST:PORT                    also let other nodes join at HOST:PORT
  chat --node NAME@HOST:PORT --seed HOST:PORT   join the node at --seed, and use its rooms and history
  chat --observe PORT                           also show the node's processes at http://127.0.0.1:PORT
  chat --demo FILE                              play a text file of `nick: words` on two nodes, without a browser
";

/// A command of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Prints [`HELP`].
    Help,
    /// Serves the page until a signal stops the program.
    Serve(Serve),
    /// Plays a file on two nodes.
    Demo(PathBuf),
    /// Runs the demo's second node, which its first node starts.
    DemoNode(DemoNode),
}

/// The settings of a node that serves the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Serve {
    pub(crate) port: u16,
    pub(crate) data: PathBuf,
    /// The name and the listen address, if other nodes can connect to this one.
    pub(crate) node: Option<(NodeName, SocketAddr)>,
    /// The nodes to join. Without any, this node runs the services.
    pub(crate) seeds: Vec<SocketAddr>,
    /// The port of the observer's page, if it is served.
    pub(crate) observe: Option<u16>,
}

/// The settings of the demo's second node, given by the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DemoNode {
    pub(crate) data: PathBuf,
    pub(crate) seed: SocketAddr,
    /// The number of the last line that the node received before it was killed.
    pub(crate) last_line: u64,
}

impl Command {
    /// Parses the arguments, without the program's name.
    pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Command, String> {
        let data = PathBuf::from("chat-data");
        let mut serve = Serve { port: 8080, data, node: None, seeds: Vec::new(), observe: None };
        let (mut demo, mut last_line, mut serve_flags) = (None, None, false);
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            // Accepts both `--port 80` and `--port=80`.
            let (flag, inline) = match arg.split_once('=') {
                Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
                None => (arg, None),
            };
            let mut value = || {
                inline
                    .clone()
                    .or_else(|| args.next())
                    .filter(|value| !value.is_empty() && !value.starts_with("--"))
                    .ok_or_else(|| format!("{flag} needs a value"))
            };
            serve_flags |= !matches!(flag.as_str(), "--demo");
            match flag.as_str() {
                "--help" | "-h" => return Ok(Command::Help),
                "--port" => serve.port = number(&flag, &value()?)?,
                "--data" => serve.data = PathBuf::from(value()?),
                "--node" => serve.node = Some(node(&value()?)?),
                "--seed" => serve.seeds.push(address(&flag, &value()?)?),
                "--observe" => serve.observe = Some(number(&flag, &value()?)?),
                "--demo" => demo = Some(PathBuf::from(value()?)),
                "--demo-last-line" => last_line = Some(number(&flag, &value()?)?),
                _ => return Err(format!("unknown argument {flag:?}; --help lists the arguments")),
            }
        }
        match (demo, last_line, &serve.seeds[..]) {
            (Some(_), _, _) if serve_flags => Err("--demo takes no other arguments".to_owned()),
            (Some(file), ..) => Ok(Command::Demo(file)),
            (None, Some(last_line), &[seed]) => Ok(Command::DemoNode(DemoNode { data: serve.data, seed, last_line })),
            (None, _, [_, ..]) if serve.node.is_none() => {
                Err("--seed needs --node, a name for this node, as b@127.0.0.1:9101".to_owned())
            }
            _ => Ok(Command::Serve(serve)),
        }
    }
}

fn number<T: std::str::FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{flag} {value}: expected a number, as 8080"))
}

fn address(flag: &str, value: &str) -> Result<SocketAddr, String> {
    value.parse().map_err(|_| format!("{flag} {value}: expected an address, as 127.0.0.1:9100"))
}

/// Parses a node's name, whose host part is also the address to listen at.
fn node(value: &str) -> Result<(NodeName, SocketAddr), String> {
    let name = NodeName::new(value).ok();
    let listen = value.split_once('@').and_then(|(_, host)| host.parse().ok());
    name.zip(listen).ok_or_else(|| format!("--node {value}: expected a name and an address, as a@127.0.0.1:9100"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn arguments_select_a_command() {
        let default = Serve { port: 8080, data: "chat-data".into(), node: None, seeds: Vec::new(), observe: None };
        assert_eq!(parse(""), Ok(Command::Serve(default.clone())));
        let other_data = Serve { port: 81, data: "other-data".into(), ..default.clone() };
        assert_eq!(parse("--port 81 --data=other-data"), Ok(Command::Serve(other_data)));
        let observed = Serve { observe: Some(9090), ..default.clone() };
        assert_eq!(parse("--observe 9090"), Ok(Command::Serve(observed)));
        let joined = Serve {
            node: Some((NodeName::new("b@127.0.0.1:9101").unwrap(), "127.0.0.1:9101".parse().unwrap())),
            seeds: vec!["127.0.0.1:9100".parse().unwrap()],
            ..default
        };
        assert_eq!(parse("--node b@127.0.0.1:9101 --seed 127.0.0.1:9100"), Ok(Command::Serve(joined)));
        assert_eq!(parse("--demo talk.txt"), Ok(Command::Demo("talk.txt".into())));
        assert_eq!(parse("--port 1 --help"), Ok(Command::Help));
        let side = DemoNode { data: "d".into(), seed: "127.0.0.1:9100".parse().unwrap(), last_line: 7 };
        assert_eq!(parse("--data d --seed 127.0.0.1:9100 --demo-last-line 7"), Ok(Command::DemoNode(side)));
    }

    #[test]
    fn a_bad_argument_gives_a_one_line_error() {
        for (line, expected) in [
            ("--prot 80", r#"unknown argument "--prot"; --help lists the arguments"#),
            ("talk.txt", r#"unknown argument "talk.txt"; --help lists the arguments"#),
            ("--port", "--port needs a value"),
            ("--port=", "--port needs a value"),
            ("--data --port 80", "--data needs a value"),
            ("--observe", "--observe needs a value"),
            ("--observe x", "--observe x: expected a number, as 8080"),
            ("--port 65536", "--port 65536: expected a number, as 8080"),
            ("--node a", "--node a: expected a name and an address, as a@127.0.0.1:9100"),
            ("--node a@b", "--node a@b: expected a name and an address, as a@127.0.0.1:9100"),
            ("--seed b", "--seed b: expected an address, as 127.0.0.1:9100"),
            ("--seed 127.0.0.1:9100", "--seed needs --node, a name for this node, as b@127.0.0.1:9101"),
            ("--demo f --port 80", "--demo takes no other arguments"),
        ] {
            assert_eq!(parse(line), Err(expected.to_owned()), "{line:?}");
        }
    }
}
