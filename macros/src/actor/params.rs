//! The parameters of a method, by type and position: the context, the reply, or a field of the message.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Pat, PatType, Signature, Type};

use super::handler::{FieldParam, Param, SystemMessage};
use crate::diag::Errors;
use crate::syntax::text::source_text;
use crate::syntax::types::without_reference;
use crate::syntax::unsendable::Unsendable;
use crate::syntax::{attr, self_type, types};

/// The actor's type, and whether its protocol is local.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) self_ty: &'a Type,
    pub(super) local: bool,
}

/// Parses the parameters. `hook` is the name of the method's attribute.
pub(super) fn parse_params(hook: &str, sig: &Signature, owner: Owner<'_>, errors: &mut Errors) -> Vec<Param> {
    let mut params: Vec<Param> = Vec::new();
    for input in &sig.inputs {
        let FnArg::Typed(typed) = input else { continue };
        let Some(param) = parse_param(hook, typed, owner, errors) else { continue };
        if let (false, Some(cfg)) = (matches!(param, Param::Field(_)), attr::cfgs(&typed.attrs).first()) {
            errors.push_help(
                cfg,
                "`#[cfg]` cannot be used on this parameter",
                "move it to the method; only a part of the message can depend on a feature",
            );
        }
        let is_duplicate = params.iter().any(|other| match (&param, other) {
            (Param::Field(_), _) => false,
            (param, other) => std::mem::discriminant(param) == std::mem::discriminant(other),
        });
        if is_duplicate {
            let message = match param {
                Param::Reply => "a call can have only one `Reply`".to_owned(),
                Param::Event if hook == "from" => "a `#[from]` method handles one event".to_owned(),
                _ => format!("duplicate parameter of type `{}`", source_text(&typed.ty)),
            };
            errors.push(&typed.ty, message);
        }
        params.push(param);
    }
    params
}

/// Returns the number of message fields in the signature of a method with an error.
pub(super) fn count_fields(sig: &Signature, self_ty: &Type) -> usize {
    let self_text = source_text(self_ty);
    let is_field = |(index, input): (usize, &FnArg)| {
        let FnArg::Typed(typed) = input else { return false };
        let ty = without_reference(&typed.ty);
        let is_actor = index == 0 && (types::is_named(ty, "Self") || source_text(ty) == self_text);
        !is_actor && !types::is_named(ty, "Context") && types::reply_type(ty).is_none()
    };
    sig.inputs.iter().enumerate().filter(|input| is_field(*input)).count()
}

/// Returns the attribute's name with its article: "a `#[cast]`", "an `#[init]`".
pub(super) fn with_article(hook: &str) -> String {
    let article = if hook.starts_with(['e', 'i']) { "an" } else { "a" };
    format!("{article} `#[{hook}]`")
}

fn parse_param(hook: &str, typed: &PatType, owner: Owner<'_>, errors: &mut Errors) -> Option<Param> {
    let (ty, by_reference) = (without_reference(&typed.ty), matches!(*typed.ty, Type::Reference(_)));
    if types::is_named(ty, "Context") {
        if !by_reference {
            errors.push_help(&typed.ty, "the context is passed by reference", "write `cx: &mut Context<Self>`");
        }
        return Some(Param::Context { span: typed.ty.span() });
    }
    match hook {
        "init" | "resumed" | "continue_with" | "every" | "idle" => {
            errors.push_help(
                typed,
                format!(
                    "{} method can have only the parameters `&mut self` and `cx: &mut Context<Self>`",
                    with_article(hook)
                ),
                "store other values in the actor",
            );
            None
        }
        "from" => {
            let is_value = check_value(&typed.ty, ("an event", "be"), owner.local, errors);
            is_value.then_some(Param::Event)
        }
        "terminate" => {
            if types::is_named(ty, "Exit") {
                return Some(Param::Reason { owned: !by_reference });
            }
            errors.push(
                typed,
                "a `#[terminate]` method can have only the parameters `&mut self`, `cx: &mut Context<Self>` and `reason: &Exit`",
            );
            None
        }
        "down" | "exit" | "node_event" => {
            let expected = SystemMessage::of_hook(hook).type_name();
            if types::is_named(&typed.ty, expected) {
                return Some(Param::Event);
            }
            let name = hook.trim_start_matches("node_");
            errors.push(
                typed,
                format!(
                    "{} method can have only the parameters `&mut self`, `cx: &mut Context<Self>` and `{name}: {expected}`",
                    with_article(hook)
                ),
            );
            None
        }
        _ => parse_field(hook, typed, owner, errors),
    }
}

fn parse_field(hook: &str, typed: &PatType, owner: Owner<'_>, errors: &mut Errors) -> Option<Param> {
    if types::reply_type(&typed.ty).is_some() {
        if hook == "call" {
            return Some(Param::Reply);
        }
        errors.push_help(&typed.ty, "a `#[cast]` method cannot have a `Reply`", "write `#[call]` instead");
        return None;
    }
    if !check_value(&typed.ty, ("a message", "contain"), owner.local, errors) {
        return None;
    }
    let Pat::Ident(pattern) = &*typed.pat else {
        errors.push_help(
            &typed.pat,
            "expected a name for the parameter, found a pattern",
            "take the value apart in the body of the method",
        );
        return None;
    };
    let mut ty = (*typed.ty).clone();
    self_type::replace_self(&mut ty, owner.self_ty);
    let attrs = typed.attrs.iter().filter(|attr| is_of_field(attr)).cloned().collect();
    Some(Param::Field(FieldParam { attrs, name: field_name(&pattern.ident), ty }))
}

/// Reports a type that a value which another process receives cannot have, and returns false for it. `part` is the value
/// and the verb of its part in the error, for instance "a message" and "contain".
pub(super) fn check_value(ty: &Type, part: (&str, &str), local: bool, errors: &mut Errors) -> bool {
    let (owner, verb) = part;
    if let Type::ImplTrait(ty) = ty {
        errors.push_help(ty, format!("{owner} cannot {verb} `impl Trait`"), "use a concrete type");
        return false;
    }
    if let Some(unsendable) = Unsendable::find(ty, local) {
        unsendable.report(owner, errors);
        return false;
    }
    true
}

/// Returns whether the field of the generated variant has this attribute of its parameter too.
fn is_of_field(attr: &Attribute) -> bool {
    ["cfg", "redact", "serde", "default", "allow", "expect"].iter().any(|name| attr::is(attr, name))
}

/// Returns the parameter's name without leading underscores: the stub's method has no unused parameters.
fn field_name(param: &Ident) -> Ident {
    let name = param.unraw().to_string();
    let bare = name.trim_start_matches('_');
    if bare.len() == name.len() {
        return param.clone();
    }
    syn::parse_str::<Ident>(bare).map_or_else(|_| param.clone(), |name| Ident::new(&name.to_string(), param.span()))
}
