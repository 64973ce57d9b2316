//! Parses the command line into a command.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use greenroom::NodeName;

use crate::services::Service;

/// The text that `--help` prints.
pub(crate) const HELP: &str = "\
A chat with rooms and a history, which continues after the crash of a process or the loss of a node.

  chat [--port PORT] [--data DIR]    serve http://127.0.0.1:PORT (8080), history in DIR (chat-data)
  chat --cluster 3                   the same on three nodes, each a program of its own with a page and a directory
  chat --node NAME@HOST:PORT --with NAME@HOST:PORT --with NAME@HOST:PORT
                                     one node of several, which other nodes reach at HOST:PORT
  chat --node NAME@HOST:PORT=SERVICE,SERVICE --with NAME@HOST:PORT=SERVICE ..
                                     one with these services: log, database, analytics, reporting, web (all of them)
  chat --observe PORT                also show the node's processes at http://127.0.0.1:PORT; with --cluster, those
                                     of each node at PORT and the following ones
  chat --demo FILE                   play a text file of `nick: words` on three nodes, without a browser
  chat --load PEOPLE                 connect so many people to three nodes for a minute, and print the figures
";

/// The number of nodes that a cluster can have, and the arguments that it takes.
const CLUSTER_SIZES: RangeInclusive<usize> = 2..=9;
const CLUSTER_FLAGS: [&str; 4] = ["--cluster", "--port", "--data", "--observe"];

/// A command of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Prints [`HELP`].
    Help,
    /// Serves the page until a signal stops the program.
    Serve(Serve),
    /// Runs so many nodes, each in a program of its own.
    Cluster { size: usize, port: u16, data: PathBuf, observe: Option<u16> },
    /// Plays a file on three nodes.
    Demo(PathBuf),
    /// Connects so many people to three nodes.
    Load(usize),
}

/// The settings of a node that serves the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Serve {
    pub(crate) port: u16,
    pub(crate) data: PathBuf,
    /// The node, if it is one of several.
    pub(crate) node: Option<NodeAddress>,
    /// The other nodes.
    pub(crate) others: Vec<NodeAddress>,
    /// The port of the observer's page, if it is served.
    pub(crate) observe: Option<u16>,
    /// True if the node ends when its input ends, so that it does not outlive the program that started it.
    pub(crate) child: bool,
}

/// A node's name, whose host part is also the address at which it listens, and its services: `a@127.0.0.1:9100=log,web`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeAddress {
    pub(crate) name: NodeName,
    pub(crate) address: SocketAddr,
    pub(crate) services: Vec<Service>,
}

impl Command {
    /// Parses the arguments, without the program's name.
    pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Command, String> {
        let data = PathBuf::from("chat-data");
        let mut serve = Serve { port: 8080, data, node: None, others: Vec::new(), observe: None, child: false };
        let (mut demo, mut load, mut cluster, mut given) = (None, None, None, Vec::new());
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
            match flag.as_str() {
                "--help" | "-h" => return Ok(Command::Help),
                "--port" => serve.port = number(&flag, &value()?)?,
                "--data" => serve.data = PathBuf::from(value()?),
                "--node" => serve.node = Some(node(&flag, &value()?)?),
                "--with" => serve.others.push(node(&flag, &value()?)?),
                "--observe" => serve.observe = Some(number(&flag, &value()?)?),
                "--child" => serve.child = true,
                "--cluster" => cluster = Some(number(&flag, &value()?)?),
                "--load" => load = Some(number(&flag, &value()?)?),
                "--demo" => demo = Some(PathBuf::from(value()?)),
                _ => return Err(format!("unknown argument {flag:?}; --help lists the arguments")),
            }
            given.push(flag);
        }
        match (demo, cluster) {
            _ if load.is_some() && given.len() > 1 => Err("--load takes no other arguments".to_owned()),
            _ if load == Some(0) => Err("--load 0: expected at least 1".to_owned()),
            _ if let Some(people) = load => Ok(Command::Load(people)),
            (Some(_), _) if given.len() > 1 => Err("--demo takes no other arguments".to_owned()),
            (Some(file), _) => Ok(Command::Demo(file)),
            (None, Some(size)) if !CLUSTER_SIZES.contains(&size) => Err(format!("--cluster {size}: expected 2 to 9")),
            (None, Some(_)) if given.iter().any(|flag| !CLUSTER_FLAGS.contains(&flag.as_str())) => {
                Err("--cluster takes --port, --data and --observe only".to_owned())
            }
            (None, Some(size)) => {
                Ok(Command::Cluster { size, port: serve.port, data: serve.data, observe: serve.observe })
            }
            (None, None) if serve.node.is_none() && !serve.others.is_empty() => {
                Err("--with needs --node, a name for this node, as b@127.0.0.1:9101".to_owned())
            }
            (None, None) => serve.check().map(Command::Serve),
        }
    }
}

