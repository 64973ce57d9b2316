use std::time::Duration;

/// What came out of a workload.
pub struct Figure {
    workload: String,
    /// How much was to be done.
    n: u64,
    /// How much was counted to be done.
    verified: u64,
    seconds: f64,
    value: f64,
    unit: &'static str,
}

impl Figure {
    /// Operations a second.
    pub fn rate(workload: impl Into<String>, n: u64, time: Duration, verified: u64) -> Figure {
        let seconds = time.as_secs_f64();
        Figure { workload: workload.into(), n, verified, seconds, value: n as f64 / seconds, unit: "ops/s" }
    }

    /// Nanoseconds an operation.
    pub fn nanos(workload: impl Into<String>, n: u64, time: Duration, verified: u64) -> Figure {
        let seconds = time.as_secs_f64();
        Figure { workload: workload.into(), n, verified, seconds, value: seconds * 1e9 / n as f64, unit: "ns" }
    }

    /// A time that was found among `n`.
    pub fn point(workload: impl Into<String>, n: u64, nanos: u64, verified: u64) -> Figure {
        Figure { workload: workload.into(), n, verified, seconds: 0.0, value: nanos as f64, unit: "ns" }
    }

    /// Resident bytes each.
    pub fn bytes(workload: impl Into<String>, n: u64, bytes: u64, verified: u64) -> Figure {
        Figure { workload: workload.into(), n, verified, seconds: 0.0, value: bytes as f64 / n as f64, unit: "bytes" }
    }

    /// Prints the line of JSON.
    ///
    /// # Errors
    /// Not all was done that was to be done.
    pub(crate) fn print(&self, system: &str, threads: u64) -> Result<(), String> {
        let Figure { workload, n, verified, seconds, value, unit } = self;
        if n != verified {
            return Err(format!("{workload}: {n} were to be done, {verified} were"));
        }
        println!(
            r#"{{"system":"{system}","workload":"{workload}","threads":{threads},"n":{n},"verified":{verified},"seconds":{seconds:.6},"value":{value:.1},"unit":"{unit}"}}"#
        );
        Ok(())
    }
}

/// How many bytes of this program are in memory.
pub fn resident() -> u64 {
    const PAGE: u64 = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells of its processes");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("the second number counts the resident pages") * PAGE
}
