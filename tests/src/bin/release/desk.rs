//! The protocol of the process `desk`, which the test has, too.

use greenroom::prelude::*;

#[protocol(name = "greenroom-tests.desk")]
pub(crate) enum Desk {
    Note { number: u64 },
    Echo { number: u64, reply: Reply<u64> },
}
