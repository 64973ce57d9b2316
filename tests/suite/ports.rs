//! Programs of the operating system as processes: their output, their input, their exit and their end.
//!
//! The clock of these tests is the real one, since the programs take real time. They wait for output and exits.
#![cfg(target_os = "linux")]

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use greenroom::testing::{Probe, pattern};
use greenroom::{FrameLength, Port, PortOutput, PortRef, PortStream, prelude::*};
use tokio::sync::Semaphore;

#[protocol]
enum Desk {
    #[from]
    Output(PortOutput),
    #[from]
    Down(Down),
    #[from]
    Exit(ExitSignal),
}

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// A desk that traps exits, so that a port does not end it.
fn desk() -> Probe<Desk> {
    let desk = Probe::new().timeout(Duration::from_secs(20));
    desk.trap_exit(true);
    desk
}

/// Formats output: errors begin with `!`, and parts of lines end with `~`.
fn text(output: &PortOutput) -> String {
    let start = if output.stream == PortStream::Error { "!" } else { "" };
    format!("{start}{}{}", output.text_lossy(), if output.is_complete { "" } else { "~" })
}

async fn next(desk: &mut Probe<Desk>) -> String {
    desk.expect(pattern!(Desk::Output(output) => text(&output))).await
}

/// Returns the pid that a program has printed.
async fn next_pid(desk: &mut Probe<Desk>) -> u32 {
    next(desk).await.parse().expect("a pid")
}

/// Returns all output until a linked port exits, and its exit reason.
async fn all(desk: &mut Probe<Desk>, port: &PortRef) -> (Vec<String>, Exit) {
    let mut texts = Vec::new();
    loop {
        receive!(match desk {
            Desk::Output(output) => texts.push(text(&output)),
            Desk::Exit(signal) if Some(&signal.from) == port.pid().as_ref() => return (texts, signal.reason),
            after!(Duration::from_secs(20)) => panic!("no exit after {texts:?}"),
        });
    }
}

fn failed(text: &str) -> Exit {
    Exit::error(text)
}

/// Returns whether the operating system has an entry for this process, be it a zombie.
fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Waits until a process that is not a child of this program has ended. It stays a zombie if its new parent does not
/// collect its status.
async fn gone(pid: u32) {
    let stat = format!("/proc/{pid}/stat");
    let runs = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.rsplit(") ").next().unwrap().starts_with('Z'));
    eventually(|| !runs()).await;
}

/// Waits for something that sends no message.
async fn eventually(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it has not happened in 20 s");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A path in the directory for temporary files, which is removed on drop.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Scratch(std::env::temp_dir().join(format!("greenroom-port-{}-{count}", std::process::id())))
    }

    fn shown(&self) -> std::path::Display<'_> {
        self.0.display()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[greenroom::test(clock = real)]
async fn lines_are_messages_and_come_before_the_exit() -> greenroom::Result {
    let mut desk = desk();
    let port = desk.port(sh(r"printf 'one\n\ntwo\377\nlast'"))?;
    assert_eq!(
        all(&mut desk, &port).await,
        (vec!["one".into(), "".into(), "two\u{fffd}".into(), "last~".into()], Exit::Normal)
    );
    // The output also comes before a `Down`, and a program that exits at once has a reason.
    for (script, text, reason) in [("echo one", Some("one"), Exit::Normal), ("exit 2", None, failed("exit status: 2"))]
    {
        let (_, monitor) = desk.port_monitor(sh(script))?;
        if let Some(text) = text {
            assert_eq!(next(&mut desk).await, text);
        }
        desk.expect(pattern!(Desk::Down(down) if down.monitor == monitor && down.reason == reason)).await;
    }
    Ok(())
}

#[greenroom::test(clock = real)]
async fn the_bytes_of_a_line_are_those_of_the_program() -> greenroom::Result {
    let mut desk = desk();
    let port = desk.port(sh(r"printf 'gr\303\274n\r\n\377\n'"))?;
    let mut next = async || desk.expect(pattern!(Desk::Output(output) => output)).await;
    let first = next().await;
    assert_eq!((first.text()?, Some(&first.port)), ("grün\r", port.pid().as_ref()));
    let second = next().await;
    assert!(second.text().is_err());
    assert_eq!(second.bytes, [0xff]);
    Ok(())
}

