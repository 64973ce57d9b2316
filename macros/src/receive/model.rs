//! A block's arms, resolved: what each waits for, and what stands in its way.

use proc_macro2::{Ident, Span};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Arm as SynArm, Attribute, Expr, ExprLit, ExprMatch, Lit, Macro, Pat, PatIdent, PatTupleStruct, Token, UnOp};

use super::alternatives::{alternatives, wanted};
use super::guard::Guard;
use crate::diag::Errors;
use crate::syntax::attr;
use crate::syntax::text::source_text;

/// The block.
pub(super) struct Model {
    /// The context or mailbox: a place, since it is named several times.
    pub(super) subject: Expr,
    pub(super) arms: Vec<Arm>,
    pub(super) after: Option<After>,
}

/// An arm that takes messages.
pub(super) struct Arm {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) attrs: Vec<Attribute>,
    /// With a guard one pattern for each way to match; without one the pattern as it was written.
    pub(super) patterns: Vec<Pat>,
    /// The variants that it may match; `None` for all of them.
    pub(super) wanted: Option<Vec<Ident>>,
    pub(super) guard: Option<Guard>,
    /// What the pattern binds and the guard names.
    pub(super) guarded: Vec<Ident>,
    pub(super) body: Expr,
}

/// What happens when nothing came in time.
pub(super) struct After {
    /// Where `after!` is written.
    pub(super) word: Span,
    pub(super) attrs: Vec<Attribute>,
    pub(super) duration: Expr,
    pub(super) body: Expr,
}

impl Model {
    /// Reads the block; what breaks a rule is told and left out.
    pub(super) fn read(block: ExprMatch, errors: &mut Errors) -> Model {
        let subject = referent(*block.expr);
        if !is_place(&subject) {
            errors.push(
                &subject,
                "expected the context or the mailbox itself, as in `match cx`: bind it to a variable first",
            );
        }
        let empty = block.arms.is_empty();
        if empty {
            errors.push(block.match_token, "a `receive!` without arms would wait for ever: add one, or `after!(..)`");
        }
        let mut model = Model { subject: base(subject), arms: Vec::new(), after: None };
        let last = block.arms.iter().rposition(|arm| after(unguarded(&arm.pat)).is_none());
        for (index, arm) in block.arms.into_iter().enumerate() {
            model.read_arm(arm, last.is_none_or(|last| index > last), errors);
        }
        model
    }

    fn read_arm(&mut self, arm: SynArm, last: bool, errors: &mut Errors) {
        let (pattern, guard) = match arm.pat {
            Pat::Guard(guarded) => (*guarded.pat, Some((guarded.if_token, *guarded.guard))),
            pattern => (pattern, None),
        };
        if let Some(mac) = after(&pattern) {
            if let Some((token, _)) = guard {
                errors.push(token, "`after!` has no guard: decide in its body, or compute its duration");
            }
            self.read_after(mac, last, arm.attrs, *arm.body, errors);
            return;
        }
        if let Some(call) = after_without_mark(&pattern) {
            errors.push(&call.path, format!("`after!` is a macro: write `after!({})`", source_text(&call.elems)));
            let (duration, body) = (syn::parse_quote!(::core::time::Duration::ZERO), *arm.body);
            self.after = Some(After { word: call.path.span(), attrs: Vec::new(), duration, body });
            return;
        }
        if let Some(mac) = find_after(&pattern) {
            errors.push(&mac.path, "`after!` is an arm of its own: it cannot be part of a pattern");
            return;
        }
        let guard = guard.and_then(|(_, guard)| Guard::read(guard, errors));
        let wanted = wanted(&pattern);
        let guarded = guard.as_ref().map(|guard| guard.names(&bindings(&pattern))).unwrap_or_default();
        let patterns = match guard {
            None => vec![pattern],
            Some(_) => alternatives(&pattern).unwrap_or_else(|| {
                errors.push(&pattern, "more than 64 alternatives under one guard: split the arm");
                vec![pattern]
            }),
        };
        let cfgs = attr::cfgs(&arm.attrs);
        let attrs = arm.attrs.into_iter().filter(|attr| !attr.path().is_ident("cfg")).collect();
        self.arms.push(Arm { cfgs, attrs, patterns, wanted, guard, guarded, body: *arm.body });
    }

