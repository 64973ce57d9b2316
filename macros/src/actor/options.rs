//! The options of `#[actor(..)]`, on a struct or enum and on an impl.

use proc_macro2::{Ident, TokenStream};
use syn::parse::ParseStream;
use syn::{Expr, ExprLit, Lit, LitInt, LitStr, Type};

use crate::diag::{self, Errors};
use crate::protocol::ProtocolOptions;
use crate::syntax::options;

const STRUCT_OPTIONS: &[&str] =
    &["protocol", "name", "trap_exit", "mailbox", "overflow", "sys", "upgrade", "otherwise"];
const IMPL_OPTIONS: &[&str] = &["local", "debug"];

/// The overflow policies, and the runtime's names of them.
const OVERFLOW: &[(&str, &str)] =
    &[("wait", "Wait"), ("reject", "Reject"), ("drop_newest", "DropNewest"), ("drop_oldest", "DropOldest")];

/// The choices of `otherwise`, and the runtime's names of them.
const OTHERWISE: &[(&str, &str)] = &[("restart", "Restart"), ("refuse", "Refuse")];

/// The options on a struct or an enum.
#[derive(Default)]
pub(super) struct ActorOptions {
    pub(super) protocol: Option<Type>,
    pub(super) name: Option<Name>,
    pub(super) trap_exit: bool,
    pub(super) mailbox: Option<LitInt>,
    /// The word `overflow`, and the policy.
    pub(super) overflow: Option<(Ident, &'static str)>,
    /// The word `sys`.
    pub(super) sys: Option<Ident>,
    /// The word `upgrade`.
    pub(super) upgrade: Option<Ident>,
    /// The word `otherwise`, and the choice.
    pub(super) otherwise: Option<(Ident, &'static str)>,
}

/// The registered name.
pub(super) enum Name {
    /// One name for all processes of the type.
    Literal(LitStr),
    /// Made from the actor, which is `self`.
    OfActor(Expr),
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
                "upgrade" => parsed.upgrade = options::flag(name, input)?.then(|| name.clone()),
                "otherwise" => parsed.otherwise = Some((name.clone(), options::choice(name, OTHERWISE, input)?)),
                "overflow" => parsed.overflow = Some((name.clone(), options::choice(name, OVERFLOW, input)?)),
                "name" => {
                    parsed.name = Some(parse_name(name, input)?);
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

fn parse_name(option: &Ident, input: ParseStream<'_>) -> syn::Result<Name> {
    match options::value(option, "\"mail\"", input)? {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) if literal.value().is_empty() => {
            Err(syn::Error::new(literal.span(), "`name` cannot be empty"))
        }
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => Ok(Name::Literal(literal)),
        // A name without quotes.
        other @ (Expr::Lit(_) | Expr::Path(_)) => {
            let message = "`name` expects a string in quotes, such as `name = \"mail\"`, or an expression with `self`";
            Err(syn::Error::new_spanned(other, message))
        }
        other => Ok(Name::OfActor(other)),
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
