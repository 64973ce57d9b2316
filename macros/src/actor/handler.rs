//! One method of an actor's impl: which hook it carries, and what its parameters mean.

use std::time::Duration;

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, FnArg, GenericParam, ImplItemFn, Pat, PatType, Receiver, ReceiverKind, ReturnType, Signature, Type,
    Visibility,
};

use crate::diag::{Errors, Mark};
use crate::names;
use crate::syntax::duration::Time;
use crate::syntax::text::source_text;
use crate::syntax::unsendable::{Unsendable, sendable};
use crate::syntax::{attr, options, self_type, types};

/// The attributes that make a method a handler or a hook.
pub(super) const HOOKS: &[&str] =
    &["cast", "call", "init", "continue_with", "every", "idle", "terminate", "down", "exit", "node_event"];

/// A method that the actor's loop calls.
pub(super) struct Handler {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) docs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) method: Ident,
    pub(super) is_async: bool,
    pub(super) params: Vec<Param>,
    pub(super) hook: Hook,
    /// Whether its message goes before all others.
    pub(super) priority: Option<Attribute>,
    pub(super) redact: Option<Attribute>,
    /// What it returns, if that can be named.
    pub(super) output: Option<Type>,
    /// Whether it broke a rule: then nothing calls the method, and its stub takes this many parts of any type.
    pub(super) broken: Option<usize>,
}

/// When a method is called.
pub(super) enum Hook {
    Cast {
        variant: Ident,
    },
    /// `later` if it takes the `Reply` and answers when it likes.
    Call {
        variant: Ident,
        answer: Type,
        later: bool,
    },
    /// A system message, which comes by this variant.
    Event {
        variant: Ident,
        kind: Event,
    },
    Init,
    /// Right after `Init`, before any message.
    Continue,
    /// Again and again, after each such span of time.
    Every(Time),
    /// When no message has come for so long.
    Idle(Time),
    Terminate {
        after_panic: bool,
    },
}

/// The system messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Down,
    Exit,
    Node,
}

/// What a parameter is given.
pub(super) enum Param {
    /// The process's context, of the type that stands there.
    Context { at: Span },
    /// The `Reply` of a call.
    Reply,
    /// A part of the message.
    Field { name: Ident, ty: Type, redact: Option<Attribute> },
    /// The system message.
    Event,
    /// Why the process ends; by reference or owned.
    Reason { owned: bool },
}

impl Event {
    /// The type of the message, as generated code names it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Event::Down => "Down",
            Event::Exit => "ExitSignal",
            Event::Node => "NodeEvent",
        }
    }

    fn variant(self) -> &'static str {
        match self {
            Event::Down => "Down",
            Event::Exit => "Exit",
            Event::Node => "Node",
        }
    }
}

impl Handler {
    /// Reads a method, and takes our attributes off it. `None` if it is a plain one.
    pub(super) fn read(method: &mut ImplItemFn, actor: &Type, local: bool, errors: &mut Errors) -> Option<Handler> {
        let mut marks: Vec<(Attribute, &str)> = Vec::new();
        for hook in HOOKS {
            while let Some(attr) = attr::take(&mut method.attrs, hook) {
                marks.push((attr, *hook));
            }
        }
        if marks.len() > 1 && matches!(method.sig.output, ReturnType::Type(..)) {
            // What answers is meant to be a call.
            marks.sort_by_key(|(_, word)| *word != "call");
        }
        let priority = attr::take(&mut method.attrs, "priority");
        while let Some(again) = attr::take(&mut method.attrs, "priority") {
            errors.push(again, "`#[priority]` is written twice");
        }
        if let Some(priority) = &priority {
            attr::expect_no_arguments(priority, errors);
            if !marks.iter().any(|(_, word)| matches!(*word, "cast" | "call")) {
                errors.push(priority, "`#[priority]` is about a message: it goes with `#[cast]` or `#[call]`");
            }
        }
        let redact = attr::take(&mut method.attrs, "redact");
        if let Some(redact) =
            redact.as_ref().filter(|_| !marks.iter().any(|(_, word)| matches!(*word, "cast" | "call")))
        {
            errors.push(redact, "`#[redact]` is about a message: it goes with `#[cast]` or `#[call]`");
        }
        let mut marks = marks.into_iter();
        let (mark, word) = marks.next()?;
        for (other, second) in marks {
            errors.push(other, format!("a method is one thing: `#[{word}]` or `#[{second}]`, not both"));
        }
        if !matches!(word, "terminate" | "every" | "idle") {
            attr::expect_no_arguments(&mark, errors);
        }
        let sig = &method.sig;
        let fine = errors.mark();
        check_signature(word, sig, errors);
        let params = if errors.since(fine) { Vec::new() } else { read_params(word, sig, (actor, local), errors) };
        let hook = read_hook(&mark, word, sig, &params, (actor, local), fine, errors);
        let broken = errors.since(fine).then(|| parts(sig, actor));
        let output = match &sig.output {
            ReturnType::Type(_, ty) if !matches!(**ty, Type::Never(_) | Type::ImplTrait(_)) => Some((**ty).clone()),
            _ => None,
        };
        let handler = Handler {
            cfgs: attr::cfgs(&method.attrs),
            docs: attr::docs(&method.attrs),
            vis: method.vis.clone(),
            method: sig.ident.clone(),
            is_async: sig.asyncness.is_some(),
            params: params.into_iter().map(|(param, _)| param).collect(),
            hook,
            priority,
            redact,
            output,
            broken,
        };
        for input in &mut method.sig.inputs {
            if let FnArg::Typed(typed) = input {
                typed.attrs.retain(|attr| !attr.path().is_ident("redact"));
            }
        }
        Some(handler)
    }

