//! The rules about options that cannot be combined, and about attributes above `#[supervisor]`.

use proc_macro2::{Ident, Span};
use syn::ItemStruct;

use super::model::{Child, Model};
use super::options::{ChildKind, TreeOptions};
use crate::diag::{self, Errors};
use crate::sibling_items;
use crate::syntax::text::source_text;

/// Adds an error for every rule that the options break.
pub(super) fn check(model: &Model, errors: &mut Errors) {
    for child in &model.children {
        check_limit(child, errors);
        check_dynamic(child, errors);
        check_significant(child, &model.options, errors);
        check_temporary(child, errors);
        check_on(child, errors);
    }
    if model.options.auto_shutdown.is_some() && !model.children.iter().any(|child| child.options.significant) {
        errors.push_help(
            &model.ident,
            "`auto_shutdown` needs a child that is `significant`",
            "write `#[child(restart = transient, significant)]`",
        );
    }
}

/// Reports a derive above the `#[supervisor]` of this struct, and returns true if there is one.
pub(super) fn reject_derive_above(item: &ItemStruct, errors: &mut Errors) -> bool {
    let Some(derive) = sibling_items::derive_above(item) else { return false };
    errors.add(diag::error(
        Span::call_site(),
        format!("`{}` must be below `#[supervisor]`", source_text(derive)),
        "move it below: a derive above still sees the `#[child]` fields, which `#[supervisor]` removes",
    ));
    true
}

impl Child {
    /// Returns the option's name where it is written.
    fn option(&self, word: &str) -> Option<&Ident> {
        self.options.written.iter().find(|name| *name == word)
    }
}

fn check_dynamic(child: &Child, errors: &mut Errors) {
    if child.options.kind != ChildKind::Dynamic {
        return;
    }
    if let Some(start) = child.option("start") {
        let help = format!("remove it; such children are started by `tree.{}().start_child(..)`", child.name);
        errors.push_help(start, "`start` cannot be used on a dynamic child", help);
    }
    if let Some(significant) = child.option("significant") {
        errors.push(significant, "`significant` cannot be used on a dynamic child");
    }
}

fn check_limit(child: &Child, errors: &mut Errors) {
    if child.options.kind == ChildKind::Dynamic {
        return;
    }
    for word in ["intensity", "period"] {
        if let Some(name) = child.option(word) {
            errors.push_help(
                name,
                format!("`{word}` can be used on a dynamic child only"),
                "move it to `#[supervisor(..)]`, or add `dynamic`",
            );
        }
    }
}

fn check_on(child: &Child, errors: &mut Errors) {
    if let Some(on) = child.option("on").filter(|_| child.options.kind == ChildKind::Supervisor) {
        errors.push_help(
            on,
            "`on` cannot be used on a nested supervisor",
            "write `on` on the children of the nested tree: each can run on another node",
        );
    }
}

fn check_significant(child: &Child, tree: &TreeOptions, errors: &mut Errors) {
    let Some(significant) = child.option("significant").filter(|_| child.options.kind != ChildKind::Dynamic) else {
        return;
    };
    if matches!(child.options.restart, None | Some("Permanent")) {
        errors.push_help(
            significant,
            "a permanent child cannot be `significant`",
            "add `restart = transient` or `restart = temporary`; a permanent child is always restarted",
        );
    } else if tree.auto_shutdown.is_none() {
        errors.push_help(
            significant,
            "`significant` needs `auto_shutdown`",
            "write `auto_shutdown = any` or `auto_shutdown = all` in `#[supervisor(..)]`",
        );
    }
}

fn check_temporary(child: &Child, errors: &mut Errors) {
    for word in ["backoff", "while_down"] {
        if let Some(name) = child.option(word).filter(|_| child.options.restart == Some("Temporary")) {
            errors.push_help(
                name,
                format!("`{word}` cannot be used on a temporary child"),
                "remove it; a temporary child is not restarted",
            );
        }
    }
}
