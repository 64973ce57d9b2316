//! A supervision tree, resolved from the struct.

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, Expr, Fields, Generics, ItemStruct, LitInt, Type, Visibility};

use crate::diag::Errors;
use crate::options::{self, Time};
use crate::{names, tokens};

/// What stands in `#[supervisor(..)]`; what is left out is the runtime's default.
#[derive(Default)]
pub(super) struct Flags {
    pub(super) strategy: Option<&'static str>,
    pub(super) intensity: Option<LitInt>,
    pub(super) period: Option<Time>,
}

/// The tree.
pub(super) struct Model {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) ident: Ident,
    pub(super) stub: Ident,
    pub(super) generics: Generics,
    pub(super) flags: Flags,
    pub(super) children: Vec<Child>,
}

/// A child, in order of start.
pub(super) struct Child {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) docs: Vec<Attribute>,
    pub(super) name: Ident,
    pub(super) ty: Type,
    pub(super) start: Option<Expr>,
    pub(super) restart: Option<&'static str>,
    pub(super) shutdown: Option<Shutdown>,
}

/// How a child is stopped.
pub(super) enum Shutdown {
    Kill,
    Forever,
    After(Time),
}

const STRATEGIES: &[(&str, &str)] =
    &[("one_for_one", "OneForOne"), ("one_for_all", "OneForAll"), ("rest_for_one", "RestForOne")];
const RESTARTS: &[(&str, &str)] = &[("permanent", "Permanent"), ("transient", "Transient"), ("temporary", "Temporary")];

impl Flags {
    pub(super) fn parse(attr: TokenStream, errors: &mut Errors) -> Flags {
        let mut flags = Flags::default();
        let known = ["strategy", "intensity", "period"];
        options::parse("#[supervisor]", attr, &known, errors, |name, input| {
            match name.to_string().as_str() {
                "strategy" => flags.strategy = Some(options::word(name, STRATEGIES, input)?),
                "intensity" => {
                    flags.intensity = Some(options::number(name, "3", input)?);
                }
                _ => {
                    let period: Time = options::value(name, "\"5s\"", input)?;
                    if period.duration.is_zero() {
                        return Err(syn::Error::new(
                            period.span,
                            "`period` is longer than nothing: restarts are counted within it",
                        ));
                    }
                    flags.period = Some(period);
                }
            }
            Ok(())
        });
        flags
    }
}

impl Model {
    /// Reads the struct, and takes the children out of it. `None` if nothing could follow from it.
    pub(super) fn read(item: &mut ItemStruct, flags: Flags, errors: &mut Errors) -> Option<Model> {
        let borrows = tokens::refuse_lifetimes("a supervisor", &item.generics, errors);
        let named = matches!(item.fields, Fields::Named(_));
        if !named {
            errors.push(
                &item.ident,
                format!("a supervisor's children have names: `struct {} {{ #[child] log: Log, .. }}`", item.ident),
            );
        }
        let children = take_children(&mut item.fields, errors);
        (named && !borrows).then(|| Model {
            cfgs: tokens::cfgs(&item.attrs),
            vis: item.vis.clone(),
            ident: item.ident.clone(),
            stub: names::stub(&item.ident),
            generics: item.generics.clone(),
            flags,
            children,
        })
    }
}

fn take_children(fields: &mut Fields, errors: &mut Errors) -> Vec<Child> {
    let mut children = Vec::new();
    let Fields::Named(named) = fields else {
        fields.iter_mut().for_each(|field| while tokens::take(&mut field.attrs, "child").is_some() {});
        return children;
    };
    let all = std::mem::take(&mut named.named);
    for mut field in all {
        let Some(mark) = tokens::take(&mut field.attrs, "child") else {
            named.named.push(field);
            continue;
        };
        if let Some(again) = tokens::take(&mut field.attrs, "child") {
            errors.push(again, "`#[child]` is written twice");
        }
        if let Some(name) = field.ident.clone() {
            let mut child = Child {
                cfgs: tokens::cfgs(&field.attrs),
                docs: tokens::docs(&field.attrs),
                name,
                ty: field.ty,
                start: None,
                restart: None,
                shutdown: None,
            };
            child.options(&mark, errors);
            children.push(child);
        }
    }
    children
}

impl Child {
    fn options(&mut self, mark: &Attribute, errors: &mut Errors) {
        let arguments = tokens::arguments(mark, errors);
        let known = ["start", "restart", "shutdown"];
        options::parse("#[child]", arguments, &known, errors, |name, input| {
            match name.to_string().as_str() {
                "start" => self.start = Some(options::value(name, "Log::open(self.path.clone())", input)?),
                "restart" => self.restart = Some(options::word(name, RESTARTS, input)?),
                _ => self.shutdown = Some(shutdown(name, input)?),
            }
            Ok(())
        });
    }
}

fn shutdown(name: &Ident, input: syn::parse::ParseStream<'_>) -> syn::Result<Shutdown> {
    let ahead = input.fork();
    if let Ok(word) = options::value::<Ident>(name, "\"5s\"", &ahead) {
        let result = match word.to_string().as_str() {
            "kill" => Shutdown::Kill,
            "forever" => Shutdown::Forever,
            _ => {
                return Err(syn::Error::new(
                    word.span(),
                    "`shutdown` is `kill`, `forever` or a duration in quotes, as \"5s\"",
                ));
            }
        };
        options::value::<Ident>(name, "\"5s\"", input)?;
        return Ok(result);
    }
    options::value(name, "\"5s\"", input).map(Shutdown::After)
}
