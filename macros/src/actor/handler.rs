//! A method that the actor's message loop calls, and the attribute that states when.

use proc_macro2::{Ident, Span};
use syn::{Attribute, Type, Visibility};

use crate::syntax::duration::DurationLit;

/// The attributes that make a method a handler or a hook.
pub(super) const HOOKS: &[&str] = &[
    "cast",
    "call",
    "from",
    "init",
    "resumed",
    "continue_with",
    "every",
    "idle",
    "terminate",
    "down",
    "exit",
    "node_event",
];

/// A method that the actor's message loop calls.
pub(super) struct Handler {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) docs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) method: Ident,
    pub(super) is_async: bool,
    pub(super) params: Vec<Param>,
    pub(super) hook: Hook,
    pub(super) priority: Option<Attribute>,
    pub(super) private: Option<Attribute>,
    pub(super) redact: Option<Attribute>,
    /// The `#[serde]` attributes, which the variant has.
    pub(super) serde: Vec<Attribute>,
    /// The return type, unless it is `!` or `impl Trait`.
    pub(super) output: Option<Type>,
    /// Set after an error in the method: the loop does not call it, and the stub's method takes this many arguments of
    /// any type.
    pub(super) placeholder_args: Option<usize>,
}

/// When a method is called.
pub(super) enum Hook {
    /// For a message without an answer.
    Cast { variant: Ident },
    /// For a message with an answer. `later` is set if the method takes the `Reply`.
    Call { variant: Ident, answer: Type, later: bool },
    /// For an event: a value of a type of the user's own.
    Event { variant: Ident, event: Type },
    /// For a message from the runtime.
    System { variant: Ident, message: SystemMessage },
    /// Before the first message.
    Init,
    /// Before the first message, in place of `Init` and `Continue`: the state was handed over.
    Resumed,
    /// After `Init`, before the first message.
    Continue,
    /// After every such time span.
    Every(DurationLit),
    /// After such a time span without a message.
    Idle(DurationLit),
    /// When the process ends.
    Terminate { after_panic: bool },
}

/// The messages from the runtime that have a hook.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SystemMessage {
    Down,
    ExitSignal,
    NodeEvent,
}

/// The argument that the loop passes for a parameter.
pub(super) enum Param {
    /// The process's context. The span is that of the parameter's type.
    Context { span: Span },
    /// The `Reply` of a call.
    Reply,
    /// A field of the message.
    Field(FieldParam),
    /// The event, or the message from the runtime.
    Event,
    /// The exit reason.
    Reason { owned: bool },
}

/// A parameter that is a field of the message.
pub(super) struct FieldParam {
    /// The attributes that the field of the generated variant has too: `#[cfg]`, `#[redact]`, `#[serde]`,
    /// `#[default]`, lint levels.
    pub(super) attrs: Vec<Attribute>,
    pub(super) name: Ident,
    pub(super) ty: Type,
}

impl SystemMessage {
    /// Returns the message of a hook's attribute.
    pub(super) fn of_hook(hook: &str) -> SystemMessage {
        match hook {
            "down" => SystemMessage::Down,
            "exit" => SystemMessage::ExitSignal,
            _ => SystemMessage::NodeEvent,
        }
    }

    /// Returns the name of the type.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            SystemMessage::Down => "Down",
            SystemMessage::ExitSignal => "ExitSignal",
            SystemMessage::NodeEvent => "NodeEvent",
        }
    }

    /// Returns the name of the variant.
    pub(super) fn variant_name(self) -> &'static str {
        match self {
            SystemMessage::Down => "Down",
            SystemMessage::ExitSignal => "Exit",
            SystemMessage::NodeEvent => "Node",
        }
    }
}

impl Handler {
    /// Returns the variant of the message that the method handles.
    pub(super) fn variant(&self) -> Option<&Ident> {
        match &self.hook {
            Hook::Cast { variant }
            | Hook::Call { variant, .. }
            | Hook::Event { variant, .. }
            | Hook::System { variant, .. } => Some(variant),
            Hook::Init | Hook::Resumed | Hook::Continue | Hook::Every(_) | Hook::Idle(_) | Hook::Terminate { .. } => {
                None
            }
        }
    }

    /// Returns the fields of the message.
    pub(super) fn fields(&self) -> impl Iterator<Item = &FieldParam> {
        self.params.iter().filter_map(|param| match param {
            Param::Field(field) if self.placeholder_args.is_none() => Some(field),
            _ => None,
        })
    }

    /// Returns the name of the field with the `Reply`: `reply`, unless a parameter has that name.
    pub(super) fn reply_field(&self) -> Ident {
        let taken = self.fields().any(|field| field.name == "reply");
        let name = if taken { "reply_" } else { "reply" };
        Ident::new(name, self.method.span())
    }
}
