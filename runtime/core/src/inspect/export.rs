//! The export of the questions, by each node.

use super::answer::{NodeMetrics, OneProcess, Processes, RaisedAlarms};
use super::question::{Ask, Question};
use super::trace::TraceMessages;
#[cfg(feature = "supervision")]
use super::tree::{OneSupervisor, RootSupervisors};
use crate::base::Right;
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
        add::<TraceMessages>(exports);
        #[cfg(feature = "supervision")]
        {
            add::<RootSupervisors>(exports);
            add::<OneSupervisor>(exports);
        }
    }
}

fn add<Q: Question>(exports: &mut impl AddExport) {
    exports.__add(Q::NAME.to_owned(), "", Serve { right: Right::Inspect, serve: serve_call::<Ask<Q>> });
}
