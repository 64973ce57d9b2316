//! The processes of a node that is upgraded: on the predecessor they are held and written down, on the successor they are
//! taken over.

mod adopt;
#[cfg(test)]
mod claim_tests;
#[cfg(test)]
mod cluster_tests;
mod held;
mod stream;
#[cfg(test)]
mod tests;

pub(super) use adopt::finish_adoption;
pub(super) use held::HeldProcesses;
pub(super) use stream::{Item, Reader};
