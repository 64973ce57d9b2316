//! The options of `#[protocol(..)]`.

use proc_macro2::TokenStream;
use syn::{LitInt, LitStr};

use crate::diag::Errors;
use crate::syntax::options;

/// The options. An actor's impl has some of them.
#[derive(Default)]
pub(crate) struct ProtocolOptions {
    pub(crate) local: bool,
    pub(crate) debug: bool,
    pub(crate) version: Option<LitInt>,
    pub(crate) name: Option<LitStr>,
}

impl ProtocolOptions {
    pub(super) fn parse(attr: TokenStream, errors: &mut Errors) -> ProtocolOptions {
        let mut parsed = ProtocolOptions::default();
        options::parse("#[protocol]", attr, &["local", "debug", "version", "name"], errors, |name, input| {
            match name.to_string().as_str() {
                "local" => parsed.local = options::flag(name, input)?,
                "debug" => parsed.debug = options::flag(name, input)?,
                "name" => {
                    let literal: LitStr = options::value(name, "\"shop.Orders\"", input)?;
                    if literal.value().is_empty() {
                        return Err(syn::Error::new(literal.span(), "`name` cannot be empty"));
                    }
                    parsed.name = Some(literal);
                }
                _ => parsed.version = Some(options::number(name, "1", input)?),
            }
            Ok(())
        });
        parsed
    }
}
