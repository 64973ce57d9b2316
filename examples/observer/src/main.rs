//! The same in a terminal: reads the views of an observer and draws each over the one before.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use observer::{Kind, View};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const HELP: &str = "\
Shows what goes on in a node that serves an observer.

  observer [HOST:PORT]   the node to look at (127.0.0.1:9090), also as http://HOST:PORT
  --sort ORDER           processes by mailbox, rate, age or memory
  --filter TEXT          only processes with this in their name, place or kind
  --once                 one view, then end
";

/// A view is a line of this many bytes at most: whoever sends more is no observer.
const LONGEST: u64 = 4 * 1024 * 1024;

#[tokio::main]
async fn main() -> ExitCode {
    match Args::parse(std::env::args().skip(1)) {
        Ok(None) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(Some(args)) => match watch(&args).await {
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

/// What to look at.
#[derive(Debug, PartialEq, Eq)]
struct Args {
    address: String,
    sort: String,
    filter: String,
    once: bool,
}

impl Args {
    /// `None` if only help is wanted.
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
                flag if flag.starts_with('-') => return Err(format!("unknown argument {flag:?}; --help tells more")),
                address => {
                    let address = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
                    parsed.address = address.to_owned();
                }
            }
        }
        Ok(Some(parsed))
    }
}

/// Draws views until there are no more.
async fn watch(args: &Args) -> io::Result<()> {
    let mut socket = TcpStream::connect(&args.address).await?;
    // In HTTP/1.0 an answer is what comes until the end.
    let path = format!("/events?sort={}&filter={}", args.sort, percent(&args.filter));
    let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", args.address);
    socket.write_all(request.as_bytes()).await?;
    let mut reader = BufReader::new(socket);
    let mut line = String::new();
    let mut status = None;
    let mut first = true;
    loop {
        line.clear();
        if (&mut reader).take(LONGEST).read_line(&mut line).await? == 0 {
            return Err(io::Error::other("it has ended"));
        }
        let status = status.get_or_insert_with(|| line.trim_end().to_owned());
        if !status.contains(" 200") {
            return Err(io::Error::other(format!("no observer: {status}")));
        }
        if let Some(data) = line.strip_prefix("data:") {
            let view: View = serde_json::from_str(data.trim_start())?;
            // The first one knows no rates yet.
            if std::mem::take(&mut first) && args.once {
                continue;
            }
            let (width, height) = if args.once { (160, usize::MAX) } else { size() };
            let drawn = draw(&view, &args.sort, width, height);
            let mut out = io::stdout().lock();
            if args.once {
                return write!(out, "{drawn}");
            }
            // Over what is there, and nothing left of it: no flicker.
            let drawn = drawn.replace('\n', "\x1b[K\r\n");
            write!(out, "\x1b[H{}\x1b[J", drawn.trim_end())?;
            out.flush()?;
        }
    }
}

/// The terminal's columns and lines, as far as anybody knows.
fn size() -> (usize, usize) {
    let asked = std::process::Command::new("stty").arg("size").stdin(std::process::Stdio::inherit()).output();
    let text = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut numbers = text.split_whitespace().filter_map(|number| number.parse().ok()).filter(|number| *number > 0);
    let (lines, columns) = (numbers.next().unwrap_or(40), numbers.next().unwrap_or(120));
    (columns, lines)
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        // Writing into a text cannot fail.
        let _ = if byte.is_ascii_alphanumeric() { write!(all, "{}", byte as char) } else { write!(all, "%{byte:02X}") };
        all
    })
}

const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

fn draw(view: &View, sort: &str, width: usize, height: usize) -> String {
    let node = &view.node;
    let mut lines = Vec::new();
    let mut line = |style: &str, text: String| lines.push(format!("{style}{}{PLAIN}", fit(&text, width)));
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
    for twig in view.trees.iter().take(height / 3) {
        let starts = if twig.starts > 1 { format!(", {} starts", twig.starts) } else { String::new() };
        let state = if twig.state == "up" || twig.state == "more" { "" } else { &*twig.state };
        let style = if state.is_empty() { "" } else { YELLOW };
        let (depth, pid) = (twig.depth as usize * 2, twig.pid.as_deref().unwrap_or(""));
        line(style, format!("{:depth$}{} {pid} {}{starts} {state}", "", twig.id, twig.note));
    }
    line("", String::new());
    let news = view.news.len().min(5);
    let room = height.saturating_sub(view.alarms.len() + view.trees.len().min(height / 3) + news + 6);
    let all =
        if view.matching > view.rows.len().min(room) as u64 { format!(" of {}", view.matching) } else { String::new() };
    line(
        DIM,
        format!("{:>7} {:>8} {:>8} {:>8}  {:<9}  process, by {sort}{all}", "mailbox", "per sec", "age", "KB", "state"),
    );
    for row in view.rows.iter().take(room) {
        let (age, kb) = (age(row.age), row.memory / 1024);
        let name = if row.name.is_empty() { &row.place } else { &row.name };
        let text = format!("{name} {} {} {}", row.kind, row.pid, row.doing);
        let text = text.trim_start();
        line("", format!("{:>7} {:>8} {age:>8} {kb:>8}  {:<9}  {text}", row.mailbox, row.rate, row.state));
    }
    line("", String::new());
    for one in view.news.iter().rev().take(news) {
        let style = match one.kind {
            Kind::Restart => YELLOW,
            Kind::Crash | Kind::Alarm => RED,
            Kind::Over => DIM,
        };
        let times = if one.times > 1 { format!(" ({} times)", one.times) } else { String::new() };
        line(style, format!("{}{times}", one.text));
    }
    lines.join("\n") + "\n"
}

/// One line of text that a terminal shows as it is: a name may have anything in it, also what terminals obey.
fn fit(text: &str, width: usize) -> String {
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
    fn arguments_say_what_to_look_at() {
        let parse = |line: &str| Args::parse(line.split_whitespace().map(str::to_owned));
        let plain =
            Args { address: "127.0.0.1:9090".into(), sort: "mailbox".into(), filter: String::new(), once: false };
        assert_eq!(parse(""), Ok(Some(plain)));
        let args = parse("http://[::1]:81/ --sort rate --filter rooms --once").unwrap().unwrap();
        assert_eq!((&*args.address, &*args.sort, &*args.filter, args.once), ("[::1]:81", "rate", "rooms", true));
        assert_eq!(parse("--sort size"), Err("--sort size: expected mailbox, rate, age or memory".to_owned()));
        assert_eq!(parse("--fast"), Err(r#"unknown argument "--fast"; --help tells more"#.to_owned()));
    }

    #[test]
    fn what_terminals_obey_is_only_shown() {
        let mut view = View::default();
        view.alarms.push((String::new(), "\x1b[2J\x07 evil".to_owned()));
        view.node.name = "x".repeat(500);
        let drawn = draw(&view, "rate", 80, 30);
        assert!(drawn.contains("! ·[2J· evil"), "{drawn}");
        assert!(drawn.lines().all(|line| line.chars().count() <= 80 + BOLD.len() + PLAIN.len()));
        assert_eq!(percent("a b&ü"), "a%20b%26%C3%BC");
    }
}
