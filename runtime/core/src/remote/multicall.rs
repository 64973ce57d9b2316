//! One function on several nodes.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::function::RemoteCall;
use crate::base::CallError;

/// Calls a function on several nodes at the same time, and resolves when each call has an answer or an error.
///
/// The results are in the order of the nodes. A node that cannot be reached has an error, and does not keep the others from
/// answering. The model is [`erpc:multicall/5`](https://www.erlang.org/doc/apps/kernel/erpc.html#multicall/5).
///
/// ```
/// use std::path::PathBuf;
///
/// use greenroom::prelude::*;
///
/// /// Returns the bytes that are free on a disk.
/// #[remote]
/// async fn disk_free(path: PathBuf) -> Result<u64, String> {
///     # let _ = path;
///     Ok(1 << 30)
/// }
///
/// # async fn use_it() -> greenroom::Result {
/// let nodes = ["a@one", "b@two"];
/// for (node, free) in greenroom::multicall(nodes, |node| disk_free::on(node, "/".into())).await {
///     match free {
///         Ok(Ok(bytes)) => println!("{node}: {bytes} bytes"),
///         Ok(Err(error)) => println!("{node}: {error}"),
///         Err(error) => println!("{node} gave no answer: {error}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// Cancel-safe: if the future is dropped, all calls are given up.
pub fn multicall<N: AsRef<str>, T: Send + 'static>(
    nodes: impl IntoIterator<Item = N>,
    mut call: impl FnMut(&str) -> RemoteCall<T>,
) -> impl Future<Output = Vec<(N, Result<T, CallError>)>> {
    let mut calls: Vec<_> = nodes.into_iter().map(|node| (call(node.as_ref()), node, None)).collect();
    async move {
        poll_fn(|cx| {
            let mut is_pending = false;
            for (call, _, result) in calls.iter_mut().filter(|(_, _, result)| result.is_none()) {
                match Pin::new(call).poll(cx) {
                    Poll::Ready(answer) => *result = Some(answer),
                    Poll::Pending => is_pending = true,
                }
            }
            if is_pending { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        calls.into_iter().filter_map(|(_, node, result)| Some((node, result?))).collect()
    }
}
