//! An arm's guard. It decides on a message that is still in the queue: so it may look, but neither wait nor leave.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr};

use crate::diag::Errors;

/// The condition after `if`.
pub(super) struct Guard {
    pub(super) condition: Expr,
    /// Whether it binds by `let`. Then the body needs the bindings, and the guard runs again for it.
    pub(super) binds: bool,
}

impl Guard {
    /// Checks a guard; `None` if it does what no guard may.
    pub(super) fn read(condition: Expr, errors: &mut Errors) -> Option<Guard> {
        let mut check = Check { depth: 0, fine: true, errors };
        check.visit_expr(&condition);
        let fine = check.fine;
        let binds = binds(&condition);
        fine.then_some(Guard { condition, binds })
    }

    /// Those of the bindings that it names.
    pub(super) fn names(&self, bindings: &[Ident]) -> Vec<Ident> {
        let mut words = Vec::new();
        collect(self.condition.to_token_stream(), &mut words);
        let named = |binding: &&Ident| {
            let word = binding.unraw().to_string();
            // A format string names a binding inside of a literal.
            let inside = format!("{{{word}");
            words.iter().any(|found| *found == word || (found.starts_with(['"', 'r']) && found.contains(&inside)))
        };
        bindings.iter().filter(named).cloned().collect()
    }
}

fn collect(tokens: TokenStream, words: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect(group.stream(), words),
            TokenTree::Ident(ident) => words.push(ident.unraw().to_string()),
            TokenTree::Literal(literal) => words.push(literal.to_string()),
            TokenTree::Punct(_) => {}
        }
    }
}

/// Whether the chain of `&&` holds a `let`.
fn binds(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => binds(&binary.left) || binds(&binary.right),
        Expr::Group(group) => binds(&group.expr),
        _ => false,
    }
}

struct Check<'a> {
    /// Loops around, inside of the guard.
    depth: usize,
    fine: bool,
    errors: &'a mut Errors,
}

impl Check<'_> {
    fn refuse(&mut self, at: impl ToTokens, what: &str) {
        self.fine = false;
        self.errors.push(
            at,
            format!("{what} in a guard, which only decides: move it into the body, or before the `receive!`"),
        );
    }

    fn within_loop(&mut self, visit: impl FnOnce(&mut Self)) {
        self.depth += 1;
        visit(self);
        self.depth -= 1;
    }
}

impl<'ast> Visit<'ast> for Check<'_> {
    fn visit_expr_await(&mut self, expr: &'ast syn::ExprAwait) {
        self.refuse(expr.await_token, "`.await`");
        visit::visit_expr_await(self, expr);
    }

    fn visit_expr_try(&mut self, expr: &'ast syn::ExprTry) {
        self.refuse(expr.question_token, "`?`");
        visit::visit_expr_try(self, expr);
    }

    fn visit_expr_return(&mut self, expr: &'ast syn::ExprReturn) {
        self.refuse(expr.return_token, "`return`");
    }

    fn visit_expr_break(&mut self, expr: &'ast syn::ExprBreak) {
        if self.depth == 0 {
            self.refuse(expr.break_token, "`break`");
        }
        visit::visit_expr_break(self, expr);
    }

    fn visit_expr_continue(&mut self, expr: &'ast syn::ExprContinue) {
        if self.depth == 0 {
            self.refuse(expr.continue_token, "`continue`");
        }
    }

    fn visit_expr_loop(&mut self, expr: &'ast syn::ExprLoop) {
        self.within_loop(|check| visit::visit_expr_loop(check, expr));
    }

    fn visit_expr_while(&mut self, expr: &'ast syn::ExprWhile) {
        self.within_loop(|check| visit::visit_expr_while(check, expr));
    }

    fn visit_expr_for_loop(&mut self, expr: &'ast syn::ExprForLoop) {
        self.within_loop(|check| visit::visit_expr_for_loop(check, expr));
    }

    // A body of their own: what leaves it does not leave the guard.
    fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {}
    fn visit_item(&mut self, _: &'ast syn::Item) {}

    fn visit_type(&mut self, _: &'ast syn::Type) {}
}

#[cfg(test)]
mod tests {
    use quote::{format_ident, quote};

    use super::*;

    fn check(tokens: TokenStream, expected: Option<&str>) {
        let mut errors = Errors::default();
        let guard = Guard::read(syn::parse2(tokens).unwrap(), &mut errors);
        let found: Vec<String> = errors.messages();
        assert_eq!(guard.is_some(), expected.is_none());
        assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
        if let (Some(expected), Some(found)) = (expected, found.first()) {
            assert!(found.starts_with(expected), "{found}");
        }
    }

    #[test]
    fn guards_neither_wait_nor_leave() {
        check(quote!(priority > 10 && names.iter().any(|n| n == name)), None);
        check(
            quote!(loop {
                break true;
            }),
            None,
        );
        check(quote!(store.has(id).await), Some("`.await`"));
        check(quote!(parse(body)? > 3), Some("`?`"));
        check(
            quote!({
                if done {
                    break;
                }
                true
            }),
            Some("`break`"),
        );
        check(
            quote!({
                if done {
                    return;
                }
                true
            }),
            Some("`return`"),
        );
    }

    #[test]
    fn bindings_that_a_guard_names() {
        let guard = Guard { condition: syn::parse2(quote!(a > 1 && f!("{b}"))).unwrap(), binds: false };
        let names = guard.names(&[format_ident!("a"), format_ident!("b"), format_ident!("c")]);
        assert_eq!(names, ["a", "b"]);
    }
}