    /// The message that reaches this handler.
    pub(super) fn variant(&self) -> Option<&Ident> {
        match &self.hook {
            Hook::Cast { variant } | Hook::Call { variant, .. } | Hook::Event { variant, .. } => Some(variant),
            Hook::Init | Hook::Continue | Hook::Every(_) | Hook::Idle(_) | Hook::Terminate { .. } => None,
        }
    }

    /// The parts of the message.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&Ident, &Type)> {
        self.params.iter().filter_map(|param| match param {
            Param::Field { name, ty, .. } if self.broken.is_none() => Some((name, ty)),
            _ => None,
        })
    }

    /// For each part of the message its `#[redact]`.
    pub(super) fn redacts(&self) -> impl Iterator<Item = Option<&Attribute>> {
        self.params.iter().filter_map(|param| match param {
            Param::Field { redact, .. } if self.broken.is_none() => Some(redact.as_ref()),
            _ => None,
        })
    }

    /// The field that carries the reply: `reply`, unless a part of the message has that name.
    pub(super) fn reply_field(&self) -> Ident {
        let taken = self.fields().any(|(name, _)| name == "reply");
        let name = if taken { "reply_" } else { "reply" };
        Ident::new(name, self.method.span())
    }
}

/// How many parts the message of a broken handler has.
fn parts(sig: &Signature, actor: &Type) -> usize {
    let actor = source_text(actor);
    let is_part = |(index, input): (usize, &FnArg)| {
        let FnArg::Typed(typed) = input else { return false };
        let referent = referent(&typed.ty);
        let in_place_of_self = index == 0 && (types::is_named(referent, "Self") || source_text(referent) == actor);
        !in_place_of_self && !types::is_named(referent, "Context") && types::reply_type(referent).is_none()
    };
    sig.inputs.iter().enumerate().filter(|input| is_part(*input)).count()
}

fn referent(ty: &Type) -> &Type {
    match ty {
        Type::Reference(reference) => &reference.elem,
        owned => owned,
    }
}

/// `a #[cast]`, `an #[init]`: a hook with its article.
fn one(word: &str) -> String {
    let an = if word.starts_with(['e', 'i']) { "an" } else { "a" };
    format!("{an} `#[{word}]`")
}

/// Whether an attribute is meant to be one of ours and is misspelt, of which the compiler tells.
pub(super) fn misspells_a_hook(attr: &Attribute) -> bool {
    let Some(word) = attr.path().get_ident().map(ToString::to_string) else { return false };
    let mut letters: Vec<char> = word.chars().collect();
    letters.sort_unstable();
    HOOKS.iter().any(|hook| {
        let mut wanted: Vec<char> = hook.chars().collect();
        wanted.sort_unstable();
        let missing = wanted.iter().filter(|letter| !letters.contains(letter)).count();
        let surplus = letters.iter().filter(|letter| !wanted.contains(letter)).count();
        missing + surplus <= 1 && letters.len().abs_diff(wanted.len()) <= 1
    })
}

