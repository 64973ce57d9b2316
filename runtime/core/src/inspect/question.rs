//! A question to a node, and the function that answers it.

use std::future::Future;
use std::marker::PhantomData;

use crate::base::{DeserializeOwned, Right, Serialize};
use crate::call::CallName;
use crate::node::Node;
use crate::remote::RemoteFunction;

/// A question. Its fields and its answer are read by name, so two releases can have different ones.
pub(super) trait Question: Serialize + DeserializeOwned + Send + 'static {
    type Answer: Serialize + DeserializeOwned + Send + 'static;
    /// No function can have the name: it is not an identifier.
    const NAME: &'static str;
    const CALL: &'static CallName;
    /// The right that the caller needs.
    const RIGHT: Right = Right::Inspect;

    /// Answers the question, in a process of its own on the node.
    fn answer(self, node: Node) -> impl Future<Output = Self::Answer> + Send;
}

/// The function that answers a question.
pub(super) struct Ask<Q>(PhantomData<Q>);

#[diagnostic::do_not_recommend]
impl<Q: Question> RemoteFunction for Ask<Q> {
    const NAME: &'static str = Q::NAME;
    const __CALL: &'static CallName = Q::CALL;
    const __PARAMS: &'static [&'static str] = &["question"];
    type Args = (Q,);
    type Output = Q::Answer;

    fn __call((question,): (Q,)) -> impl Future<Output = Q::Answer> + Send {
        question.answer(Node::current())
    }
}