#[greenroom::test(clock = real)]
async fn long_lines_are_split_and_errors_are_marked() -> greenroom::Result {
    let mut desk = desk();
    let port = Port::new(sh("echo abcdefgh; echo wrong >&2; exit 3")).max_length(4).stderr();
    let port = desk.port(port)?;
    let (mut texts, reason) = all(&mut desk, &port).await;
    // The order of the two pipes is not defined.
    texts.sort_by_key(|text| text.starts_with('!'));
    assert_eq!(texts, ["abcd~", "efgh", "!wron~", "!g"]);
    assert_eq!(reason, failed("exit status: 3"));
    Ok(())
}

#[greenroom::test(clock = real)]
async fn frames_go_both_ways_and_have_a_limit() -> greenroom::Result {
    for (length, count) in [(FrameLength::U8, 200), (FrameLength::U16, 9000), (FrameLength::U32, 70_000)] {
        let mut desk = desk();
        let port = desk.port(Port::new(Command::new("cat")).frames(length).max_length(70_000))?;
        let sent = ["a\nb".to_owned(), String::new(), "x".repeat(count)];
        for frame in &sent {
            port.send(frame.clone().into()).await?;
        }
        port.close_input().await?;
        assert_eq!(all(&mut desk, &port).await, (sent.to_vec(), Exit::Normal));
    }
    for (script, reason) in [
        (
            r"printf '\001a\011'; sleep 1000",
            "the program sent a frame of 9 bytes, the limit is 8: see `Port::max_length`",
        ),
        (r"printf '\001a\003bc'", "the program's output ended within a frame"),
        (r"printf '\001a\003bc'; exit 7", "exit status: 7"),
    ] {
        let mut desk = desk();
        let port = desk.port(Port::new(sh(script)).frames(FrameLength::U8).max_length(8))?;
        assert_eq!(all(&mut desk, &port).await, (vec!["a".to_owned()], failed(reason)));
    }
    let mut desk = desk();
    let port = desk.port(Port::new(Command::new("cat")).frames(FrameLength::U8))?;
    port.send(vec![0; 256]).await?;
    let reason = "a frame of 256 bytes is too long for its length prefix: see `FrameLength`";
    assert_eq!(all(&mut desk, &port).await, (vec![], failed(reason)));
    Ok(())
}

#[greenroom::test(clock = real)]
async fn the_exit_status_is_the_exit_reason() -> greenroom::Result {
    for (script, reason) in [
        ("exit 0", Exit::Normal),
        ("exit 2", failed("exit status: 2")),
        ("kill -9 $$", failed("signal: 9 (SIGKILL)")),
        ("kill -15 $$", failed("signal: 15 (SIGTERM)")),
    ] {
        let mut desk = desk();
        let port = desk.port(sh(script))?;
        assert_eq!(all(&mut desk, &port).await.1, reason, "{script}");
    }
    // Without a trap, the owner exits for the same reason, as it is linked.
    let owner = greenroom::spawn(async |mailbox: Mailbox<Desk>| {
        mailbox.port(sh("exit 2"))?;
        std::future::pending::<greenroom::Result>().await
    });
    assert_eq!(owner.ended().await, failed("exit status: 2"));
    Ok(())
}