/// What no handler may be, whatever its hook.
fn check_signature(word: &str, sig: &Signature, errors: &mut Errors) {
    let by_reference = |receiver: &&Receiver| matches!(receiver.kind, ReceiverKind::Reference(..));
    match sig.receiver() {
        Some(receiver) if by_reference(&receiver) => {}
        Some(receiver) => {
            errors.push(receiver, format!("{} borrows its actor: `&mut self` or `&self`", one(word)));
        }
        None => {
            let made = if word == "init" { "; what makes the actor is a plain function" } else { "" };
            errors.push(
                &sig.ident,
                format!("{} is a method: its first parameter is `&mut self` or `&self`{made}", one(word)),
            );
        }
    }
    // Of a lifetime that something borrows for, that something is told.
    let borrows = |ty: &Type| matches!(Unsendable::find(ty, true), Some(Unsendable::Borrow(_)));
    let inputs = sig.inputs.iter().any(|input| matches!(input, FnArg::Typed(typed) if borrows(&typed.ty)));
    let told = word == "cast" && inputs
        || word == "call" && (inputs || matches!(&sig.output, ReturnType::Type(_, ty) if borrows(ty)));
    let untold = |param: &&GenericParam| !(told && matches!(param, GenericParam::Lifetime(_)));
    if let Some(param) = sig.generics.params.iter().find(untold) {
        let what = if matches!(word, "cast" | "call") { "a message" } else { "a hook" };
        errors.push(param, format!("{what} has no parameters of its own: put them on the impl, or name the type"));
    }
    if let Some(unsafety) = unsafety(sig) {
        errors.push(
            unsafety,
            format!("{} is called by the actor's loop, which upholds no contract: make it safe", one(word)),
        );
    }
}

fn unsafety(sig: &Signature) -> Option<syn::Token![unsafe]> {
    match &sig.safety {
        syn::Safety::Unsafe(token) => Some(*token),
        _ => None,
    }
}

fn read_params<'a>(
    word: &str,
    sig: &'a Signature,
    actor: (&Type, bool),
    errors: &mut Errors,
) -> Vec<(Param, &'a PatType)> {
    let mut params: Vec<(Param, &PatType)> = Vec::new();
    for input in &sig.inputs {
        let FnArg::Typed(typed) = input else { continue };
        let Some(param) = read_param(word, typed, actor, errors) else { continue };
        let twice = params.iter().any(|(other, _)| match (&param, other) {
            (Param::Field { .. }, _) => false,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        });
        if twice {
            let message = match param {
                Param::Reply => "`Reply` twice: a call has one answer".to_owned(),
                _ => format!("{} gets this once", one(word)),
            };
            errors.push(&typed.ty, message);
        }
        params.push((param, typed));
    }
    params
}

fn read_param(word: &str, typed: &PatType, actor: (&Type, bool), errors: &mut Errors) -> Option<Param> {
    let (referent, by_reference) = (referent(&typed.ty), matches!(*typed.ty, Type::Reference(_)));
    if types::is_named(referent, "Context") {
        if !by_reference {
            errors.push(&typed.ty, "the context is borrowed: `cx: &mut Context<Self>`");
        }
        return Some(Param::Context { at: typed.ty.span() });
    }
    match word {
        "init" | "continue_with" | "every" | "idle" => {
            errors.push(
                typed,
                format!(
                    "{} gets `&mut self` and `cx: &mut Context<Self>`; what it needs else is in the actor",
                    one(word)
                ),
            );
            None
        }
        "terminate" => {
            if types::is_named(referent, "Exit") {
                return Some(Param::Reason { owned: !by_reference });
            }
            errors.push(typed, "a `#[terminate]` gets `&mut self`, `cx: &mut Context<Self>` and `reason: &Exit`");
            None
        }
        "down" | "exit" | "node_event" => {
            let expected = event(word).word();
            if types::is_named(&typed.ty, expected) {
                return Some(Param::Event);
            }
            let name = word.trim_start_matches("node_");
            errors.push(
                typed,
                format!("{} gets `&mut self`, `cx: &mut Context<Self>` and `{name}: {expected}`", one(word)),
            );
            None
        }
        _ => read_field(word, typed, actor, errors),
    }
}

fn read_field(word: &str, typed: &PatType, (actor, local): (&Type, bool), errors: &mut Errors) -> Option<Param> {
    if types::reply_type(&typed.ty).is_some() {
        if word == "call" {
            return Some(Param::Reply);
        }
        errors.push(&typed.ty, "a message with a `Reply` is a call: write `#[call]`");
        return None;
    }
    if let Type::ImplTrait(ty) = &*typed.ty {
        errors.push(ty, "a part of a message needs a type of its own, not `impl Trait`");
        return None;
    }
    if let Some(unfit) = Unsendable::find(&typed.ty, local) {
        errors.push(&unfit, format!("a message owns its parts: {}", unfit.advice()));
        return None;
    }
    let Pat::Ident(pattern) = &*typed.pat else {
        errors.push(&typed.pat, "a part of a message needs a name: take it apart in the body");
        return None;
    };
    let mut ty = (*typed.ty).clone();
    self_type::replace_self(&mut ty, actor);
    let redact = typed.attrs.iter().find(|attr| attr.path().is_ident("redact")).cloned();
    Some(Param::Field { name: field_name(&pattern.ident), ty, redact })
}

