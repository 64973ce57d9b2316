//! A `receive!` block, resolved: its subject, its arms, and the timeout.

use proc_macro2::Ident;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Arm as SynArm, Attribute, Expr, ExprLit, ExprMatch, Lit, Macro, Pat, PatIdent, PatTupleStruct, Token, UnOp};

use super::NO_EXCLAMATION_MARK;
use super::alternatives::{LIMIT, alternatives, variants};
use super::guard::Guard;
use crate::diag::Errors;
use crate::syntax::attr;
use crate::syntax::text::source_text;

/// A `receive!` block.
pub(super) struct Model {
    /// The context or mailbox. It is a place expression, since the expansion evaluates it several times.
    pub(super) subject: Expr,
    pub(super) arms: Vec<Arm>,
    pub(super) after: Option<After>,
}

/// An arm that matches messages.
pub(super) struct Arm {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) attrs: Vec<Attribute>,
    /// With a guard the alternatives of the pattern, without one the pattern as it was written.
    pub(super) patterns: Vec<Pat>,
    /// The variants that the pattern may match, or `None` for all of them.
    pub(super) variants: Option<Vec<Ident>>,
    pub(super) guard: Option<Guard>,
    /// The bindings of the pattern that the guard uses.
    pub(super) used_by_guard: Vec<Ident>,
    pub(super) body: Expr,
}

/// The timeout: `after!(duration) => body`. A deadline is possible, too.
pub(super) struct After {
    pub(super) attrs: Vec<Attribute>,
    pub(super) duration: Expr,
    pub(super) body: Expr,
}

impl Model {
    /// Resolves the block. Parts with an error are left out.
    pub(super) fn parse(block: ExprMatch, errors: &mut Errors) -> Model {
        let subject = without_reference(*block.expr);
        if !is_place(&subject) {
            errors.push_help(
                &subject,
                "expected the context or a mailbox, such as `match cx`",
                "bind it to a variable before the `receive!`",
            );
        }
        let empty = block.arms.is_empty();
        if empty {
            errors.push_help(
                block.match_token,
                "a `receive!` without arms would never end",
                "add an arm, or `after!(duration) => ..`",
            );
        }
        let mut model = Model { subject: base_place(subject), arms: Vec::new(), after: None };
        let last = block.arms.iter().rposition(|arm| after(without_guard(&arm.pat)).is_none());
        for (index, arm) in block.arms.into_iter().enumerate() {
            model.parse_arm(arm, last.is_none_or(|last| index > last), errors);
        }
        model
    }

    fn parse_arm(&mut self, arm: SynArm, last: bool, errors: &mut Errors) {
        let (pattern, guard) = match arm.pat {
            Pat::Guard(guarded) => (*guarded.pat, Some((guarded.if_token, *guarded.guard))),
            pattern => (pattern, None),
        };
        if let Some(mac) = after(&pattern) {
            if let Some((token, _)) = guard {
                errors.push_help(
                    token,
                    "`after!` cannot have a guard",
                    "move the condition to its duration or its body",
                );
            }
            self.parse_after(mac, last, arm.attrs, *arm.body, errors);
            return;
        }
        if let Some(call) = after_without_mark(&pattern) {
            let help = format!("write `after!({})`", source_text(&call.elems));
            errors.push_help(&call.path, NO_EXCLAMATION_MARK, help);
            let (duration, body) = (syn::parse_quote!(::core::time::Duration::ZERO), *arm.body);
            self.after = Some(After { attrs: Vec::new(), duration, body });
            return;
        }
        if let Some(mac) = find_after(&pattern) {
            errors.push_help(&mac.path, "`after!` cannot be part of a pattern", "write it as an arm of its own");
            return;
        }
        let guard = guard.and_then(|(_, guard)| Guard::parse(guard, errors));
        // A path without its end names no variant yet.
        let variants = if matches!(pattern, Pat::Verbatim(_)) { Some(Vec::new()) } else { variants(&pattern) };
        let used_by_guard = guard.as_ref().map(|guard| guard.used(&bindings(&pattern))).unwrap_or_default();
        let patterns = match guard {
            None => vec![pattern],
            Some(_) => alternatives(&pattern).unwrap_or_else(|| {
                errors.push_help(
                    &pattern,
                    format!("an arm with a guard cannot have more than {LIMIT} alternatives"),
                    "split the arm",
                );
                vec![pattern]
            }),
        };
        let cfgs = attr::cfgs(&arm.attrs);
        let attrs = arm.attrs.into_iter().filter(|attr| !attr.path().is_ident("cfg")).collect();
        self.arms.push(Arm { cfgs, attrs, patterns, variants, guard, used_by_guard, body: *arm.body });
    }

    fn parse_after(&mut self, mac: &Macro, last: bool, attrs: Vec<Attribute>, body: Expr, errors: &mut Errors) {
        if self.after.is_some() {
            errors.push(&mac.path, "a `receive!` can have only one `after!`");
            return;
        }
        if !last {
            errors.push_help(&mac.path, "`after!` must be the last arm", "move it to the end");
        }
        if let Some(cfg) = attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
            errors.push_help(cfg, "`#[cfg]` cannot be used on `after!`", "use `#[cfg]` in its duration or its body");
        }
        let attrs = attrs.into_iter().filter(|attr| !attr.path().is_ident("cfg")).collect();
        let duration = if mac.tokens.is_empty() {
            errors.push_help(mac, "`after!` expects a duration", "write `after!(Duration::from_secs(1))`");
            None
        } else if has_several(mac) {
            errors.push_help(
                &mac.tokens,
                "`after!` expects one duration, found several expressions",
                "write `after!(Duration::from_secs(1))`",
            );
            None
        } else {
            errors.record(mac.parse_body::<Expr>()).filter(|duration| reject_literal(duration, errors))
        };
        let duration = duration.unwrap_or_else(|| syn::parse_quote!(::core::time::Duration::ZERO));
        self.after = Some(After { attrs, duration, body });
    }
}

