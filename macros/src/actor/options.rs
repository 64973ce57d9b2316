//! The options of `#[actor(..)]`, on a struct or enum and on an impl.

use proc_macro2::{Ident, TokenStream};
use syn::{LitInt, LitStr, Type};

use crate::diag::{self, Errors};
use crate::protocol::ProtocolOptions;
use crate::syntax::options;

const STRUCT_OPTIONS: &[&str] = &["protocol", "name", "trap_exit", "mailbox", "overflow", "sys"];
const IMPL_OPTIONS: &[&str] = &["local", "debug"];

/// The overflow policies, and the runtime's names of them.
const OVERFLOW: &[(&str, &str)] =
    &[("wait", "Wait"), ("reject", "Reject"), ("drop_newest", "DropNewest"), ("drop_oldest", "DropOldest")];

/// The options on a struct or an enum.
#[derive(Default)]
pub(super) struct ActorOptions {
    pub(super) protocol: Option<Type>,
    pub(super) name: Option<LitStr>,
    pub(super) trap_exit: bool,
    pub(super) mailbox: Option<LitInt>,
    /// The word `overflow`, and the policy.
    pub(super) overflow: Option<(Ident, &'static str)>,
    /// The word `sys`.
    pub(super) sys: Option<Ident>,
}

/// The options on an impl.
#[derive(Default)]
pub(super) struct ImplOptions {
    pub(super) protocol: ProtocolOptions,
    /// Set after an error about an option that belongs on the struct. The attribute itself may then be meant for it.
    pub(super) misplaced: bool,
}

impl ActorOptions {
    pub(super) fn parse(attr: TokenStream, errors: &mut Errors) -> ActorOptions {
        let mut parsed = ActorOptions::default();
        options::parse_with_misplaced("#[actor]", attr, STRUCT_OPTIONS, IMPL_OPTIONS, errors, |name, input| {
            match name.to_string().as_str() {
                "protocol" => parsed.protocol = Some(options::value(name, "Mail", input)?),
                "trap_exit" => parsed.trap_exit = options::flag(name, input)?,
                "mailbox" => {
                    let capacity = options::number(name, "1024", input)?;
                    if capacity.base10_parse::<u32>()? == 0 {
                        return Err(syn::Error::new(capacity.span(), "`mailbox` must be at least 1"));
                    }
                    parsed.mailbox = Some(capacity);
                }
                "sys" => parsed.sys = options::flag(name, input)?.then(|| name.clone()),
                "overflow" => parsed.overflow = Some((name.clone(), options::choice(name, OVERFLOW, input)?)),
                "name" => {
                    let literal = options::string(name, "\"mail\"", input)?;
                    if literal.value().is_empty() {
                        return Err(syn::Error::new(literal.span(), "`name` cannot be empty"));
                    }
                    parsed.name = Some(literal);
                }
                _ => {
                    return Err(diag::error(
                        name.span(),
                        format!("`{name}` is not an option of an actor's struct"),
                        format!("write `#[actor({name})]` on its impl, or `#[protocol({name})]` on the enum"),
                    ));
                }
            }
            Ok(())
        });
        parsed
    }
}

impl ImplOptions {
    pub(super) fn parse(attr: TokenStream, errors: &mut Errors) -> ImplOptions {
        let mut parsed = ImplOptions::default();
        options::parse_with_misplaced("#[actor]", attr, IMPL_OPTIONS, STRUCT_OPTIONS, errors, |name, input| {
            match name.to_string().as_str() {
                "local" => parsed.protocol.local = options::flag(name, input)?,
                "debug" => parsed.protocol.debug = options::flag(name, input)?,
                _ => {
                    parsed.misplaced = true;
                    return Err(diag::error(
                        name.span(),
                        format!("`{name}` is not an option of an actor's impl"),
                        "move it to the `#[actor(..)]` of the struct; the impl has the options `local` and `debug`",
                    ));
                }
            }
            Ok(())
        });
        parsed
    }
}
