//! The definitions of protocols and types, which are recorded when they are first needed.

use std::any::type_name;
use std::sync::Arc;

use super::{catch, report_message_panic};
use crate::base::{
    DefinitionRecorder, DeserializeOwned, FieldError, Fields, OwnDefinition, Protocol, ReceivedDefinition, Serialize,
    UnreadMessage, record_type,
};
use crate::node::{Current, Node};
#[cfg(feature = "net")]
use crate::shape::Field;

/// Returns the definition of a protocol; `None` if the protocol is local.
#[inline]
pub(crate) fn protocol_definition<M: Protocol>(node: &Node) -> Option<&'static OwnDefinition> {
    Some(M::definition()?.get_or_init(|| record(node, (M::NAME, M::VERSION), record_protocol::<M>)))
}

fn record_protocol<M: Protocol>() -> OwnDefinition {
    let mut recorder = DefinitionRecorder::new(M::NAME);
    M::record(&mut recorder);
    recorder.finish(M::VERSION)
}

/// Reads a message whose definition is not that of the receiver's protocol, which is `own`.
///
/// # Errors
/// It is another protocol, or the bytes are not a message of it. Or the receiver's protocol cannot be made of it.
#[cfg(feature = "net")]
pub(super) fn read_message<M: Protocol>(
    received: &ReceivedDefinition,
    own: &OwnDefinition,
    variant: u32,
    bytes: &[u8],
) -> Result<M, UnreadMessage> {
    let (variant, mut fields) = received.fields(own, variant, bytes)?;
    let message =
        resolve_message(variant, &mut fields).map_err(|FieldError(error)| received.unread(variant, &error))?;
    message.ok_or_else(|| received.unknown(variant))
}

/// Makes the message of a variant that was sent. `None` if the receiver's protocol has none of its names.
///
/// # Errors
/// A field cannot be read.
#[cfg(feature = "net")]
pub(crate) fn resolve_message<M: Protocol>(variant: &Field, fields: &mut Fields<'_>) -> Result<Option<M>, FieldError> {
    for name in std::iter::once(&variant.name).chain(&variant.aliases) {
        if let Some(message) = M::resolve(name, fields)? {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

/// Without connections no definition is received.
#[cfg(not(feature = "net"))]
pub(super) fn read_message<M: Protocol>(
    received: &ReceivedDefinition,
    _: &OwnDefinition,
    _: u32,
    _: &[u8],
) -> Result<M, UnreadMessage> {
    match *received {}
}

/// Returns the definition of the type of an event or an answer.
pub(crate) fn type_definition<T: Serialize + DeserializeOwned + 'static>(node: &Node) -> Arc<OwnDefinition> {
    node.type_definitions().get_or_record::<T>(|| record(node, (type_name::<T>(), 0), record_type::<T>))
}

/// Runs the `Deserialize` of types. Those of stubs need a current node.
#[cold]
fn record(node: &Node, (name, version): (&'static str, u32), record: impl FnOnce() -> OwnDefinition) -> OwnDefinition {
    let (definition, _) = Current::collect_dropped(node, Node::SYSTEM, || catch(record));
    definition.unwrap_or_else(|panic| {
        report_message_panic(node, name, "recording the types", &panic);
        OwnDefinition::without_shape(name, version)
    })
}