#[greenroom::test(clock = real)]
async fn a_program_that_cannot_be_started_is_an_error_and_no_process() {
    let desk = desk();
    let before = desk.node().processes().len();
    let error = desk.port(Command::new("/no/such/program")).unwrap_err();
    assert_eq!((error.kind(), error.program()), (ErrorKind::NotFound, "/no/such/program"));
    let text = "cannot start the program `/no/such/program`: No such file or directory (os error 2)";
    assert_eq!(Exit::from(error), failed(text));
    let error = desk.port(Command::new("/")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(desk.node().processes().len(), before);
    assert_eq!(Port::new(Command::new("/no/such/program")).start().await.unwrap_err().reason, failed(text));
}

#[greenroom::test(clock = real)]
async fn a_program_ends_with_its_owner() -> greenroom::Result {
    #[derive(Clone, Copy, Debug)]
    enum End {
        Returns,
        ReturnsMonitoring,
        FailsMonitoring,
        Fails,
        Panics,
        IsKilled,
        Stops,
        FailsUnlinked,
    }

    for end in [
        End::Returns,
        End::ReturnsMonitoring,
        End::FailsMonitoring,
        End::Fails,
        End::Panics,
        End::IsKilled,
        End::Stops,
        End::FailsUnlinked,
    ] {
        let mut desk = desk();
        let me = desk.stub();
        let owner = greenroom::spawn(async move |mut mailbox: Mailbox<Desk>| {
            let port = Port::new(sh("echo $$; exec sleep 1000")).name(format!("sleep {end:?}"));
            let port = match end {
                End::ReturnsMonitoring | End::FailsMonitoring => mailbox.port_monitor(port)?.0,
                _ => mailbox.port(port)?,
            };
            let output = receive!(match mailbox {
                Desk::Output(output) => output,
            });
            me.recipient().send(output);
            match end {
                End::Returns | End::ReturnsMonitoring => Ok(()),
                End::Fails | End::FailsMonitoring => Err(Exit::error("closed")),
                End::Panics => panic!("on fire"),
                End::FailsUnlinked => {
                    mailbox.unlink(&port);
                    Err(Exit::error("closed"))
                }
                End::IsKilled | End::Stops => std::future::pending().await,
            }
        });
        let port = PortRef::named(&format!("sleep {end:?}"));
        desk.monitor(&owner);
        let (pid, ended) = (next_pid(&mut desk).await, port.ended());
        match end {
            End::IsKilled => owner.exit(Exit::Kill),
            End::Stops => drop(owner.stop(Exit::shutdown()).await),
            _ => {}
        }
        let reason = desk.expect(pattern!(Desk::Down(down) => down.reason)).await;
        let port_reason = ended.await;
        assert!(port_reason == reason || port_reason == Exit::NoProc, "{end:?}: {port_reason}, {reason}");
        // Not even a zombie.
        assert!(!exists(pid), "{end:?}");
    }
    Ok(())
}

#[greenroom::test(clock = real)]
async fn a_stopped_program_gets_a_signal_that_it_can_handle_and_its_group_ends_with_it() -> greenroom::Result {
    let (mut desk, file) = (desk(), Scratch::new());
    let script = format!("trap 'echo closed > {}; exit 0' TERM; sleep 1000 & echo $!; echo $$; wait", file.shown());
    let port = desk.port(Port::new(sh(&script)).stop_timeout(Duration::from_secs(1000)))?;
    let (inner, pid) = (next_pid(&mut desk).await, next_pid(&mut desk).await);
    assert_eq!(port.stop(Exit::shutdown()).await, Exit::shutdown());
    assert!(!exists(pid));
    assert_eq!(std::fs::read_to_string(&file.0)?, "closed\n");
    gone(inner).await;
    Ok(())
}

#[greenroom::test(clock = real)]
async fn a_program_that_ignores_the_signal_is_killed_after_the_time_limit() -> greenroom::Result {
    let mut desk = desk();
    let limit = Duration::from_millis(300);
    let port = desk.port(Port::new(sh("trap '' TERM; echo $$; sleep 1000; sleep 1000")).stop_timeout(limit))?;
    let pid = next_pid(&mut desk).await;
    let begun = Instant::now();
    let ended = port.stop(failed("enough"));
    assert!(exists(pid));
    assert_eq!(ended.await, failed("enough"));
    assert!(begun.elapsed() >= limit && !exists(pid));
    Ok(())
}

#[greenroom::test(clock = real)]
async fn a_killed_port_kills_its_program_at_once() -> greenroom::Result {
    let mut desk = desk();
    let script = "trap '' TERM; echo $$; sleep 1000";
    let port = desk.port(Port::new(sh(script)).stop_timeout(Duration::from_secs(1000)))?;
    let pid = next_pid(&mut desk).await;
    port.exit(Exit::Kill);
    assert_eq!(port.ended().await, Exit::Killed);
    assert!(!exists(pid));
    // Also before its process has run for the first time.
    let file = Scratch::new();
    for _ in 0..20 {
        let script = format!("echo $$ > {}; exec sleep 1000", file.shown());
        let port = desk.port(Port::new(sh(&script)).stop_timeout(Duration::from_secs(1000)))?;
        port.exit(Exit::Kill);
        assert_eq!(port.ended().await, Exit::Killed);
        let pid = std::fs::read_to_string(&file.0).ok().and_then(|pid| pid.trim().parse().ok());
        assert!(pid.is_none_or(|pid| !exists(pid)));
    }
    Ok(())
}

#[greenroom::test(clock = real)]
async fn the_rest_of_the_group_ends_when_the_program_exits() -> greenroom::Result {
    let mut desk = desk();
    let port = desk.port(Port::new(sh("sleep 1000 & echo $!")).stop_timeout(Duration::from_secs(1000)))?;
    let inner = next_pid(&mut desk).await;
    assert_eq!(all(&mut desk, &port).await, (vec![], Exit::Normal));
    gone(inner).await;
    Ok(())
}

#[greenroom::test(clock = real)]
async fn a_program_that_left_the_group_does_not_keep_the_port() -> greenroom::Result {
    let mut desk = desk();
    let port = Port::new(sh("setsid sleep 10 & printf half")).stop_timeout(Duration::from_millis(200));
    let (begun, port) = (Instant::now(), desk.port(port)?);
    assert_eq!(all(&mut desk, &port).await, (vec!["half~".into()], Exit::Normal));
    assert!(begun.elapsed() < Duration::from_secs(9));
    Ok(())
}

/// An owner with a bounded mailbox, which takes as many lines as it has permits.
#[actor(protocol = Desk, mailbox = 4)]
struct Slow {
    script: String,
    permits: Arc<Semaphore>,
    taken: Arc<AtomicU32>,
}

impl Process for Slow {
    async fn run(&mut self, cx: &mut Context<Self>) -> Result<(), Exit> {
        let port = cx.port(sh(&self.script))?;
        cx.monitor(&port);
        loop {
            self.permits.acquire().await?.forget();
            receive!(match cx {
                Desk::Output(output) => {
                    let expected = self.taken.fetch_add(1, Ordering::Relaxed) + 1;
                    assert_eq!(output.text()?, expected.to_string());
                }
                Desk::Down(down) => break Err(down.reason),
            });
        }
    }
}

#[greenroom::test(clock = real)]
async fn a_slow_owner_suspends_its_program_and_loses_nothing() -> greenroom::Result {
    let (file, permits, taken) = (Scratch::new(), Arc::new(Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
    let script = format!("seq 1 100000; touch {}", file.shown());
    let slow = Slow { script, permits: Arc::clone(&permits), taken: Arc::clone(&taken) }.spawn();
    let node = Node::current();
    let info = || node.process_info(&slow.pid().unwrap()).unwrap();
    eventually(|| info().wait_queue > 0).await;
    permits.add_permits(10);
    eventually(|| taken.load(Ordering::Relaxed) == 10 && info().wait_queue > 0).await;
    // Time enough for a program that is not suspended: it writes half a megabyte.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let info = info();
    // A mailbox admits up to three times its capacity of messages that its process waits for.
    assert!(info.mailbox + info.saved + info.wait_queue <= 13, "{info:?}");
    assert!(!file.0.exists(), "the program has written all of its output");
    permits.add_permits(1_000_000);
    assert_eq!(slow.ended().await, Exit::Normal);
    assert_eq!(taken.load(Ordering::Relaxed), 100_000);
    assert!(file.0.exists());
    Ok(())
}

#[greenroom::test(clock = real)]
async fn writes_wait_for_a_program_that_does_not_read() -> greenroom::Result {
    let (mut desk, file) = (desk(), Scratch::new());
    let port = desk.port(sh(&format!("while ! [ -e {} ]; do sleep 0.01; done; exec wc -c", file.shown())))?;
    const SIZE: usize = 100_000;
    let mut accepted = 0;
    let mut full_since = Instant::now();
    while full_since.elapsed() < Duration::from_millis(300) {
        match port.try_send(vec![7; SIZE]) {
            Ok(()) => (accepted, full_since) = (accepted + 1, Instant::now()),
            Err(error) => assert_eq!(error, CastError::Full),
        }
        // One write in progress, and a mailbox of 16, which admits more while its process waits for a message.
        assert!(accepted <= 49, "writes are stored without a limit");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(accepted >= 17, "{accepted}");
    let waiting = tokio::time::timeout(Duration::from_millis(50), port.send(vec![7; SIZE])).await;
    assert!(waiting.is_err(), "a write was accepted by a full port");
    // Awaited from here on, in order.
    let last = port.send(vec![7; SIZE]);
    std::fs::write(&file.0, "")?;
    last.await?;
    port.close_input().await?;
    let (texts, reason) = all(&mut desk, &port).await;
    assert_eq!((texts, reason), (vec![((accepted + 1) * SIZE).to_string()], Exit::Normal));
    assert_eq!(port.try_send(vec![7]), Err(CastError::NoProc));
    Ok(())
}

#[greenroom::test(clock = real)]
async fn writes_to_a_closed_input_are_lost_and_nothing_waits() -> greenroom::Result {
    let mut desk = desk();
    let port = desk.port(sh("exec 0<&-; echo closed; sleep 0.2; echo end"))?;
    assert_eq!(next(&mut desk).await, "closed");
    for _ in 0..100 {
        port.send("lost\n".into()).await?;
    }
    assert_eq!(all(&mut desk, &port).await, (vec!["end".into()], Exit::Normal));
    let port = desk.port(Command::new("cat"))?;
    port.send("a\n".into());
    port.close_input();
    port.send("b\n".into());
    assert_eq!(all(&mut desk, &port).await, (vec!["a".into()], Exit::Normal));
    Ok(())
}

/// Sends the lines of a sensor to a desk.
#[supervisor(strategy = one_for_one, intensity = 5, period = "60s")]
struct Station {
    desk: DeskRef,
    #[child(start = Port::new(sh("echo $$; while read line; do exit $line; done")).output_to(&self.desk).name("sensor"))]
    sensor: Port,
}

#[greenroom::test(clock = real)]
async fn a_supervisor_starts_a_crashed_program_again() -> greenroom::Result {
    let mut desk = desk();
    let station = Station { desk: desk.stub() }.start().await?;
    let sensor = station.sensor();
    let first = next_pid(&mut desk).await;
    for status in ["1\n", "2\n", "0\n"] {
        sensor.send(status.into()).await?;
        let next = next_pid(&mut desk).await;
        assert_ne!(first, next);
    }
    sensor.exit(Exit::Kill);
    let last = next_pid(&mut desk).await;
    assert!(!exists(first));
    let info = desk.node().process_info(&sensor.pid().unwrap()).unwrap();
    assert_eq!(
        (&*info.kind, info.name.as_deref(), info.path.as_deref()),
        ("Port", Some("sensor"), Some("/Station/sensor"))
    );
    station.stop().await;
    assert!(!exists(last));
    Ok(())
}

#[supervisor(strategy = one_for_one)]
struct Broken {
    #[child(start = Port::new(Command::new("/no/such/program")))]
    sensor: Port,
}

#[greenroom::test(clock = real)]
async fn a_tree_with_a_program_that_cannot_be_started_does_not_start() {
    let error = Broken {}.start().await.unwrap_err();
    let text =
        "cannot start `sensor`: cannot start the program `/no/such/program`: No such file or directory (os error 2)";
    assert_eq!(error.to_string(), text);
}

#[greenroom::test(clock = real)]
async fn the_stop_of_a_node_ends_its_programs() -> greenroom::Result {
    let node = Node::local();
    let entered = node.enter();
    let mut desk = Probe::<Desk>::on(&node);
    let script = "trap '' TERM; echo $$; while :; do sleep 1000; done";
    desk.port(Port::new(sh(script)).stop_timeout(Duration::from_millis(100)))?;
    let me = desk.stub();
    Port::new(sh("echo $$; exec sleep 1000")).output_to(&me).spawn();
    let pids = [next_pid(&mut desk).await, next_pid(&mut desk).await];
    drop(entered);
    node.stop().await;
    assert_eq!(pids.map(exists), [false; 2]);
    Ok(())
}
