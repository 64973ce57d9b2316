//! The siblings of a child that its `start` expression uses: `start = Web::listen(self.port, log)`.
//!
//! The names of the children that start earlier are bound to their stubs in the expression.

use std::collections::HashSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprPath, Macro, PatIdent};

use super::model::{Child, Model};
use crate::diag::Errors;

/// Returns the earlier siblings that the `start` expression of a child uses.
pub(super) fn earlier<'a>(model: &'a Model, child: &Child) -> Vec<&'a Child> {
    let Some(start) = &child.options.start else { return Vec::new() };
    let used = Used::of(start);
    let before = model.children.iter().take_while(|other| other.name != child.name);
    before.filter(|other| used.contains(&other.name)).collect()
}

/// Reports a `start` expression that uses its own child, or one that starts later.
pub(super) fn check(model: &Model, errors: &mut Errors) {
    for (index, child) in model.children.iter().enumerate() {
        let Some(start) = &child.options.start else { continue };
        let (used, name) = (Used::of(start), &child.name);
        for later in &model.children[index..] {
            let Some(place) = used.paths.iter().find(|path| **path == later.name && !used.bound.contains(path)) else {
                continue;
            };
            if later.name == *name {
                let help = "call `cx.me()` in its `#[init]`";
                errors.push_help(place, format!("`{name}` has no stub before its start"), help);
            } else {
                let text = format!("`{place}` starts after `{name}`");
                errors.push_help(place, text, format!("move the field `{place}` in front of `{name}`"));
            }
        }
    }
}

/// The words of an expression that may be names of siblings.
#[derive(Default)]
struct Used {
    /// Those that are variables.
    paths: Vec<Ident>,
    /// Those inside of macros, whose meaning is unknown.
    in_macros: Vec<Ident>,
    /// The variables that the expression itself declares.
    bound: HashSet<Ident>,
}

impl Used {
    fn of(expr: &Expr) -> Used {
        let mut used = Used::default();
        used.visit_expr(expr);
        used
    }

    fn contains(&self, name: &Ident) -> bool {
        self.paths.contains(name) || self.in_macros.contains(name)
    }

    fn visit_tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => self.in_macros.push(ident),
                TokenTree::Group(group) => self.visit_tokens(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Used {
    fn visit_expr_path(&mut self, expr: &'ast ExprPath) {
        self.paths.extend(expr.path.get_ident().cloned());
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        // The name of a function is not a variable.
        if !matches!(&*call.func, Expr::Path(path) if path.path.get_ident().is_some()) {
            self.visit_expr(&call.func);
        }
        call.args.iter().for_each(|argument| self.visit_expr(argument));
    }

    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        self.bound.insert(pattern.ident.clone());
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        self.visit_tokens(mac.tokens.clone());
    }
}
