//! The error sink: every phase adds what it finds, the end of a macro writes all of it beside the user's item.
//!
//! A phase never stops at the first mistake unless nothing sensible can follow. What it leaves in the model
//! after a mistake still expands, so that one mistake gives one message.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

/// How many mistakes there were at some moment, as [`Errors::mark`] says.
#[derive(Clone, Copy)]
pub(crate) struct Mark(usize);

impl Errors {
    /// Adds a message, pointing at `at`.
    pub(crate) fn push(&mut self, at: impl ToTokens, message: impl Display) {
        self.add(syn::Error::new_spanned(at, message));
    }

    /// Adds an error that a parser made.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value, or the error kept.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// This moment, for [`since`](Errors::since).
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.0.iter().flatten().count())
    }

    /// Whether anything was found since.
    pub(crate) fn since(&self, mark: Mark) -> bool {
        self.mark().0 > mark.0
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Takes over what another sink has collected.
    pub(crate) fn absorb(&mut self, other: Errors) {
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

/// `a, b or c`, each in backquotes.
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
