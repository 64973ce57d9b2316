//! The errors of one expansion. Every phase adds to them, and the macro emits them beside the user's item.
//!
//! A phase continues after an error wherever its model can still be expanded. It corrects the model so that one mistake
//! gives one message: rustc finds nothing more to report about it.
//!
//! The messages follow rustc: what is expected or not possible, then `help:` with what to write.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The errors found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds an error that points at the tokens of `at`.
    pub(crate) fn push(&mut self, at: impl ToTokens, message: impl Display) {
        self.add(syn::Error::new_spanned(at, message));
    }

    /// Adds an error that points at the tokens of `at`, with a line of help.
    pub(crate) fn push_help(&mut self, at: impl ToTokens, message: impl Display, help: impl Display) {
        self.push(at, with_help(message, help));
    }

    /// Adds an error from a parser.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Returns the value of `result`, or adds its error.
    pub(crate) fn record<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// Returns the number of errors. Compared with an earlier count, it shows if a phase added any.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// Adds all errors of `other`.
    pub(crate) fn append(&mut self, other: Errors) {
        if let Some(error) = other.0 {
            self.add(error);
        }
    }

    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.0.iter().flat_map(syn::Error::clone).map(|error| error.to_string()).collect()
    }
}

impl ToTokens for Errors {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        if let Some(errors) = &self.0 {
            errors.to_compile_error().to_tokens(tokens);
        }
    }
}

/// Returns an error at `span`, with a line of help.
pub(crate) fn error(span: Span, message: impl Display, help: impl Display) -> syn::Error {
    syn::Error::new(span, with_help(message, help))
}

fn with_help(message: impl Display, help: impl Display) -> String {
    format!("{message}\n= help: {help}")
}

/// Returns the words as "`a`, `b` or `c`".
pub(crate) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}
