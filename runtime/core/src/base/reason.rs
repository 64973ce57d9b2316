//! The conversion of errors into exit reasons.

use std::error::Error;

use super::error::Causes;
use super::{CallError, CallErrorKind, Exit};

/// An error type that `?` converts into an [`Exit`]: every type that converts into a `Box<dyn Error>`.
///
/// These are all types that implement [`std::error::Error`] and are `'static`, `Box<dyn Error>` itself, `anyhow::Error`, and
/// texts. Convert others, such as `Box<dyn Error + Send + Sync>`, with [`Exit::error`].
///
/// ```
/// # use greenroom_core as greenroom;
/// use greenroom::Exit;
///
/// fn port(text: &str) -> Result<u16, Exit> {
///     let number: u16 = text.parse()?;
///     if number == 0 { Err("port 0 cannot be called")? } else { Ok(number) }
/// }
///
/// assert_eq!(port("x"), Err(Exit::error("invalid digit found in string")));
/// assert_eq!(port("0"), Err(Exit::error("port 0 cannot be called")));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot become an exit reason",
    label = "not an error type: write `.map_err(Exit::error)?`, which takes any text",
    note = "or use an error type that implements `std::error::Error`"
)]
pub trait Reason: Into<Box<dyn Error>> {}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn Error>>> Reason for E {}

/// Converts an error into [`Exit::Error`] with its text and those of its sources. A [`CallError`] of a callee that exited
/// becomes the callee's exit reason instead.
impl<E: Reason> From<E> for Exit {
    fn from(error: E) -> Exit {
        let error: Box<dyn Error> = error.into();
        if let Some(call) = error.downcast_ref::<CallError>()
            && let CallErrorKind::Exit(reason) = &call.kind
        {
            return reason.clone();
        }
        Exit::error(Causes(&*error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::EncodeError;

    fn exit(kind: CallErrorKind) -> Exit {
        CallError::from(kind).into()
    }

    #[test]
    fn an_error_becomes_a_reason_and_a_call_error_keeps_the_reason_of_the_callee() {
        let missing = std::io::Error::other("no such file");
        assert_eq!(Exit::from(missing), Exit::error("no such file"));
        let reason = Exit::panic("boom", "a.rs:1:1");
        assert_eq!(exit(CallErrorKind::Exit(reason.clone())), reason);
        assert_eq!(exit(CallErrorKind::NoProc), Exit::error("the callee does not exist"));
        assert_eq!(exit(CallErrorKind::Timeout), Exit::error("the callee did not answer in time"));
        let boxed: Box<dyn Error> = Box::new(CallError::from(CallErrorKind::Exit(reason.clone())));
        assert_eq!(Exit::from(boxed), reason);
        assert_eq!(Exit::from("a text"), Exit::error("a text"));
        let text = "cannot encode the call or its answer: a message of this variant cannot leave its node";
        assert_eq!(exit(CallErrorKind::Encode(EncodeError::Local)), Exit::error(text));
    }
}
