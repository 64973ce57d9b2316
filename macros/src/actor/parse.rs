//! Parsing of a method: its hook, its signature and its parameters.

use std::time::Duration;

use proc_macro2::Ident;
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, GenericParam, ImplItemFn, Receiver, ReceiverKind, ReturnType, Signature, Type};

use super::handler::{HOOKS, Handler, Hook, Param, SystemMessage};
use super::params::{Owner, count_fields, parse_params, with_article};
use crate::diag::Errors;
use crate::names;
use crate::syntax::duration::DurationLit;
use crate::syntax::types::without_reference;
use crate::syntax::unsendable::{Unsendable, sendable};
use crate::syntax::{attr, options, self_type, types};

impl Handler {
    /// Parses a method, and removes greenroom's attributes from it. Returns `None` for a method without a hook.
    pub(super) fn parse(method: &mut ImplItemFn, owner: Owner<'_>, errors: &mut Errors) -> Option<Handler> {
        let hooks = take_hooks(method);
        let is_message = hooks.iter().any(|(_, hook)| matches!(*hook, "cast" | "call" | "from"));
        let needs_message = "add `#[cast]` or `#[call]`, or remove it";
        let [priority, private] = ["priority", "private"].map(|name| {
            let attribute = attr::take_one(&mut method.attrs, name, errors)?;
            attr::expect_no_arguments(&attribute, errors);
            if !is_message {
                let text = format!("`#[{name}]` is valid only on a `#[cast]` or `#[call]`");
                errors.push_help(&attribute, text, needs_message);
            }
            Some(attribute)
        });
        let owner = Owner { local: owner.local || private.is_some(), ..owner };
        let redact = attr::take(&mut method.attrs, "redact");
        if let Some(redact) = redact.as_ref().filter(|_| !is_message) {
            errors.push_help(redact, "`#[redact]` is valid only on a `#[cast]` or `#[call]`", needs_message);
        }
        let serde = attr::take_serde(&mut method.attrs);
        if let Some(serde) = serde.first().filter(|_| !is_message) {
            errors.push_help(serde, "`#[serde]` is valid only on a `#[cast]` or `#[call]`", needs_message);
        }
        let mut hooks = hooks.into_iter();
        let (attribute, hook_name) = hooks.next()?;
        for (other, second) in hooks {
            errors.push(other, format!("a method cannot have both `#[{hook_name}]` and `#[{second}]`"));
        }
        if !matches!(hook_name, "terminate" | "every" | "idle") {
            attr::expect_no_arguments(&attribute, errors);
        }
        let sig = &method.sig;
        let before = errors.count();
        check_signature(hook_name, sig, errors);
        let params = if errors.count() > before { Vec::new() } else { parse_params(hook_name, sig, owner, errors) };
        let is_valid = errors.count() == before;
        let hook = parse_hook(&attribute, hook_name, (sig, &params, is_valid), owner, errors);
        let placeholder_args = (errors.count() > before).then(|| count_fields(sig, owner.self_ty));
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
            params,
            hook,
            priority,
            private,
            redact,
            serde,
            output,
            placeholder_args,
        };
        for input in &mut method.sig.inputs {
            if let FnArg::Typed(typed) = input {
                let of_message =
                    |attr: &Attribute| ["redact", "serde", "default"].iter().any(|name| attr::is(attr, name));
                typed.attrs.retain(|attr| !of_message(attr));
            }
        }
        Some(handler)
    }
}

fn take_hooks(method: &mut ImplItemFn) -> Vec<(Attribute, &'static str)> {
    let mut hooks: Vec<(Attribute, &str)> = Vec::new();
    for hook in HOOKS {
        while let Some(attr) = attr::take(&mut method.attrs, hook) {
            hooks.push((attr, *hook));
        }
    }
    if hooks.len() > 1 && matches!(method.sig.output, ReturnType::Type(..)) {
        // Of several hooks, a method that returns a value is most likely a call.
        hooks.sort_by_key(|(_, hook)| *hook != "call");
    }
    hooks
}