impl Arm {
    /// Returns true if a message may match both arms. A single word is a variant, or a binding that matches any
    /// message.
    pub(super) fn shares_a_variant(&self, other: &Arm) -> bool {
        let any = |arm: &Arm| {
            arm.variants.is_none()
                || arm.patterns.iter().any(|pattern| matches!(pattern, Pat::Ident(ident) if ident.subpat.is_none()))
        };
        let names = |arm: &Arm| arm.variants.clone().unwrap_or_default();
        any(self) || any(other) || names(self).iter().any(|name| names(other).contains(name))
    }
}

/// Returns true if the macro has several arguments.
fn has_several(mac: &Macro) -> bool {
    let parsed = mac.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated);
    parsed.is_ok_and(|all| all.len() > 1)
}

/// Reports a literal, which cannot be a `Duration`, and returns false for it.
fn reject_literal(duration: &Expr, errors: &mut Errors) -> bool {
    let Expr::Lit(ExprLit { lit, .. }) = duration else { return true };
    let (found, example) = match lit {
        Lit::Int(number) => ("an integer", format!("after!(Duration::from_secs({}))", number.base10_digits())),
        Lit::Float(number) => ("a float", format!("after!(Duration::from_secs_f64({}))", number.base10_digits())),
        Lit::Str(_) => ("a string", "after!(Duration::from_secs(1))".to_owned()),
        _ => return true,
    };
    errors.push_help(lit, format!("expected a `Duration`, found {found}"), format!("write `{example}`"));
    false
}

/// Returns the pattern without its guard.
fn without_guard(pattern: &Pat) -> &Pat {
    match pattern {
        Pat::Guard(guarded) => &guarded.pat,
        pattern => pattern,
    }
}

/// Returns the `after!` that the pattern consists of.
fn after(pattern: &Pat) -> Option<&Macro> {
    match pattern {
        Pat::Macro(pattern) if attr::path_ends_with(&pattern.mac.path, "after") => Some(&pattern.mac),
        Pat::Paren(pattern) => after(&pattern.pat),
        _ => None,
    }
}

/// Returns an `after(..)` without `!`, which has the syntax of a variant.
fn after_without_mark(pattern: &Pat) -> Option<&PatTupleStruct> {
    match pattern {
        Pat::TupleStruct(tuple) if tuple.path.is_ident("after") => Some(tuple),
        _ => None,
    }
}

/// Returns an `after!` anywhere in the pattern.
fn find_after(pattern: &Pat) -> Option<&Macro> {
    struct Find<'a>(Option<&'a Macro>);
    impl<'ast> Visit<'ast> for Find<'ast> {
        fn visit_pat(&mut self, pattern: &'ast Pat) {
            self.0 = self.0.or_else(|| after(pattern));
            visit::visit_pat(self, pattern);
        }
        // Patterns in these are not part of this one.
        fn visit_block(&mut self, _: &'ast syn::Block) {}
        fn visit_expr(&mut self, _: &'ast Expr) {}
        fn visit_type(&mut self, _: &'ast syn::Type) {}
    }
    let mut find = Find(None);
    find.visit_pat(pattern);
    find.0
}

/// Returns the names that a pattern binds. Constants may be among them, which is harmless.
fn bindings(pattern: &Pat) -> Vec<Ident> {
    struct Bindings(Vec<Ident>);
    impl<'ast> Visit<'ast> for Bindings {
        fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
            if !self.0.contains(&pattern.ident) {
                self.0.push(pattern.ident.clone());
            }
            visit::visit_pat_ident(self, pattern);
        }
        // Patterns in these are not part of this one.
        fn visit_block(&mut self, _: &'ast syn::Block) {}
        fn visit_expr(&mut self, _: &'ast Expr) {}
        fn visit_type(&mut self, _: &'ast syn::Type) {}
    }
    let mut bindings = Bindings(Vec::new());
    bindings.visit_pat(pattern);
    bindings.0
}

/// Returns `cx` of `&mut cx`: the expansion borrows the subject itself.
fn without_reference(expr: Expr) -> Expr {
    match expr {
        Expr::Reference(reference) => without_reference(*reference.expr),
        other => other,
    }
}

/// Returns `cx` of `cx.receive().await`. After the error about that subject, the block is checked with `cx`.
fn base_place(expr: Expr) -> Expr {
    match expr {
        Expr::MethodCall(call) => base_place(*call.receiver),
        Expr::Await(wait) => base_place(*wait.base),
        Expr::Try(question) => base_place(*question.expr),
        other => other,
    }
}

/// Returns true if the expression can be evaluated several times: a variable, a field, or a reference to one.
fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) => true,
        Expr::Field(field) => is_place(&field.base),
        Expr::Paren(paren) => is_place(&paren.expr),
        Expr::Group(group) => is_place(&group.expr),
        Expr::Reference(reference) => is_place(&reference.expr),
        Expr::Unary(unary) => matches!(unary.op, UnOp::Deref(_)) && is_place(&unary.expr),
        _ => false,
    }
}