    fn read_after(&mut self, mac: &Macro, last: bool, attrs: Vec<Attribute>, body: Expr, errors: &mut Errors) {
        if self.after.is_some() {
            errors.push(&mac.path, "`after!` twice: a `receive!` has one deadline");
            return;
        }
        if !last {
            errors.push(&mac.path, "`after!` is the last arm: move it to the end");
        }
        if let Some(cfg) = attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
            errors.push(cfg, "`after!` cannot depend on a feature: put `#[cfg]` on its duration or its body");
        }
        let attrs = attrs.into_iter().filter(|attr| !attr.path().is_ident("cfg")).collect();
        let duration = if mac.tokens.is_empty() {
            errors.push(mac, "`after!` needs a duration: `after!(Duration::from_secs(1))`");
            None
        } else if several(mac) {
            errors.push(&mac.tokens, "`after!` takes one duration: `after!(Duration::from_secs(1))`");
            None
        } else {
            errors.keep(mac.parse_body::<Expr>()).filter(|duration| is_no_number(duration, errors))
        };
        let duration = duration.unwrap_or_else(|| syn::parse_quote!(::core::time::Duration::ZERO));
        self.after = Some(After { word: mac.path.span(), attrs, duration, body });
    }
}

impl Arm {
    /// Whether some message may match both. A single word is a variant, or a binding that matches any.
    pub(super) fn shares_a_variant(&self, other: &Arm) -> bool {
        let any = |arm: &Arm| {
            arm.wanted.is_none()
                || arm.patterns.iter().any(|pattern| matches!(pattern, Pat::Ident(ident) if ident.subpat.is_none()))
        };
        let names = |arm: &Arm| arm.wanted.clone().unwrap_or_default();
        any(self) || any(other) || names(self).iter().any(|name| names(other).contains(name))
    }
}

/// Whether there are several expressions where one belongs.
fn several(mac: &Macro) -> bool {
    let parsed = mac.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated);
    parsed.is_ok_and(|all| all.len() > 1)
}

/// A number says how many, not of what.
fn is_no_number(duration: &Expr, errors: &mut Errors) -> bool {
    let Expr::Lit(ExprLit { lit, .. }) = duration else { return true };
    let example = match lit {
        Lit::Int(number) => format!("after!(Duration::from_secs({}))", number.base10_digits()),
        Lit::Float(number) => format!("after!(Duration::from_secs_f64({}))", number.base10_digits()),
        Lit::Str(_) => "after!(Duration::from_secs(1))".to_owned(),
        _ => return true,
    };
    errors.push(lit, format!("`after!` takes a `Duration`: `{example}`"));
    false
}

fn unguarded(pattern: &Pat) -> &Pat {
    match pattern {
        Pat::Guard(guarded) => &guarded.pat,
        pattern => pattern,
    }
}

fn after(pattern: &Pat) -> Option<&Macro> {
    match pattern {
        Pat::Macro(pattern) if attr::path_ends_with(&pattern.mac.path, "after") => Some(&pattern.mac),
        Pat::Paren(pattern) => after(&pattern.pat),
        _ => None,
    }
}

/// `after(..)`, which reads as a variant.
fn after_without_mark(pattern: &Pat) -> Option<&PatTupleStruct> {
    match pattern {
        Pat::TupleStruct(tuple) if tuple.path.is_ident("after") => Some(tuple),
        _ => None,
    }
}

fn find_after(pattern: &Pat) -> Option<&Macro> {
    struct Find<'a>(Option<&'a Macro>);
    impl<'ast> Visit<'ast> for Find<'ast> {
        fn visit_pat(&mut self, pattern: &'ast Pat) {
            self.0 = self.0.or_else(|| after(pattern));
            visit::visit_pat(self, pattern);
        }
        // No pattern of this one's.
        fn visit_block(&mut self, _: &'ast syn::Block) {}
        fn visit_expr(&mut self, _: &'ast Expr) {}
        fn visit_type(&mut self, _: &'ast syn::Type) {}
    }
    let mut find = Find(None);
    find.visit_pat(pattern);
    find.0
}

/// What a pattern binds. A constant among them does no harm.
fn bindings(pattern: &Pat) -> Vec<Ident> {
    struct Bindings(Vec<Ident>);
    impl<'ast> Visit<'ast> for Bindings {
        fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
            if !self.0.contains(&pattern.ident) {
                self.0.push(pattern.ident.clone());
            }
            visit::visit_pat_ident(self, pattern);
        }
        // No pattern of this one's.
        fn visit_block(&mut self, _: &'ast syn::Block) {}
        fn visit_expr(&mut self, _: &'ast Expr) {}
        fn visit_type(&mut self, _: &'ast syn::Type) {}
    }
    let mut bindings = Bindings(Vec::new());
    bindings.visit_pat(pattern);
    bindings.0
}

/// What is borrowed, since the expansion borrows it itself: `match &mut cx` is `match cx`.
fn referent(expr: Expr) -> Expr {
    match expr {
        Expr::Reference(reference) => referent(*reference.expr),
        other => other,
    }
}

/// Of `cx.receive().await` the `cx`, which was meant; of a place itself.
fn base(expr: Expr) -> Expr {
    match expr {
        Expr::MethodCall(call) => base(*call.receiver),
        Expr::Await(wait) => base(*wait.base),
        Expr::Try(question) => base(*question.expr),
        other => other,
    }
}

/// Whether an expression may be evaluated again and again: a variable, a field, or one of these by reference.
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