/// Returns true if the attribute is probably a misspelt hook. rustc reports it as unknown.
pub(super) fn is_misspelt_hook(attr: &Attribute) -> bool {
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

/// Checks the rules that hold for the methods of every hook.
fn check_signature(hook: &str, sig: &Signature, errors: &mut Errors) {
    let method = format!("{} method", with_article(hook));
    let by_reference = |receiver: &&Receiver| matches!(receiver.kind, ReceiverKind::Reference(..));
    match sig.receiver() {
        Some(receiver) if by_reference(&receiver) => {}
        Some(receiver) => {
            errors.push_help(
                receiver,
                format!("{method} cannot take the actor by value"),
                "write `&mut self` or `&self`",
            );
        }
        None => {
            let help = "write `&mut self` or `&self` as the first parameter";
            errors.push_help(&sig.ident, format!("{method} needs a `self` parameter"), help);
        }
    }
    // A reference in a message or an answer has an error of its own. The lifetime that it names gets no second one.
    let borrows = |ty: &Type| matches!(Unsendable::find(ty, true), Some(Unsendable::Reference(_)));
    let params_borrow = sig.inputs.iter().any(|input| matches!(input, FnArg::Typed(typed) if borrows(&typed.ty)));
    let answer_borrows = matches!(&sig.output, ReturnType::Type(_, ty) if borrows(ty));
    let reference_is_reported = match hook {
        "cast" => params_borrow,
        "call" => params_borrow || answer_borrows,
        _ => false,
    };
    let is_reported = |param: &GenericParam| reference_is_reported && matches!(param, GenericParam::Lifetime(_));
    if let Some(param) = sig.generics.params.iter().find(|param| !is_reported(param)) {
        errors.push_help(
            param,
            format!("{method} cannot be generic"),
            "move the parameter to the impl, or use a concrete type",
        );
    }
    if let syn::Safety::Unsafe(token) = &sig.safety {
        errors.push(
            token,
            format!("{method} cannot be `unsafe`: the generated message loop cannot uphold a safety contract"),
        );
    }
}

fn parse_hook(
    attribute: &Attribute,
    hook: &str,
    (sig, params, is_valid): (&Signature, &[Param], bool),
    owner: Owner<'_>,
    errors: &mut Errors,
) -> Hook {
    match hook {
        "init" => Hook::Init,
        "resumed" => Hook::Resumed,
        "continue_with" => Hook::Continue,
        "every" => Hook::Every(parse_time(attribute, "#[every(\"30s\")]", errors)),
        "idle" => Hook::Idle(parse_time(attribute, "#[idle(\"60s\")]", errors)),
        "terminate" => Hook::Terminate { after_panic: parse_after_panic(attribute, errors) },
        "cast" => Hook::Cast { variant: names::variant(&sig.ident) },
        "call" => parse_call(sig, owner, errors),
        "from" => parse_event(sig, is_valid, owner, errors),
        _ => {
            let message = SystemMessage::of_hook(hook);
            if is_valid && !params.iter().any(|param| matches!(param, Param::Event)) {
                let (expected, name) = (message.type_name(), hook.trim_start_matches("node_"));
                errors.push_help(
                    &sig.ident,
                    format!("{} method needs a parameter of type `{expected}`", with_article(hook)),
                    format!("add `{name}: {expected}`"),
                );
            }
            Hook::System { variant: Ident::new(message.variant_name(), sig.ident.span()), message }
        }
    }
}

/// Parses the duration in the attribute's parentheses.
fn parse_time(attribute: &Attribute, example: &str, errors: &mut Errors) -> DurationLit {
    let placeholder = DurationLit { duration: Duration::from_secs(1), span: attribute.span() };
    let before = errors.count();
    let arguments = attr::arguments(attribute, errors);
    if errors.count() > before {
        return placeholder;
    }
    if arguments.is_empty() {
        errors.push_help(attribute, "expected a duration", format!("write `{example}`"));
        return placeholder;
    }
    match errors.record(syn::parse2::<DurationLit>(arguments)) {
        Some(time) if time.duration.is_zero() => {
            errors.add(syn::Error::new(time.span, "expected a duration longer than zero"));
            placeholder
        }
        Some(time) => time,
        None => placeholder,
    }
}

fn parse_after_panic(attribute: &Attribute, errors: &mut Errors) -> bool {
    let mut after_panic = false;
    let arguments = attr::arguments(attribute, errors);
    options::parse("#[terminate]", arguments, &["after_panic"], errors, |name, input| {
        after_panic = options::flag(name, input)?;
        Ok(())
    });
    after_panic
}

/// Parses a method that handles an event: the type of its parameter.
fn parse_event(sig: &Signature, is_valid: bool, owner: Owner<'_>, errors: &mut Errors) -> Hook {
    let mut parameters = sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(&*typed.ty),
        FnArg::Receiver(_) => None,
    });
    let event = parameters.find(|ty| !types::is_named(without_reference(ty), "Context"));
    if event.is_none() && is_valid {
        errors.push_help(
            &sig.ident,
            "a `#[from]` method needs a parameter for the event",
            "add a parameter of the event's type, such as `price: Price`",
        );
    }
    let mut event = event.cloned().unwrap_or_else(|| syn::parse_quote!(()));
    self_type::replace_self(&mut event, owner.self_ty);
    Hook::Event { variant: names::variant(&sig.ident), event }
}

fn parse_call(sig: &Signature, owner: Owner<'_>, errors: &mut Errors) -> Hook {
    let by_parameter = sig.inputs.iter().find_map(|input| match input {
        FnArg::Typed(typed) => types::reply_type(&typed.ty),
        FnArg::Receiver(_) => None,
    });
    let mut answer: Type = match (by_parameter, &sig.output) {
        (Some(answer), output) => {
            if let ReturnType::Type(_, ty) = output {
                errors.push_help(
                    ty,
                    "a `#[call]` method cannot both return a value and take a `Reply`",
                    "return the answer, or take a `Reply` and send the answer through it",
                );
            }
            answer.clone()
        }
        (None, ReturnType::Type(_, ty)) => (**ty).clone(),
        (None, ReturnType::Default) => syn::parse_quote!(()),
    };
    if let Type::ImplTrait(ty) = &answer {
        errors.push_help(ty, "an answer cannot be `impl Trait`", "use a concrete type");
        answer = syn::parse_quote!(());
    } else if let Some(unsendable) = Unsendable::find(&answer, owner.local) {
        unsendable.report("an answer", errors);
        answer = sendable(answer);
    }
    self_type::replace_self(&mut answer, owner.self_ty);
    Hook::Call { variant: names::variant(&sig.ident), answer, later: by_parameter.is_some() }
}
