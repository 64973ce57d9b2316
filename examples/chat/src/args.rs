//! The command line, read into one of four things to do.

use std::net::SocketAddr;
use std::path::PathBuf;

use greenroom::NodeName;

/// What `--help` says.
pub(crate) const HELP: &str = "\
A chat that survives: one room's crash, a node's loss, its own restart.

  chat [--port PORT] [--data DIR]               serve http://127.0.0.1:PORT (8080), history in DIR (chat-data)
  chat --node NAME@HOST:PORT                    the same, and let other nodes join at HOST:PORT
  chat --node NAME@HOST:PORT --seed HOST:PORT   join the node at --seed, and use its rooms and history
  chat --observe PORT                           beside any of these, show the node's processes at http://127.0.0.1:PORT
  chat --demo FILE                              play a text file of `nick: words` on two nodes, without a browser
";

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Show [`HELP`].
    Help,
    /// Serve the page until told to stop.
    Serve(Serve),
    /// Play a file on two nodes.
    Demo(PathBuf),
    /// Be the demo's second node, started by its first.
    Side(Side),
}

/// How to serve the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Serve {
    pub(crate) port: u16,
    pub(crate) data: PathBuf,
    /// The node that others can reach, if this is to be one, and where it listens.
    pub(crate) node: Option<(NodeName, SocketAddr)>,
    /// Nodes to join; without any, this one runs the services.
    pub(crate) seeds: Vec<SocketAddr>,
    /// The port of the observer's page, if there is to be one.
    pub(crate) observe: Option<u16>,
}

/// What the demo's second node is told by the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Side {
    pub(crate) data: PathBuf,
    pub(crate) seed: SocketAddr,
    /// How many lines it has heard in its earlier lives.
    pub(crate) heard: u64,
}

impl Command {
    /// Reads the arguments, without the program's name.
    pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Command, String> {
        let data = PathBuf::from("chat-data");
        let mut serve = Serve { port: 8080, data, node: None, seeds: Vec::new(), observe: None };
        let (mut demo, mut heard, mut serving) = (None, None, false);
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            // Both `--port 80` and `--port=80`.
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
            serving |= !matches!(flag.as_str(), "--demo");
            match flag.as_str() {
                "--help" | "-h" => return Ok(Command::Help),
                "--port" => serve.port = number(&flag, &value()?)?,
                "--data" => serve.data = PathBuf::from(value()?),
                "--node" => serve.node = Some(node(&value()?)?),
                "--seed" => serve.seeds.push(address(&flag, &value()?)?),
                "--observe" => serve.observe = Some(number(&flag, &value()?)?),
                "--demo" => demo = Some(PathBuf::from(value()?)),
                "--demo-heard" => heard = Some(number(&flag, &value()?)?),
                _ => return Err(format!("unknown argument {flag:?}; --help tells what there is")),
            }
        }
        match (demo, heard, &serve.seeds[..]) {
            (Some(_), _, _) if serving => Err("--demo stands alone".to_owned()),
            (Some(file), ..) => Ok(Command::Demo(file)),
            (None, Some(heard), &[seed]) => Ok(Command::Side(Side { data: serve.data, seed, heard })),
            (None, _, [_, ..]) if serve.node.is_none() => {
                Err("--seed needs --node: whoever joins others has a name, as b@127.0.0.1:9101".to_owned())
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

/// This chat's nodes are called after where they listen.
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
    fn arguments_say_what_to_do() {
        let plain = Serve { port: 8080, data: "chat-data".into(), node: None, seeds: Vec::new(), observe: None };
        assert_eq!(parse(""), Ok(Command::Serve(plain.clone())));
        let elsewhere = Serve { port: 81, data: "there".into(), ..plain.clone() };
        assert_eq!(parse("--port 81 --data=there"), Ok(Command::Serve(elsewhere)));
        let watched = Serve { observe: Some(9090), ..plain.clone() };
        assert_eq!(parse("--observe 9090"), Ok(Command::Serve(watched)));
        let joined = Serve {
            node: Some((NodeName::new("b@127.0.0.1:9101").unwrap(), "127.0.0.1:9101".parse().unwrap())),
            seeds: vec!["127.0.0.1:9100".parse().unwrap()],
            ..plain
        };
        assert_eq!(parse("--node b@127.0.0.1:9101 --seed 127.0.0.1:9100"), Ok(Command::Serve(joined)));
        assert_eq!(parse("--demo talk.txt"), Ok(Command::Demo("talk.txt".into())));
        assert_eq!(parse("--port 1 --help"), Ok(Command::Help));
        let side = Side { data: "d".into(), seed: "127.0.0.1:9100".parse().unwrap(), heard: 7 };
        assert_eq!(parse("--data d --seed 127.0.0.1:9100 --demo-heard 7"), Ok(Command::Side(side)));
    }

    #[test]
    fn a_bad_argument_is_one_clear_line() {
        for (line, expected) in [
            ("--prot 80", r#"unknown argument "--prot"; --help tells what there is"#),
            ("talk.txt", r#"unknown argument "talk.txt"; --help tells what there is"#),
            ("--port", "--port needs a value"),
            ("--port=", "--port needs a value"),
            ("--data --port 80", "--data needs a value"),
            ("--observe", "--observe needs a value"),
            ("--observe x", "--observe x: expected a number, as 8080"),
            ("--port 65536", "--port 65536: expected a number, as 8080"),
            ("--node a", "--node a: expected a name and an address, as a@127.0.0.1:9100"),
            ("--node a@b", "--node a@b: expected a name and an address, as a@127.0.0.1:9100"),
            ("--seed b", "--seed b: expected an address, as 127.0.0.1:9100"),
            ("--seed 127.0.0.1:9100", "--seed needs --node: whoever joins others has a name, as b@127.0.0.1:9101"),
            ("--demo f --port 80", "--demo stands alone"),
        ] {
            assert_eq!(parse(line), Err(expected.to_owned()), "{line:?}");
        }
    }
}
