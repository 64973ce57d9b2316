//! The terminal version of the observer: reads the views of an observer and draws each over the one before.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use observer::{EventKind, View};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const HELP: &str = "\
Shows a live view of a node that serves an observer.

  observer [HOST:PORT]   the address of the observer (127.0.0.1:9090), also as http://HOST:PORT
  --sort ORDER           processes by mailbox, rate, age or memory
  --filter TEXT          only processes whose name, path or kind contains TEXT
  --once                 print one view and exit
";

/// The maximum length of a view's line, in bytes. A longer one does not come from an observer.
const MAX_LINE: u64 = 4 * 1024 * 1024;

#[tokio::main]
async fn main() -> ExitCode {
    match Args::parse(std::env::args().skip(1)) {
        Ok(None) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(Some(args)) => match show(&args).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("observer: {}: {error}", args.address);
                ExitCode::FAILURE
            }
        },
        Err(reason) => {
            eprintln!("observer: {reason}");
            ExitCode::from(2)
        }
    }
}

/// The arguments.
#[derive(Debug, PartialEq, Eq)]
struct Args {
    address: String,
    sort: String,
    filter: String,
    once: bool,
}

impl Args {
    /// Parses the arguments; `None` stands for `--help`.
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Args>, String> {
        let (address, sort) = ("127.0.0.1:9090".to_owned(), "mailbox".to_owned());
        let mut parsed = Args { address, sort, filter: String::new(), once: false };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--help" | "-h" => return Ok(None),
                "--once" => parsed.once = true,
                "--filter" => parsed.filter = value()?,
                "--sort" => {
                    parsed.sort = value()?;
                    if !["mailbox", "rate", "age", "memory"].contains(&&*parsed.sort) {
                        return Err(format!("--sort {}: expected mailbox, rate, age or memory", parsed.sort));
                    }
                }
                flag if flag.starts_with('-') => {
                    return Err(format!("unknown argument {flag:?}; --help lists the arguments"));
                }
                address => {
                    let address = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
                    parsed.address = address.to_owned();
                }
            }
        }
        Ok(Some(parsed))
    }
}

/// Draws views until the stream ends.
async fn show(args: &Args) -> io::Result<()> {
    let mut socket = TcpStream::connect(&args.address).await?;
    // In HTTP/1.0 the end of the connection ends the answer.
    let path = format!("/events?sort={}&filter={}", args.sort, percent(&args.filter));
    let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", args.address);
    socket.write_all(request.as_bytes()).await?;
    let mut reader = BufReader::new(socket);
    let mut line = String::new();
    let mut status = None;
    let mut first = true;
    loop {
        line.clear();
        if (&mut reader).take(MAX_LINE).read_line(&mut line).await? == 0 {
            return Err(io::Error::other("the stream has ended"));
        }
        let status = status.get_or_insert_with(|| line.trim_end().to_owned());
        if !status.contains(" 200") {
            return Err(io::Error::other(format!("expected an observer, found: {status}")));
        }
        if let Some(data) = line.strip_prefix("data:") {
            let view: View = serde_json::from_str(data.trim_start())?;
            // The first view has no rates.
            if std::mem::take(&mut first) && args.once {
                continue;
            }
            let (width, height) = if args.once { (160, usize::MAX) } else { size() };
            let drawn = draw(&view, &args.sort, width, height);
            let mut out = io::stdout().lock();
            if args.once {
                return write!(out, "{drawn}");
            }
            // Drawn over the previous view, without a clear before it: no flicker.
            let drawn = drawn.replace('\n', "\x1b[K\r\n");
            write!(out, "\x1b[H{}\x1b[J", drawn.trim_end())?;
            out.flush()?;
        }
    }
}

/// Returns the terminal's columns and lines, or a default.
fn size() -> (usize, usize) {
    let output = std::process::Command::new("stty").arg("size").stdin(std::process::Stdio::inherit()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut numbers = text.split_whitespace().filter_map(|number| number.parse().ok()).filter(|number| *number > 0);
    let (lines, columns) = (numbers.next().unwrap_or(40), numbers.next().unwrap_or(120));
    (columns, lines)
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        // Writing to a `String` cannot fail.
        let _ = if byte.is_ascii_alphanumeric() { write!(all, "{}", byte as char) } else { write!(all, "%{byte:02X}") };
        all
    })
}

const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const RESET: &str = "\x1b[0m";

