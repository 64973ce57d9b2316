//! The end of the predecessor's process, once the successor serves.

pub(super) mod shim;

use std::env;

use crate::log;

/// The way in which the predecessor's process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The process continues as the shim in front of the successor.
    Shim,
    /// The process announces the successor to systemd as the service's main process, and exits.
    Notify,
    /// The process exits.
    Exit,
}

/// The environment variable that sets the end: `shim`, `notify` or `exit`.
const VARIABLE: &str = "GREENROOM_AFTER_UPGRADE";

impl Ending {
    /// Returns the end of this process. A process behind a shim exits: the shim stays.
    pub(super) fn of_this_process(is_behind_shim: bool) -> Ending {
        let set = env::var(VARIABLE).unwrap_or_default();
        let is_notifying = env::var_os("NOTIFY_SOCKET").is_some_and(|socket| !socket.is_empty());
        Ending::choose(&set, is_behind_shim, std::process::id() == 1, is_notifying).unwrap_or_else(|default| {
            log::warn!(
                target: "greenroom", value = %log::Escaped(&set), used = ?default,
                "`GREENROOM_AFTER_UPGRADE` is not `shim`, `notify` or `exit`"
            );
            default
        })
    }

    /// Chooses the end. The error is the one without the variable, whose value is not valid.
    ///
    /// Without the variable a shim is the end that suits every service manager: it keeps the number and the status of the
    /// process that the manager has started.
    fn choose(set: &str, is_behind_shim: bool, is_first: bool, is_notifying: bool) -> Result<Ending, Ending> {
        let default = match (is_behind_shim, is_first, is_notifying) {
            (true, _, _) => Ending::Exit,
            (false, false, true) => Ending::Notify,
            (false, ..) => Ending::Shim,
        };
        match set {
            _ if is_behind_shim => Ok(default),
            "" => Ok(default),
            "shim" => Ok(Ending::Shim),
            "notify" => Ok(Ending::Notify),
            "exit" => Ok(Ending::Exit),
            _ => Err(default),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_follows_from_the_service_manager() {
        for (set, is_behind_shim, is_first, is_notifying, expected) in [
            ("", false, true, false, Ok(Ending::Shim)),
            // In a container with systemd outside.
            ("", false, true, true, Ok(Ending::Shim)),
            ("", false, false, false, Ok(Ending::Shim)),
            ("", false, false, true, Ok(Ending::Notify)),
            ("", true, false, true, Ok(Ending::Exit)),
            ("exit", false, false, true, Ok(Ending::Exit)),
            ("notify", false, false, false, Ok(Ending::Notify)),
            ("shim", false, false, true, Ok(Ending::Shim)),
            ("shim", true, false, true, Ok(Ending::Exit)),
            ("leave", false, false, true, Err(Ending::Notify)),
        ] {
            assert_eq!(Ending::choose(set, is_behind_shim, is_first, is_notifying), expected, "{set}");
        }
    }
}