/// A parameter that the body does not use yet, `_n`, is `n` to its senders.
fn field_name(param: &Ident) -> Ident {
    let word = param.unraw().to_string();
    let bare = word.trim_start_matches('_');
    if bare.len() == word.len() {
        return param.clone();
    }
    syn::parse_str::<Ident>(bare).map_or_else(|_| param.clone(), |name| Ident::new(&name.to_string(), param.span()))
}

fn event(word: &str) -> Event {
    match word {
        "down" => Event::Down,
        "exit" => Event::Exit,
        _ => Event::Node,
    }
}

fn read_hook(
    mark: &Attribute,
    word: &str,
    sig: &Signature,
    params: &[(Param, &PatType)],
    actor: (&Type, bool),
    fine: Mark,
    errors: &mut Errors,
) -> Hook {
    match word {
        "init" => Hook::Init,
        "continue_with" => Hook::Continue,
        "every" => Hook::Every(time(mark, "#[every(\"30s\")]", errors)),
        "idle" => Hook::Idle(time(mark, "#[idle(\"60s\")]", errors)),
        "terminate" => Hook::Terminate { after_panic: after_panic(mark, errors) },
        "cast" => Hook::Cast { variant: names::variant(&sig.ident) },
        "call" => read_call(sig, actor, errors),
        _ => {
            let kind = event(word);
            if !errors.since(fine) && !params.iter().any(|(param, _)| matches!(param, Param::Event)) {
                let expected = kind.word();
                errors.push(&sig.ident, format!("{} gets a `{expected}`: add the parameter", one(word)));
            }
            Hook::Event { variant: Ident::new(kind.variant(), sig.ident.span()), kind }
        }
    }
}

/// The span of time in parentheses.
fn time(mark: &Attribute, example: &str, errors: &mut Errors) -> Time {
    let instead = Time { duration: Duration::from_secs(1), span: mark.span() };
    let fine = errors.mark();
    let arguments = attr::arguments(mark, errors);
    if errors.since(fine) {
        return instead;
    }
    if arguments.is_empty() {
        errors.push(mark, format!("how long? Write `{example}`"));
        return instead;
    }
    match errors.keep(syn::parse2::<Time>(arguments)) {
        Some(time) if time.duration.is_zero() => {
            errors.add(syn::Error::new(time.span, "no time at all: expected more than zero"));
            instead
        }
        Some(time) => time,
        None => instead,
    }
}

fn after_panic(mark: &Attribute, errors: &mut Errors) -> bool {
    let mut found = false;
    let arguments = attr::arguments(mark, errors);
    options::parse("#[terminate]", arguments, &["after_panic"], errors, |name, input| {
        found = options::flag(name, input)?;
        Ok(())
    });
    found
}

fn read_call(sig: &Signature, (actor, local): (&Type, bool), errors: &mut Errors) -> Hook {
    let reply = sig.inputs.iter().find_map(|input| match input {
        FnArg::Typed(typed) => types::reply_type(&typed.ty),
        FnArg::Receiver(_) => None,
    });
    let mut answer: Type = match (reply, &sig.output) {
        (Some(answer), output) => {
            if let ReturnType::Type(_, ty) = output {
                errors.push(ty, "a call answers once: return the answer, or take a `Reply` and send it");
            }
            answer.clone()
        }
        (None, ReturnType::Type(_, ty)) => (**ty).clone(),
        (None, ReturnType::Default) => syn::parse_quote!(()),
    };
    if let Type::ImplTrait(ty) = &answer {
        errors.push(ty, "an answer needs a type of its own, not `impl Trait`");
        answer = syn::parse_quote!(());
    } else if let Some(unfit) = Unsendable::find(&answer, local) {
        errors.push(&unfit, format!("an answer leaves the actor: {}", unfit.advice()));
        answer = sendable(answer);
    }
    self_type::replace_self(&mut answer, actor);
    Hook::Call { variant: names::variant(&sig.ident), answer, later: reply.is_some() }
}
