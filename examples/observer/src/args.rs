//! The command line.

use std::net::SocketAddr;

use observer::Target;

pub(crate) const HELP: &str = "\
Attaches to a cluster as a hidden node, and shows it.

  observer --seed ADDRESS            serves a page at http://127.0.0.1:9090
  observer terminal --seed ADDRESS   draws the cluster in the terminal
  observer shell --seed ADDRESS      carries out commands from the input; `help` lists them

  --seed ADDRESS     the address of a node, such as 127.0.0.1:9100; can be given several times
  --cluster NAME     the name of the cluster, if it is not the usual one
  --node NAME        the name of the observer's node (observer-PID@localhost)
  --page ADDRESS     the address of the page (127.0.0.1:9090)
  --actions          the page can suspend, resume and end processes, where their node allows it

The cookie is that of the usual settings: GREENROOM_COOKIE, or the file that greenroom makes.
";

/// A command of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Prints [`HELP`].
    Help,
    /// Serves the page.
    Page { target: Target, address: SocketAddr, actions: bool },
    /// Draws in the terminal.
    Terminal(Target),
    /// Carries out commands.
    Shell(Target),
}

impl Command {
    /// Parses the arguments, without the program's name.
    ///
    /// # Errors
    /// The first mistake, as a text.
    pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Command, String> {
        let mut args = args.into_iter().peekable();
        let mode = args.next_if(|arg| !arg.starts_with('-')).unwrap_or_default();
        let (mut target, mut actions) = (Target::default(), false);
        let mut address = None;
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--help" | "-h" => return Ok(Command::Help),
                "--seed" => target.seeds.push(value()?),
                "--cluster" => target.cluster = Some(value()?),
                "--node" => target.name = Some(value()?),
                "--page" if mode.is_empty() => {
                    let value = value()?;
                    address = Some(value.parse().map_err(|_| format!("--page {value}: expected 127.0.0.1:9090"))?);
                }
                "--actions" if mode.is_empty() => actions = true,
                _ => return Err(format!("unknown argument {arg:?}; --help lists the arguments")),
            }
        }
        let command = match mode.as_str() {
            "" => {
                let address = address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9090)));
                Command::Page { target: target.clone(), address, actions }
            }
            "terminal" => Command::Terminal(target.clone()),
            "shell" => Command::Shell(target.clone()),
            "help" => return Ok(Command::Help),
            _ => return Err(format!("unknown command {mode:?}: expected terminal, shell, or none")),
        };
        if target.seeds.is_empty() {
            return Err("--seed is missing: the address of a node of the cluster".to_owned());
        }
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_select_the_cluster_and_the_form() {
        let parse = |line: &str| Command::parse(line.split_whitespace().map(str::to_owned));
        let target = |seeds: &[&str]| Target {
            seeds: seeds.iter().map(|seed| (*seed).to_owned()).collect(),
            ..Target::default()
        };
        let page = |port, actions| Command::Page {
            target: target(&["a:1"]),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            actions,
        };
        for (line, expected) in [
            ("--seed a:1", Ok(page(9090, false))),
            ("--seed a:1 --page 127.0.0.1:81 --actions", Ok(page(81, true))),
            ("terminal --seed a:1 --seed b:2", Ok(Command::Terminal(target(&["a:1", "b:2"])))),
            ("shell --seed a:1", Ok(Command::Shell(target(&["a:1"])))),
            ("shell --help", Ok(Command::Help)),
            ("help", Ok(Command::Help)),
            ("", Err("--seed is missing: the address of a node of the cluster")),
            ("--seed", Err("--seed needs a value")),
            ("--seed a:1 --page 81", Err("--page 81: expected 127.0.0.1:9090")),
            ("shell --seed a:1 --actions", Err("unknown argument \"--actions\"; --help lists the arguments")),
            ("draw --seed a:1", Err("unknown command \"draw\": expected terminal, shell, or none")),
        ] {
            assert_eq!(parse(line), expected.map_err(str::to_owned), "{line}");
        }
    }
}
