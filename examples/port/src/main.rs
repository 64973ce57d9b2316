//! A weather station: a program of the operating system measures, and a supervisor starts it again after it fails.
//!
//! The sensor is a shell script, which stands for any program. Each line that it prints is a message to the actor
//! `Readings`, and each line of its input requests a measurement. A status other than zero is a crash, so the
//! supervisor starts the script again. At the end `sort`, a port of the actor's own, sorts what was measured.

use std::process::Command;

use greenroom::prelude::*;
use greenroom::{Port, PortOutput};

/// Prints a temperature for each line that it reads. An empty line is one that it cannot handle.
const SENSOR: &str = r#"
    echo ready; while read -r place; do
        [ -n "$place" ] || exit 3
        echo "$place: ${#place} degrees"
    done
"#;

/// The temperatures so far.
#[actor]
#[derive(Default)]
struct Readings {
    lines: Vec<String>,
    starts: usize,
    /// A caller that waits for a number of measurements, and of the sensor's starts.
    waiting: Option<(usize, usize, Reply<()>)>,
    sort: Option<Sort>,
}

/// A running sort, and the caller that waits for it.
struct Sort {
    port: Option<Pid>,
    sorted: Vec<String>,
    reply: Reply<Vec<String>>,
}

#[actor]
impl Readings {
    /// Handles a line of the sensor, or of the sort.
    #[from]
    fn printed(&mut self, output: PortOutput) {
        let line = output.text_lossy().into_owned();
        match &mut self.sort {
            Some(sort) if sort.port.as_ref() == Some(&output.port) => sort.sorted.push(line),
            _ if line == "ready" => self.starts += 1,
            _ => self.lines.push(line),
        }
        self.answer();
    }

    /// Answers when there are so many measurements, and the sensor has been started so many times.
    #[call]
    fn wait_for(&mut self, lines: usize, starts: usize, reply: Reply<()>) {
        self.waiting = Some((lines, starts, reply));
        self.answer();
    }

    /// Answers with the measurements in order. If `sort` cannot be started, the reply is dropped, and the call fails.
    #[call]
    fn sorted(&mut self, cx: &mut Context<Self>, reply: Reply<Vec<String>>) {
        match cx.port_monitor(Command::new("sort")) {
            Ok((sort, _)) => {
                sort.send((self.lines.join("\n") + "\n").into());
                sort.close_input();
                self.sort = Some(Sort { port: sort.pid(), sorted: Vec::new(), reply });
            }
            Err(error) => eprintln!("{error}"),
        }
    }

    /// Answers when the sort has exited.
    #[down]
    fn exited(&mut self, down: Down) {
        println!("sort exited: {}", down.reason);
        if let Some(sort) = self.sort.take() {
            sort.reply.send(sort.sorted);
        }
    }

    fn answer(&mut self) {
        let counts = (self.lines.len(), self.starts);
        if let Some((.., reply)) = self.waiting.take_if(|(lines, starts, _)| (*lines, *starts) == counts) {
            reply.send(());
        }
    }
}

/// Supervises a sensor and the actor that collects its lines.
#[supervisor(strategy = rest_for_one, intensity = 3, period = "5s")]
struct Station {
    #[child]
    readings: Readings,
    #[child(start = sensor(&readings))]
    sensor: Port,
}

fn sensor(readings: &ReadingsRef) -> Port {
    let mut shell = Command::new("sh");
    shell.args(["-c", SENSOR]);
    Port::new(shell).output_to(readings)
}

#[greenroom::main]
async fn main() -> greenroom::Result {
    let station = Station {}.start().await?;
    let (readings, sensor) = (station.readings(), station.sensor());
    sensor.send("yard\ncellar\nbed\n".into()).await?;
    readings.wait_for(3, 1).await?;
    // The script fails. The supervisor starts it again, and the stub reaches the new one.
    sensor.send("\n".into()).await?;
    readings.wait_for(3, 2).await?;
    sensor.send("garage\n".into()).await?;
    readings.wait_for(4, 2).await?;
    println!("the sensor was started 2 times");
    for line in readings.sorted().await? {
        println!("{line}");
    }
    Ok(())
}
