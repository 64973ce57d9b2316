//! The rules that need the impl as a whole, or the items beside it.

use syn::{ItemImpl, parse_quote};

use super::model::Model;
use crate::diag::Errors;
use crate::names;
use crate::sibling_items::{self, Conflict};
use crate::syntax::visibility;

/// Adds an error for every rule that the impl breaks, and corrects the model.
pub(super) fn check(model: &mut Model, block: &ItemImpl, errors: &mut Errors) {
    if model.only_constructs {
        return;
    }
    check_visibility(model, block, errors);
    check_conflict(model, block, errors);
    // If the struct has no `#[actor]`, rustc reports that at the impl. The type of the stub's casts, which depends on it,
    // would be a second error.
    if !sibling_items::actor_is_undeclared(block, &model.actor) {
        model.protocol.actor_type = Some(model.self_ty.clone());
    }
    check_names(model, block, errors);
    if model.conflict.is_none() && !model.handlers.is_empty() {
        crate::protocol::check(&mut model.protocol, errors);
    }
}

/// The messages of a public actor are public.
fn check_visibility(model: &mut Model, block: &ItemImpl, errors: &mut Errors) {
    let public = parse_quote!(pub);
    let actor = &model.actor;
    if visibility::reach(&model.messages.vis) < visibility::reach(&public)
        && sibling_items::actor_is_public(block, actor)
    {
        errors.push_help(
            &block.self_ty,
            format!("`{actor}` is `pub`, but its messages are not"),
            "write `pub fn` for the messages that other modules may send",
        );
        model.messages.vis = public.clone();
        model.protocol.vis = public;
        // One error is enough: calls from other modules compile.
        for variant in &mut model.protocol.variants {
            variant.vis = None;
        }
    }
}

/// The names of the stub and of the messages are free.
fn check_names(model: &mut Model, block: &ItemImpl, errors: &mut Errors) {
    let (stub, messages) = (&model.protocol.stub, &model.messages.ident);
    let Some(taken) = sibling_items::name_beside_impl(block, &model.actor, &[stub, messages]) else { return };
    let (part, pattern) = if taken == stub { ("stub", "ARef") } else { ("enum of messages", "AMessage") };
    errors.push_help(
        &block.self_ty,
        format!("`{taken}`, the name of this actor's {part}, is taken by another type"),
        format!("rename that type or the actor; the {part} of an actor `A` is `{pattern}`"),
    );
    // The rest of the program is checked with other names.
    model.protocol.stub = names::hidden(stub);
    model.messages.ident = names::hidden(messages);
    model.protocol.ident = model.messages.ident.clone();
}

/// An actor has one protocol.
fn check_conflict(model: &mut Model, block: &ItemImpl, errors: &mut Errors) {
    let actor = &model.actor;
    model.conflict = sibling_items::conflict(block, actor);
    match model.conflict {
        Some(Conflict::Impl) => errors.push_help(
            &block.self_ty,
            format!("duplicate `#[actor]` impl of `{actor}`"),
            "move these methods to the first one, or remove `#[actor]` if none of them handles a message",
        ),
        Some(Conflict::Protocol) => errors.push_help(
            &block.self_ty,
            format!("`{actor}` has two protocols: the struct's `protocol = ..`, and this impl"),
            "remove `protocol = ..` from the struct, or `#[actor]` from the impl",
        ),
        None => {}
    }
}
