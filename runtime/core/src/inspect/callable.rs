//! Calls of functions and of processes of another node, without their types.
//!
//! The node describes a function or a protocol by its [shape](crate::shape). The arguments are a [`Value`], which is
//! written by that shape. So the callee reads them like those of a caller that has the types, and the policy of its node
//! counts as for such a caller.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::answer::fitting;
use super::inspection::Inspection;
use super::question::Question;
use crate::base::{CallError, CallErrorKind, NodeName, OwnDefinition, Untyped};
use crate::call::{CallName, UntypedMessage, send_untyped};
use crate::node::Node;
use crate::remote::{RemoteCall, call_untyped};
use crate::shape::{Field, Node as ShapeNode, NodeIndex, Shape, Value, ValueError};

const CALL: &CallName = &CallName { protocol: "call by shape", message: "Inspection::call" };

/// A function that a node exports, or a message of a process there; from [`Inspection::functions`] and
/// [`Inspection::messages`]. Its `Display` has the types: `order(dish: String, count: u32) -> u64`.
#[derive(Clone, Debug)]
pub struct Callable {
    name: String,
    shape: Shape,
    fields: Vec<Field>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Function { args: Vec<u8>, answer: Shape },
    Message { process: Arc<str>, protocol: Arc<OwnProtocol>, node: NodeIndex, answer: Option<NodeIndex> },
}

/// The protocol of a process of another node.
#[derive(Debug)]
struct OwnProtocol {
    name: String,
    version: u32,
}

/// The reason why a call by shape has no answer; from [`Inspection::call`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallableError {
    /// The arguments are not those of the callable.
    Arguments(ValueError),
    /// The call failed.
    Failed(CallError),
    /// The answer cannot be shown.
    Answer(ValueError),
}

impl fmt::Display for CallableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallableError::Arguments(error) => write!(f, "the arguments do not fit: {error}"),
            CallableError::Failed(error) => error.fmt(f),
            CallableError::Answer(error) => write!(f, "the answer cannot be shown: {error}"),
        }
    }
}

impl Error for CallableError {}

impl Callable {
    /// Returns the name of the function or the variant.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the arguments as an object. A list has them in their order.
    fn arguments(&self, args: Value) -> Result<Value, ValueError> {
        let Value::List(values) = args else { return Ok(args) };
        let names: Vec<_> = self.parameters().map(|field| field.name.to_string()).collect();
        if names.len() != values.len() {
            let reason = format!("expected {} arguments, found {}", names.len(), values.len());
            return Err(ValueError::new(reason));
        }
        Ok(Value::Object(names.into_iter().zip(values).collect()))
    }

    fn parameters(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !matches!(self.shape.node(field.node), ShapeNode::Reply(_)))
    }

    /// Returns the bytes of each field, `None` for the reply.
    fn write(&self, args: Value) -> Result<Vec<Option<Vec<u8>>>, ValueError> {
        let args = self.arguments(args)?;
        let Value::Object(mut entries) = args else { return Err(ValueError::new("expected a list or an object")) };
        let mut take = |field: &Field| {
            let at = entries.iter().position(|(name, _)| **name == *field.name);
            let value = at.map(|at| entries.swap_remove(at).1);
            let is_option = matches!(self.shape.node(field.node), ShapeNode::Option(_));
            value
                .or(is_option.then_some(Value::Null))
                .ok_or_else(|| ValueError::new(format!("the argument `{}` is missing", field.name)))
        };
        let mut written = Vec::new();
        for field in &self.fields {
            if let ShapeNode::Reply(_) = self.shape.node(field.node) {
                written.push(None);
                continue;
            }
            let mut bytes = Vec::new();
            self.shape.write(field.node, &take(field)?, &mut bytes).map_err(|error| error.within(&*field.name))?;
            written.push(Some(bytes));
        }
        match entries.first() {
            Some((unknown, _)) => Err(ValueError::new(format!("there is no argument `{unknown}`"))),
            None => Ok(written),
        }
    }
}

