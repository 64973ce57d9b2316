use std::time::Duration;

/// A result of a workload.
pub struct Figure {
    workload: String,
    /// The number of operations to perform.
    n: u64,
    /// The number of operations that the actors counted.
    verified: u64,
    seconds: f64,
    value: f64,
    unit: &'static str,
}

impl Figure {
    /// Returns a number of operations a second.
    pub fn rate(workload: impl Into<String>, n: u64, time: Duration, verified: u64) -> Figure {
        let seconds = time.as_secs_f64();
        Figure { workload: workload.into(), n, verified, seconds, value: n as f64 / seconds, unit: "ops/s" }
    }

    /// Returns the nanoseconds for each operation.
    pub fn nanos(workload: impl Into<String>, n: u64, time: Duration, verified: u64) -> Figure {
        let seconds = time.as_secs_f64();
        Figure { workload: workload.into(), n, verified, seconds, value: seconds * 1e9 / n as f64, unit: "ns" }
    }

    /// Returns the number of calls a second by all callers. For one caller, it also returns the nanoseconds from a call
    /// to its answer, under the name `NAME_time`.
    pub fn calls(workload: &str, callers: u64, share: u64, time: Duration, verified: u64) -> Vec<Figure> {
        let n = callers * share;
        let rate = Figure::rate(workload, n, time, verified);
        if callers > 1 {
            return vec![rate];
        }
        vec![rate, Figure::nanos(format!("{workload}_time"), n, time, verified)]
    }

    /// Returns one time, selected from `n` measured ones.
    pub fn point(workload: impl Into<String>, n: u64, nanos: u64, verified: u64) -> Figure {
        Figure { workload: workload.into(), n, verified, seconds: 0.0, value: nanos as f64, unit: "ns" }
    }

    /// Returns the percentiles of measured times in nanoseconds, with the name of each behind `/`.
    pub fn percentiles(workload: &str, mut times: Vec<u64>) -> Vec<Figure> {
        times.sort_unstable();
        let n = times.len() as u64;
        let share = |thousandth: usize| times[(times.len() - 1) * thousandth / 1000];
        [("p50", share(500)), ("p99", share(990)), ("p99.9", share(999)), ("max", share(1000))]
            .map(|(percentile, nanos)| Figure::point(format!("{workload}/{percentile}"), n, nanos, n))
            .into()
    }

    /// Returns a number of bytes a second.
    pub fn throughput(workload: impl Into<String>, bytes: u64, time: Duration, verified: u64) -> Figure {
        Figure { unit: "B/s", ..Figure::rate(workload, bytes, time, verified) }
    }

    /// Returns the resident bytes for each actor.
    pub fn bytes(workload: impl Into<String>, n: u64, bytes: u64, verified: u64) -> Figure {
        Figure { workload: workload.into(), n, verified, seconds: 0.0, value: bytes as f64 / n as f64, unit: "bytes" }
    }

    /// Prints the result as a line of JSON.
    ///
    /// # Errors
    /// The two numbers of operations differ.
    pub(crate) fn print(&self, system: &str, threads: u64) -> Result<(), String> {
        let Figure { workload, n, verified, seconds, value, unit } = self;
        if n != verified {
            return Err(format!("{workload}: expected {n} operations, counted {verified}"));
        }
        println!(
            r#"{{"system":"{system}","workload":"{workload}","threads":{threads},"n":{n},"verified":{verified},"seconds":{seconds:.6},"value":{value:.1},"unit":"{unit}"}}"#
        );
        Ok(())
    }
}

/// Returns the number of bytes of this program that are in memory.
pub fn resident() -> u64 {
    const PAGE: u64 = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has /proc/self/statm");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("the second number counts the resident pages") * PAGE
}
