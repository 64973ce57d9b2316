//! The output of each program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Runs a program and returns its output.
#[track_caller]
fn run(program: &str) -> String {
    let output = Command::new(program).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}

#[test]
fn a_pool_uses_all_workers_and_a_panic_fails_one_job() {
    let printed = run(env!("CARGO_BIN_EXE_pool"));
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines[..2], ["1200x900: 300x225", "600x600: 300x300"]);
    assert!(lines[2].starts_with("0x400: the callee exited: panicked at "), "{printed}");
    let rest = ["900x300: 300x100", "450x750: 300x500", "3000x1000: 300x100", "100x50: 300x150", "1500x1000: 300x200"];
    assert_eq!(lines[3..8], rest);
    assert_eq!(lines[8..], ["workers: {1, 2, 3}"]);
}

#[test]
fn a_slow_end_of_a_pipeline_slows_down_its_begin() {
    let printed = run(env!("CARGO_BIN_EXE_pipeline"));
    let (booked, most) = printed.split_once('\n').expect("two lines");
    assert_eq!(booked, "booked 196 orders, 19404 in all; left out 4 lines");
    let most: usize = most.split(' ').nth(2).and_then(|most| most.parse().ok()).expect("a number");
    // Each of two mailboxes has 4 orders, and twice as many in turn while its owner wakes up; each stage has one.
    assert!((3..=26).contains(&most), "{printed}");
}

#[test]
fn philosophers_eat_although_one_of_them_crashes_with_both_forks() {
    let printed = run(env!("CARGO_BIN_EXE_philosophers"));
    let mut lines: Vec<_> = printed.lines().collect();
    let left = lines.remove(1);
    assert!(left.starts_with("Socrates has left: the callee exited: panicked at "), "{printed}");
    assert!(left.ends_with(": hemlock"), "{printed}");
    let names = ["Thales", "Plato", "Hypatia", "Seneca"];
    assert_eq!(lines, names.map(|name| format!("{name} has eaten 3 times")));
}

/// A client of the line server.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: &str) -> Client {
        let stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
        Client(BufReader::new(stream))
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).expect("the server reads");
    }

    fn receive(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("the server answers");
        line
    }

    /// Returns everything up to the end of the connection.
    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).expect("the server closes the connection");
        rest
    }
}

/// The line server, which is killed when the test fails.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // Fails if it has exited.
        let _ = self.0.kill();
    }
}

#[cfg(unix)]
#[test]
fn a_line_server_finishes_its_lines_before_it_stops() {
    let command = Command::new(env!("CARGO_BIN_EXE_line_server")).arg("127.0.0.1:0").stdout(Stdio::piped()).spawn();
    let mut server = Server(command.expect("the program starts"));
    let mut output = BufReader::new(server.0.stdout.take().expect("it is piped")).lines();
    let first = output.next().expect("a line").expect("text");
    let address = first.strip_prefix("listening at ").expect("an address");

    let (mut idle, mut busy) = (Client::connect(address), Client::connect(address));
    idle.send("hello\n");
    assert_eq!(idle.receive(), "HELLO\n");
    busy.send("one\ntw");
    assert_eq!(busy.receive(), "ONE\n");

    let killed = Command::new("kill").args(["-TERM", &server.0.id().to_string()]).status();
    assert!(killed.expect("`kill` is installed").success());
    assert_eq!(idle.rest(), "bye\n");
    // The acceptor has stopped before the sessions.
    TcpStream::connect(address).expect_err("the socket is closed");
    busy.send("o\n");
    assert_eq!(busy.rest(), "TWO\nbye\n");
    assert!(server.0.wait().expect("it ends").success());
}
