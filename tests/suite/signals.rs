//! A real program that receives real signals to stop from the operating system.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

/// The program `applications` and its output.
struct Program {
    child: Child,
    output: std::io::Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts it with these arguments and waits until all is up.
    fn start(arguments: &str) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_applications"))
            .args(arguments.split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        let mut program = Program { child, output };
        assert_eq!(program.until("ready"), ["+log", "+disk", "+rooms", "+web", "ready"]);
        program
    }

    /// Returns the output up to this line.
    fn until(&mut self, last: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line| line != last) {
            lines.push(self.output.next().expect("there is another line").expect("the output is UTF-8"));
        }
        lines
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status();
        assert!(status.expect("`kill` is installed").success());
    }

    /// Waits for the end. Returns the exit code, the remaining output and the error output.
    fn end(self) -> (Option<i32>, String, String) {
        let lines: Vec<_> = self.output.map(|line| line.expect("the output is UTF-8")).collect();
        let output = self.child.wait_with_output().expect("the program ends");
        (output.status.code(), lines.join(" "), String::from_utf8(output.stderr).expect("the output is UTF-8"))
    }
}

/// Sends the program the first signal, and the second one, if any, after a certain line of output.
#[track_caller]
fn check(arguments: &str, first: Option<&str>, second: Option<(&str, &str)>, expected: (i32, &str, &str)) {
    let mut program = Program::start(arguments);
    if let Some(signal) = first {
        program.signal(signal);
    }
    let mut printed = Vec::new();
    if let Some((line, signal)) = second {
        printed = program.until(line);
        program.signal(signal);
    }
    let (code, rest, errors) = program.end();
    printed.push(rest);
    let errors = errors.lines().filter(|line| line.starts_with("error: ")).collect::<Vec<_>>().join(" ");
    let printed = printed.join(" ");
    // A killed process may still have written a last line.
    let (code_expected, printed_expected, errors_expected) = expected;
    match printed_expected.strip_suffix('…') {
        Some(begin) => assert!(printed.starts_with(begin), "{printed}"),
        None => assert_eq!(printed.trim(), printed_expected),
    }
    assert_eq!((code, &*errors), (Some(code_expected), errors_expected));
}

#[test]
fn a_signal_stops_a_program_in_order() {
    for signal in ["TERM", "INT"] {
        check("waits", Some(signal), None, (0, "body -web -rooms -disk -log", ""));
    }
}

#[test]
fn a_node_that_the_program_has_built_stops_in_order() {
    check("built", Some("TERM"), None, (0, "body -web -rooms -disk -log", ""));
}

#[test]
fn a_node_that_cannot_be_built_is_an_error() {
    let program = Command::new(env!("CARGO_BIN_EXE_applications")).arg("not-built").output().expect("it runs");
    assert_eq!((program.status.code(), &*program.stdout), (Some(1), &b""[..]));
    assert_eq!(String::from_utf8_lossy(&program.stderr), "error: invalid digit found in string\n");
}

/// Two supervisors with two children each. All but one child stop at once; the rest waits for that one.
const OVERDUE: &str = "error: 6 processes were killed: not stopped within 100ms";

#[test]
fn processes_that_do_not_stop_in_time_are_killed_and_the_exit_code_shows_it() {
    check("never-stops short", Some("TERM"), None, (1, "body web never stops…", OVERDUE));
}

#[test]
fn a_blocked_thread_does_not_delay_the_end() {
    let stderr = format!("{OVERDUE}; 1 of them still runs");
    check("blocks-at-stop short", Some("INT"), None, (1, "body web blocks…", &stderr));
}

#[test]
fn a_second_signal_ends_a_program_at_once() {
    check("never-stops", Some("TERM"), Some(("web never stops", "TERM")), (143, "body web never stops", ""));
    check("never-stops", Some("TERM"), Some(("web never stops", "INT")), (130, "body web never stops", ""));
}

#[test]
fn a_second_signal_works_while_main_blocks_its_thread() {
    let mut program = Program::start("blocks-main");
    // The first signal must arrive while `main` waits. No output shows its arrival, so one follows the other.
    loop {
        program.signal("INT");
        if program.child.try_wait().expect("it is a child of this process").is_some() {
            break;
        }
    }
    assert_eq!(program.end(), (Some(130), String::new(), String::new()));
}

#[test]
fn a_program_ends_with_its_permanent_application() {
    let expected = "error: application `chat` ended: too many restarts, the last of `two`: disk full";
    check("ends", None, None, (1, "-web -rooms body -disk -log", expected));
}