impl Serve {
    /// Checks that each service runs on some node, and that other nodes can learn the address of the page.
    fn check(self) -> Result<Serve, String> {
        let Some(own) = &self.node else { return Ok(self) };
        let nodes = || self.others.iter().chain([own]);
        let missing = Service::ALL.into_iter().find(|service| !nodes().any(|node| node.services.contains(service)));
        match missing {
            Some(service) => Err(format!("the service {service} is on none of the nodes")),
            None if self.port == 0 && own.services.contains(&Service::Web) => {
                Err("--port 0: other nodes need the port of the page".to_owned())
            }
            None => Ok(self),
        }
    }
}

fn number<T: std::str::FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{flag} {value}: expected a number, as 8080"))
}

fn node(flag: &str, value: &str) -> Result<NodeAddress, String> {
    let (node, services) = value.split_once('=').map_or((value, None), |(node, services)| (node, Some(services)));
    let services = match services {
        None => Service::ALL.to_vec(),
        Some(names) => names.split(',').map(|name| service(flag, name)).collect::<Result<_, _>>()?,
    };
    let name = NodeName::new(node).ok();
    let address = node.split_once('@').and_then(|(_, host)| host.parse().ok());
    let node = name.zip(address).map(|(name, address)| NodeAddress { name, address, services });
    node.ok_or_else(|| format!("{flag} {value}: expected a name and an address, as a@127.0.0.1:9100"))
}

fn service(flag: &str, name: &str) -> Result<Service, String> {
    let names = || Service::ALL.map(Service::name).join(", ");
    Service::parse(name).ok_or_else(|| format!("{flag}: expected a service of {}, found `{name}`", names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn arguments_select_a_command() {
        let default =
            Serve { port: 8080, data: "chat-data".into(), node: None, others: Vec::new(), observe: None, child: false };
        assert_eq!(parse(""), Ok(Command::Serve(default.clone())));
        let other_data = Serve { port: 81, data: "other-data".into(), ..default.clone() };
        assert_eq!(parse("--port 81 --data=other-data"), Ok(Command::Serve(other_data)));
        let observed = Serve { observe: Some(9090), ..default.clone() };
        assert_eq!(parse("--observe 9090"), Ok(Command::Serve(observed)));
        let address = |name| node("--node", name).unwrap();
        let one_of_two = Serve {
            node: Some(address("b@127.0.0.1:9101")),
            others: vec![address("a@127.0.0.1:9100")],
            child: true,
            ..default.clone()
        };
        assert_eq!(parse("--node b@127.0.0.1:9101 --with a@127.0.0.1:9100 --child"), Ok(Command::Serve(one_of_two)));
        let mut web = address("b@127.0.0.1:9101");
        web.services = vec![Service::Web, Service::Log];
        let split = Serve { node: Some(web), others: vec![address("a@127.0.0.1:9100")], ..default };
        let parsed = parse("--node=b@127.0.0.1:9101=web,log --with a@127.0.0.1:9100");
        assert_eq!(parsed, Ok(Command::Serve(split)));
        let (size, data) = (3, PathBuf::from("chat-data"));
        let cluster = Command::Cluster { size, port: 9000, data: data.clone(), observe: None };
        assert_eq!(parse("--cluster 3 --port 9000"), Ok(cluster));
        let observed = Command::Cluster { size, port: 8080, data, observe: Some(9090) };
        assert_eq!(parse("--cluster 3 --observe 9090"), Ok(observed));
        assert_eq!(parse("--demo talk.txt"), Ok(Command::Demo("talk.txt".into())));
        assert_eq!(parse("--load 10000"), Ok(Command::Load(10_000)));
        assert_eq!(parse("--port 1 --help"), Ok(Command::Help));
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
            ("--with b", "--with b: expected a name and an address, as a@127.0.0.1:9100"),
            ("--with a@127.0.0.1:9100", "--with needs --node, a name for this node, as b@127.0.0.1:9101"),
            ("--cluster x", "--cluster x: expected a number, as 8080"),
            ("--cluster 1", "--cluster 1: expected 2 to 9"),
            ("--cluster 3 --child", "--cluster takes --port, --data and --observe only"),
            (
                "--node a@127.0.0.1:9100=web,chat",
                "--node: expected a service of log, database, analytics, reporting, web, found `chat`",
            ),
            (
                "--node a@127.0.0.1:9100=web,log --with b@127.0.0.1:9101=database,reporting",
                "the service analytics is on none of the nodes",
            ),
            ("--node a@127.0.0.1:9100 --port 0", "--port 0: other nodes need the port of the page"),
            ("--load 0", "--load 0: expected at least 1"),
            ("--load 9 --port 80", "--load takes no other arguments"),
            ("--demo f --port 80", "--demo takes no other arguments"),
        ] {
            assert_eq!(parse(line), Err(expected.to_owned()), "{line:?}");
        }
    }
}