fn draw(view: &View, sort: &str, width: usize, height: usize) -> String {
    let node = &view.node;
    let mut lines = Vec::new();
    let mut line = |style: &str, text: String| lines.push(format!("{style}{}{RESET}", sanitize(&text, width)));
    line(
        BOLD,
        format!(
            "{}  {} processes  {}/s  {} waiting  {} KB  {} restarts  up {}",
            node.name,
            node.processes,
            node.rate,
            node.waiting,
            node.memory / 1024,
            node.restarts,
            age(node.uptime)
        ),
    );
    for (_, alarm) in &view.alarms {
        line(RED, format!("! {alarm}"));
    }
    line("", String::new());
    for tree_line in view.trees.iter().take(height / 3) {
        let starts = if tree_line.starts > 1 { format!(", {} starts", tree_line.starts) } else { String::new() };
        let state = if tree_line.state == "up" || tree_line.state == "more" { "" } else { &*tree_line.state };
        let style = if state.is_empty() { "" } else { YELLOW };
        let (depth, pid) = (tree_line.depth as usize * 2, tree_line.pid.as_deref().unwrap_or(""));
        line(style, format!("{:depth$}{} {pid} {}{starts} {state}", "", tree_line.id, tree_line.note));
    }
    line("", String::new());
    let events = view.events.len().min(5);
    let room = height.saturating_sub(view.alarms.len() + view.trees.len().min(height / 3) + events + 6);
    let all =
        if view.matching > view.rows.len().min(room) as u64 { format!(" of {}", view.matching) } else { String::new() };
    line(
        DIM,
        format!("{:>7} {:>8} {:>8} {:>8}  {:<9}  process, by {sort}{all}", "mailbox", "per sec", "age", "KB", "state"),
    );
    for row in view.rows.iter().take(room) {
        let (age, kb) = (age(row.age), row.memory / 1024);
        let name = if row.name.is_empty() { &row.path } else { &row.name };
        let text = format!("{name} {} {} {}", row.kind, row.pid, row.doing);
        let text = text.trim_start();
        line("", format!("{:>7} {:>8} {age:>8} {kb:>8}  {:<9}  {text}", row.mailbox, row.rate, row.state));
    }
    line("", String::new());
    for event in view.events.iter().rev().take(events) {
        let style = match event.kind {
            EventKind::Restart => YELLOW,
            EventKind::Crash | EventKind::Alarm => RED,
            EventKind::Cleared => DIM,
        };
        let times = if event.times > 1 { format!(" ({} times)", event.times) } else { String::new() };
        line(style, format!("{}{times}", event.text));
    }
    lines.join("\n") + "\n"
}

/// Cuts a text to the width and replaces control characters, so that a name cannot contain terminal commands.
fn sanitize(text: &str, width: usize) -> String {
    text.chars().take(width).map(|c| if c.is_control() { '·' } else { c }).collect()
}

fn age(millis: u64) -> String {
    match millis / 1000 {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7200 => format!("{} min", s / 60),
        s @ 7200..172_800 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_select_the_observer_and_the_order() {
        let parse = |line: &str| Args::parse(line.split_whitespace().map(str::to_owned));
        let default =
            Args { address: "127.0.0.1:9090".into(), sort: "mailbox".into(), filter: String::new(), once: false };
        assert_eq!(parse(""), Ok(Some(default)));
        let args = parse("http://[::1]:81/ --sort rate --filter rooms --once").unwrap().unwrap();
        assert_eq!((&*args.address, &*args.sort, &*args.filter, args.once), ("[::1]:81", "rate", "rooms", true));
        assert_eq!(parse("--sort size"), Err("--sort size: expected mailbox, rate, age or memory".to_owned()));
        assert_eq!(parse("--fast"), Err(r#"unknown argument "--fast"; --help lists the arguments"#.to_owned()));
    }

    #[test]
    fn terminal_commands_in_names_are_not_executed() {
        let mut view = View::default();
        view.alarms.push((String::new(), "\x1b[2J\x07 evil".to_owned()));
        view.node.name = "x".repeat(500);
        let drawn = draw(&view, "rate", 80, 30);
        assert!(drawn.contains("! ·[2J· evil"), "{drawn}");
        assert!(drawn.lines().all(|line| line.chars().count() <= 80 + BOLD.len() + RESET.len()));
        assert_eq!(percent("a b&ü"), "a%20b%26%C3%BC");
    }
}
