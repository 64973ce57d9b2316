//! The memory of the programs that this one has started.

use std::fs;

use greenroom::prelude::*;

/// Returns the memory of all programs together, in bytes.
pub(super) fn resident() -> greenroom::Result<u64> {
    sum("VmRSS:")
}

/// Returns the most memory of the programs since [`reset_peak`], in bytes.
pub(super) fn peak() -> greenroom::Result<u64> {
    sum("VmHWM:")
}

/// Lets the peak begin at the memory of now.
pub(super) fn reset_peak() -> greenroom::Result {
    programs()?.iter().try_for_each(|program| Ok(fs::write(format!("/proc/{program}/clear_refs"), "5")?))
}

fn sum(field: &str) -> greenroom::Result<u64> {
    let mut bytes = 0;
    for program in programs()? {
        let status = fs::read_to_string(format!("/proc/{program}/status"))?;
        let size = status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"));
        bytes += size.and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) * 1024;
    }
    Ok(bytes)
}

/// Returns the process numbers of the programs.
fn programs() -> Result<Vec<String>, Exit> {
    let mut programs = Vec::new();
    for task in fs::read_dir("/proc/self/task")? {
        let children = fs::read_to_string(task?.path().join("children"))?;
        programs.extend(children.split_whitespace().map(str::to_owned));
    }
    Ok(programs)
}