impl fmt::Display for Callable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        for (index, field) in self.parameters().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{}: {}", field.name, self.shape.type_text(field.node))?;
        }
        f.write_str(")")?;
        match &self.kind {
            Kind::Function { answer, .. } => write!(f, " -> {}", answer.type_text(0)),
            Kind::Message { answer: Some(answer), .. } => write!(f, " -> {}", self.shape.type_text(*answer)),
            Kind::Message { answer: None, .. } => Ok(()),
        }
    }
}

/// The names of the exported functions.
#[derive(Serialize, Deserialize)]
pub(super) struct Functions {}

/// The types of an exported function: the parameters, and the answer.
#[derive(Serialize, Deserialize)]
pub(super) struct OneFunction {
    name: String,
}

/// The protocol of the process with this name.
#[derive(Serialize, Deserialize)]
pub(super) struct ProtocolOf {
    process: String,
}

/// The name, the version and the shape of a protocol or a type.
#[derive(Serialize, Deserialize)]
pub(super) struct Described {
    name: String,
    version: u32,
    shape: Vec<u8>,
}

impl Question for Functions {
    type Answer = Vec<String>;
    const NAME: &'static str = "inspect::functions";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::functions" };

    async fn answer(self, node: Node) -> Vec<String> {
        fitting(node.exported_functions().into_iter().map(str::to_owned))
    }
}

impl Question for OneFunction {
    type Answer = Option<(Described, Described)>;
    const NAME: &'static str = "inspect::function";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::function" };

    async fn answer(self, node: Node) -> Self::Answer {
        let [args, answer] = node.describe_function(&self.name)?;
        Some((Described::of(&args)?, Described::of(&answer)?))
    }
}

impl Question for ProtocolOf {
    type Answer = Option<Described>;
    const NAME: &'static str = "inspect::protocol";
    const CALL: &'static CallName = &CallName { protocol: "inspection", message: "Inspection::messages" };

    async fn answer(self, node: Node) -> Option<Described> {
        let definition = node.names().find(&self.process)?.cell.definition()?;
        Some(Described {
            name: definition.name.to_string(),
            version: definition.version,
            shape: definition.shape.to_vec(),
        })
    }
}

impl Described {
    /// Returns `None` if messages of the type cannot leave their node.
    fn of(own: &OwnDefinition) -> Option<Described> {
        let definition = own.get().ok()?;
        let (name, version) = (definition.name.to_string(), definition.version);
        Some(Described { name, version, shape: definition.shape.to_vec() })
    }

    fn shape(&self) -> Option<Shape> {
        Shape::decode(&self.shape).ok()
    }
}

impl Inspection {
    /// Returns the names of the functions that the node exports, as many as fit into an answer.
    pub fn functions(&self) -> RemoteCall<Vec<String>> {
        self.ask(Functions {})
    }

    /// Returns a function that the node exports, or `None` if it does not, or its types are too large. Cancel-safe.
    ///
    /// # Errors
    /// Those of each question.
    pub async fn function(&self, name: &str) -> Result<Option<Callable>, CallError> {
        let found = self.ask(OneFunction { name: name.to_owned() }).await?;
        Ok(found.and_then(|(args, answer)| {
            let (shape, answer) = (args.shape()?, answer.shape()?);
            let ShapeNode::Struct(fields) = shape.node(0) else { return None };
            let fields = fields.clone();
            let kind = Kind::Function { args: args.shape, answer };
            Some(Callable { name: name.to_owned(), shape, fields, kind })
        }))
    }

