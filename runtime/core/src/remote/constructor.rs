//! The values from which a process can be started on another node.

use std::future::Future;
use std::marker::PhantomData;

use super::named::{Arguments, Named, Names};
use crate::actor::{Construct, Constructor, Context, Init, Process};
use crate::base::{DeserializeOwned, Exit, Serialize};

/// A value from which a process can be started on another node: an actor with serde's traits, or an [`Init`] whose
/// arguments have them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be started on another node",
    label = "cannot be sent to another node",
    note = "write `#[derive(Serialize, Deserialize)]` on the actor",
    note = "or start it from a constructor, a function with `#[init]` and without `self`, whose arguments have serde's traits"
)]
pub trait RemoteConstructor: Constructor {
    /// The part that is sent.
    #[doc(hidden)]
    type __Args: Serialize + DeserializeOwned + Send + 'static;
    /// The name of the constructor. Empty for an actor.
    #[doc(hidden)]
    const __NAME: &'static str;

    /// Returns the part that is sent.
    #[doc(hidden)]
    fn __into_args(self) -> Self::__Args;

    /// Makes the actor, in its process.
    #[doc(hidden)]
    fn __construct(
        args: Self::__Args,
        cx: &mut Context<Self::Actor>,
    ) -> impl Future<Output = Result<Self::Actor, Exit>> + Send;
}

#[diagnostic::do_not_recommend]
impl<A: Process + Serialize + DeserializeOwned> RemoteConstructor for A {
    type __Args = A;
    const __NAME: &'static str = "";

    fn __into_args(self) -> A {
        self
    }

    async fn __construct(actor: A, _: &mut Context<A>) -> Result<A, Exit> {
        Ok(actor)
    }
}

#[diagnostic::do_not_recommend]
impl<C: Construct<Args>, Args: Arguments> RemoteConstructor for Init<C, Args> {
    type __Args = Named<ParamsOf<C, Args>, Args>;
    const __NAME: &'static str = C::NAME;

    fn __into_args(self) -> Self::__Args {
        Named::new(self.into_args())
    }

    fn __construct(
        Named(args, _): Self::__Args,
        cx: &mut Context<C::Actor>,
    ) -> impl Future<Output = Result<C::Actor, Exit>> + Send {
        C::construct(args, cx)
    }
}

/// The names of a constructor's parameters.
pub struct ParamsOf<C, Args>(PhantomData<fn() -> (C, Args)>);

impl<C: Construct<Args>, Args: 'static> Names for ParamsOf<C, Args> {
    const PARAMS: &'static [&'static str] = C::PARAMS;
}
