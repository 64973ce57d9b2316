//! The export of the questions, by each node.

use super::answer::{NodeMetrics, OneProcess, Processes, RaisedAlarms};
use super::callable::{Functions, OneFunction, ProtocolOf};
use super::control::{ExitProcess, ServerState, Suspend};
use super::flows::MessageFlows;
use super::overview::AtAGlance;
use super::question::{Ask, Question};
use super::stream::{NodeEvents, TraceMessages};
#[cfg(feature = "supervision")]
use super::tree::{OneSupervisor, RootSupervisors};
use crate::node::{AddExport, Export, Serve};
use crate::remote::serve_call;

/// The questions that each node answers.
pub(crate) struct Inspectable;

#[diagnostic::do_not_recommend]
impl Export for Inspectable {
    fn __export<E: AddExport>(exports: &mut E) {
        add::<Processes>(exports);
        add::<OneProcess>(exports);
        add::<NodeMetrics>(exports);
        add::<RaisedAlarms>(exports);
        add::<AtAGlance>(exports);
        add::<TraceMessages>(exports);
        add::<NodeEvents>(exports);
        add::<MessageFlows>(exports);
        add::<Functions>(exports);
        add::<OneFunction>(exports);
        add::<ProtocolOf>(exports);
        add::<ServerState>(exports);
        add::<Suspend>(exports);
        add::<ExitProcess>(exports);
        #[cfg(feature = "supervision")]
        {
            add::<RootSupervisors>(exports);
            add::<OneSupervisor>(exports);
        }
    }
}

fn add<Q: Question>(exports: &mut impl AddExport) {
    exports.__add(Q::NAME.to_owned(), "", Serve { right: Q::RIGHT, serve: serve_call::<Ask<Q>> });
}