    /// Returns the messages that a process can receive from other nodes, by its registered name. Without such a process
    /// the list is empty. Cancel-safe.
    ///
    /// # Errors
    /// Those of each question.
    pub async fn messages(&self, process: &str) -> Result<Vec<Callable>, CallError> {
        let found = self.ask(ProtocolOf { process: process.to_owned() }).await?;
        let Some((shape, found)) = found.and_then(|found| Some((found.shape()?, found))) else { return Ok(Vec::new()) };
        let ShapeNode::Enum(variants) = shape.node(0) else { return Ok(Vec::new()) };
        let process = Arc::<str>::from(process);
        let protocol = Arc::new(OwnProtocol { name: found.name, version: found.version });
        let callable = |variant: &Field| {
            // Others are not for other nodes.
            let ShapeNode::Struct(fields) = shape.node(variant.node) else { return None };
            let answer = |field: &Field| match shape.node(field.node) {
                ShapeNode::Reply(answer) => Some(*answer),
                _ => None,
            };
            let answers: Vec<_> = fields.iter().filter_map(answer).collect();
            let (process, protocol) = (Arc::clone(&process), Arc::clone(&protocol));
            let kind = Kind::Message { process, protocol, node: variant.node, answer: answers.first().copied() };
            let (name, fields) = (variant.name.to_string(), fields.clone());
            (answers.len() <= 1).then(|| Callable { name, shape: shape.clone(), fields, kind })
        };
        Ok(variants.iter().filter_map(callable).collect())
    }

    /// Calls a function or sends a message. `args` is a list of the arguments, or an object by their names. Returns the
    /// answer, or `None` for a message without one. Not cancel-safe: a function is ended, and a message stays sent.
    ///
    /// This node needs the right [`Call`](crate::Right::Call) there for a function, and [`Names`](crate::Right::Names) for a
    /// message. A call of a process on the own node fails with
    /// [`NoConnection`](crate::CallErrorKind::NoConnection).
    ///
    /// ```
    /// # use greenroom::{Value, prelude::*};
    /// # async fn order(node: &Node) -> greenroom::Result {
    /// let shop = node.inspect("shop@gollum");
    /// for message in shop.messages("desk").await? {
    ///     println!("{message}");
    ///     if message.name() == "Order" {
    ///         let args = Value::List(vec![Value::Text("soup".into()), Value::Integer(2)]);
    ///         println!("{:?}", shop.call(&message, args).await?);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// - [`CallableError::Arguments`]: the arguments have other types, are too many, or have more than a megabyte.
    /// - [`CallableError::Failed`] with the errors of a [`RemoteCall`] or a [`Call`](crate::Call).
    /// - [`CallableError::Answer`]: the type of the answer is not known.
    pub async fn call(&self, callable: &Callable, args: Value) -> Result<Option<Value>, CallableError> {
        let fields = callable.write(args).map_err(CallableError::Arguments)?;
        let failed = |error: CallErrorKind| CallableError::Failed(error.into());
        let at = NodeName::new(&*self.at).map_err(|_| failed(CallErrorKind::NoConnection))?;
        let call = match &callable.kind {
            Kind::Function { args, .. } => {
                let value = fields.into_iter().flatten().flatten().collect();
                let args = Untyped { shape: args.clone(), value };
                Some(call_untyped(&self.node, &at, &callable.name, args, CALL))
            }
            Kind::Message { process, protocol, node, .. } => {
                let shape = only_variant(&callable.shape, &callable.name, *node).encode();
                let protocol = OwnDefinition::foreign(&protocol.name, protocol.version, shape);
                let message = UntypedMessage { protocol: &protocol, fields };
                send_untyped(&self.node, (process, &at), message, CALL).map_err(failed)?
            }
        };
        let Some(call) = call else { return Ok(None) };
        let answer = call.await.map_err(CallableError::Failed)?;
        let shape = Shape::decode(&answer.shape).map_err(|reason| CallableError::Answer(ValueError::new(reason)))?;
        shape.read(0, &answer.value).map(Some).map_err(CallableError::Answer)
    }
}

/// Returns the shape of a protocol with one of its variants. It is never that of the receiver's protocol, since it has a
/// variant of no name: so the receiver resolves the message, and sends the shape of its answer.
fn only_variant(shape: &Shape, name: &str, node: NodeIndex) -> Shape {
    let mut nodes = shape.nodes.clone();
    let (root, unit) = (nodes.len() as NodeIndex, nodes.len() as NodeIndex + 1);
    let variant = |name: &str, node| Field { name: name.into(), aliases: Vec::new(), node };
    nodes.push(ShapeNode::Enum(vec![variant(name, node), variant("", unit)]));
    nodes.push(ShapeNode::Unit);
    Shape::canonical(&nodes, root)
}
