//! The guard of an arm. It is evaluated on a message that is still in the mailbox, so it cannot wait and cannot leave
//! the block.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr};

use crate::diag::Errors;

/// The condition after `if`.
pub(super) struct Guard {
    pub(super) condition: Expr,
    /// Set if the guard contains a `let`. The body needs its bindings, so the guard is evaluated again for the body.
    pub(super) has_let: bool,
}

impl Guard {
    /// Checks a guard. Returns `None` after an error.
    pub(super) fn parse(condition: Expr, errors: &mut Errors) -> Option<Guard> {
        let mut check = Check { depth: 0, is_valid: true, errors };
        check.visit_expr(&condition);
        let is_valid = check.is_valid;
        let has_let = has_let(&condition);
        is_valid.then_some(Guard { condition, has_let })
    }

    /// Returns those of the bindings that the guard uses.
    pub(super) fn used(&self, bindings: &[Ident]) -> Vec<Ident> {
        let mut words = Vec::new();
        collect_words(self.condition.to_token_stream(), &mut words);
        let is_used = |binding: &&Ident| {
            let word = binding.unraw().to_string();
            // A format string uses a binding inside a literal.
            let inside = format!("{{{word}");
            words.iter().any(|found| *found == word || (found.starts_with(['"', 'r']) && found.contains(&inside)))
        };
        bindings.iter().filter(is_used).cloned().collect()
    }
}

fn collect_words(tokens: TokenStream, words: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect_words(group.stream(), words),
            TokenTree::Ident(ident) => words.push(ident.unraw().to_string()),
            TokenTree::Literal(literal) => words.push(literal.to_string()),
            TokenTree::Punct(_) => {}
        }
    }
}

/// Returns true if the chain of `&&` contains a `let`.
fn has_let(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => has_let(&binary.left) || has_let(&binary.right),
        Expr::Group(group) => has_let(&group.expr),
        _ => false,
    }
}

struct Check<'a> {
    /// The number of loops around the expression, inside the guard.
    depth: usize,
    is_valid: bool,
    errors: &'a mut Errors,
}

impl Check<'_> {
    fn reject(&mut self, at: impl ToTokens, expression: &str) {
        self.is_valid = false;
        self.errors.push_help(
            at,
            format!("a guard cannot contain {expression}"),
            "move it to the body of the arm, or before the `receive!`",
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
        self.reject(expr.await_token, "`.await`");
        visit::visit_expr_await(self, expr);
    }

    fn visit_expr_try(&mut self, expr: &'ast syn::ExprTry) {
        self.reject(expr.question_token, "`?`");
        visit::visit_expr_try(self, expr);
    }

    fn visit_expr_return(&mut self, expr: &'ast syn::ExprReturn) {
        self.reject(expr.return_token, "`return`");
    }

    fn visit_expr_break(&mut self, expr: &'ast syn::ExprBreak) {
        if self.depth == 0 {
            self.reject(expr.break_token, "`break`");
        }
        visit::visit_expr_break(self, expr);
    }

    fn visit_expr_continue(&mut self, expr: &'ast syn::ExprContinue) {
        if self.depth == 0 {
            self.reject(expr.continue_token, "`continue`");
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

    // A `return` in these bodies does not leave the guard.
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
        let guard = Guard::parse(syn::parse2(tokens).unwrap(), &mut errors);
        let found: Vec<String> = errors.messages();
        assert_eq!(guard.is_some(), expected.is_none());
        assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
        if let (Some(expected), Some(found)) = (expected, found.first()) {
            assert!(found.contains(expected), "{found}");
        }
    }

    #[test]
    fn expressions_that_a_guard_cannot_contain() {
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
    fn bindings_that_a_guard_uses() {
        let guard = Guard { condition: syn::parse2(quote!(a > 1 && f!("{b}"))).unwrap(), has_let: false };
        let names = guard.used(&[format_ident!("a"), format_ident!("b"), format_ident!("c")]);
        assert_eq!(names, ["a", "b"]);
    }
}
