//! A supervision tree, resolved from the struct.

use proc_macro2::{Ident, TokenStream};
use syn::parse::ParseStream;
use syn::{Attribute, Expr, Fields, Generics, ItemStruct, LitInt, LitStr, Type, Visibility, parse_quote};

use crate::diag::Errors;
use crate::names;
use crate::syntax::duration::{Shutdown, Time, parse_duration};
use crate::syntax::{attr, generics, options};

/// What stands in `#[supervisor(..)]`; what is left out is the runtime's default.
#[derive(Default)]
pub(super) struct SupervisorOptions {
    pub(super) strategy: Option<&'static str>,
    pub(super) intensity: Option<LitInt>,
    pub(super) period: Option<Time>,
    pub(super) auto_shutdown: Option<&'static str>,
}

/// The tree.
pub(super) struct Model {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) ident: Ident,
    pub(super) stub: Ident,
    pub(super) generics: Generics,
    pub(super) flags: SupervisorOptions,
    pub(super) children: Vec<Child>,
}

/// A child, in order of start.
pub(super) struct Child {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) docs: Vec<Attribute>,
    pub(super) name: Ident,
    pub(super) ty: Type,
    pub(super) kind: Kind,
    pub(super) start: Option<Expr>,
    pub(super) restart: Option<&'static str>,
    pub(super) shutdown: Option<Shutdown>,
    pub(super) significant: bool,
    pub(super) backoff: Option<(Time, Time)>,
    pub(super) while_down: Option<&'static str>,
    /// A dynamic child's supervisor's own.
    pub(super) flags: SupervisorOptions,
}

/// What a child is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Worker,
    /// A nested tree.
    Supervisor,
    /// Many of one kind, which come and go.
    Dynamic,
}

const STRATEGIES: &[(&str, &str)] =
    &[("one_for_one", "OneForOne"), ("one_for_all", "OneForAll"), ("rest_for_one", "RestForOne")];
const AUTO_SHUTDOWNS: &[(&str, &str)] = &[("any", "Any"), ("all", "All")];
const WHILE_DOWN: &[(&str, &str)] = &[("hold", "Hold"), ("drop", "Drop")];
const RESTARTS: &[(&str, &str)] = &[("permanent", "Permanent"), ("transient", "Transient"), ("temporary", "Temporary")];

impl SupervisorOptions {
    pub(super) fn parse(attr: TokenStream, errors: &mut Errors) -> SupervisorOptions {
        let mut flags = SupervisorOptions::default();
        let known = ["strategy", "intensity", "period", "auto_shutdown"];
        let mut window = Window::default();
        options::parse("#[supervisor]", attr, &known, errors, |name, input| {
            match name.to_string().as_str() {
                "strategy" => flags.strategy = Some(options::choice(name, STRATEGIES, input)?),
                "auto_shutdown" => flags.auto_shutdown = Some(options::choice(name, AUTO_SHUTDOWNS, input)?),
                _ => flags.window(name, input, &mut window)?,
            }
            Ok(())
        });
        window.check(errors);
        flags
    }

    /// `intensity` or `period`.
    fn window(&mut self, name: &Ident, input: ParseStream<'_>, window: &mut Window) -> syn::Result<()> {
        if name == "intensity" {
            self.intensity = Some(options::number(name, "3", input)?);
            window.intensity = Some(name.clone());
        } else {
            window.period = Some(name.clone());
            let period: Time = options::value(name, "\"5s\"", input)?;
            if period.duration.is_zero() {
                return Err(syn::Error::new(
                    period.span,
                    "`period` is longer than nothing: restarts are counted within it",
                ));
            }
            self.period = Some(period);
        }
        Ok(())
    }
}

/// Where `intensity` and `period` are written, if they are.
#[derive(Default)]
struct Window {
    intensity: Option<Ident>,
    period: Option<Ident>,
}

impl Window {
    /// A number of restarts says nothing without the time in which they count.
    fn check(&self, errors: &mut Errors) {
        if let (Some(intensity), None) = (&self.intensity, &self.period)
            && errors.is_empty()
        {
            errors.push(
                intensity,
                "`intensity` counts restarts within a `period`: write both, as `intensity = 3, period = \"5s\"`",
            );
        }
    }
}

impl Model {
    /// Reads the struct, and takes the children out of it. `None` if nothing could follow from it.
    pub(super) fn read(item: &mut ItemStruct, flags: SupervisorOptions, errors: &mut Errors) -> Option<Model> {
        let borrows = generics::reject_lifetimes("a supervisor", &item.generics, errors);
        let named = matches!(item.fields, Fields::Named(_));
        if !named {
            errors.push(
                &item.ident,
                format!("a supervisor's children have names: `struct {} {{ #[child] log: Log, .. }}`", item.ident),
            );
        }
        let children = take_children(&mut item.fields, &flags, errors);
        if flags.auto_shutdown.is_some() && !children.iter().any(|child| child.significant) {
            errors.push(
                &item.ident,
                "`auto_shutdown` needs a child that is `significant`: `#[child(restart = transient, significant)]`",
            );
        }
        (named && !borrows).then(|| Model {
            cfgs: attr::cfgs(&item.attrs),
            vis: item.vis.clone(),
            ident: item.ident.clone(),
            stub: names::stub(&item.ident),
            generics: item.generics.clone(),
            flags,
            children,
        })
    }
}

impl Model {
    /// Puts a field where each child was, of a type that has every trait.
    pub(super) fn put_back(&self, item: &mut ItemStruct) {
        if let Fields::Named(fields) = &mut item.fields {
            let places = self
                .children
                .iter()
                .map(|Child { cfgs, name, .. }| -> syn::Field { parse_quote!(#(#cfgs)* #name: ()) });
            fields.named.extend(places);
        }
    }
}

fn take_children(fields: &mut Fields, flags: &SupervisorOptions, errors: &mut Errors) -> Vec<Child> {
    let mut children = Vec::new();
    let Fields::Named(named) = fields else {
        fields.iter_mut().for_each(|field| while attr::take(&mut field.attrs, "child").is_some() {});
        return children;
    };
    let all = std::mem::take(&mut named.named);
    for mut field in all {
        let Some(mark) = attr::take(&mut field.attrs, "child") else {
            named.named.push(field);
            continue;
        };
        if let Some(again) = attr::take(&mut field.attrs, "child") {
            errors.push(again, "`#[child]` is written twice");
        }
        if let Some(name) = field.ident.clone() {
            let mut child = Child {
                cfgs: attr::cfgs(&field.attrs),
                docs: attr::docs(&field.attrs),
                name,
                ty: field.ty,
                kind: Kind::Worker,
                start: None,
                restart: None,
                shutdown: None,
                significant: false,
                backoff: None,
                while_down: None,
                flags: SupervisorOptions::default(),
            };
            child.options(&mark, flags, errors);
            children.push(child);
        }
    }
    children
}

impl Child {
    fn options(&mut self, mark: &Attribute, tree: &SupervisorOptions, errors: &mut Errors) {
        let arguments = attr::arguments(mark, errors);
        let known = [
            "start",
            "restart",
            "shutdown",
            "supervisor",
            "dynamic",
            "significant",
            "backoff",
            "while_down",
            "intensity",
            "period",
        ];
        let (mut window, mut written) = (Window::default(), Vec::new());
        options::parse("#[child]", arguments, &known, errors, |name, input| {
            written.push(name.clone());
            match name.to_string().as_str() {
                "start" => self.start = Some(options::value(name, "Log::open(self.path.clone())", input)?),
                "restart" => self.restart = Some(options::choice(name, RESTARTS, input)?),
                "shutdown" => self.shutdown = Some(Shutdown::parse(name, input)?),
                "supervisor" | "dynamic" => {
                    options::flag(name, input)?;
                    if self.kind != Kind::Worker {
                        return Err(syn::Error::new(name.span(), "a child is `supervisor` or `dynamic`, not both"));
                    }
                    self.kind = if name == "dynamic" { Kind::Dynamic } else { Kind::Supervisor };
                }
                "significant" => self.significant = options::flag(name, input)?,
                "backoff" => self.backoff = Some(backoff(name, input)?),
                "while_down" => self.while_down = Some(options::choice(name, WHILE_DOWN, input)?),
                _ => self.flags.window(name, input, &mut window)?,
            }
            Ok(())
        });
        if self.kind == Kind::Dynamic {
            window.check(errors);
        }
        let place = |word: &str| written.iter().find(|name| *name == word);
        self.check(&place, tree, errors);
    }

    /// Options that contradict each other, each told off where it stands.
    fn check<'a>(&self, place: &impl Fn(&str) -> Option<&'a Ident>, tree: &SupervisorOptions, errors: &mut Errors) {
        if self.kind == Kind::Dynamic {
            if let Some(start) = place("start") {
                errors.push(start, "a dynamic child is started by hand: `tree.sessions().start_child(..)`");
            }
            if let Some(significant) = place("significant") {
                errors.push(significant, "`significant` is for a single child: `dynamic` ones come and go");
            }
        } else {
            for word in ["intensity", "period"] {
                if let Some(name) = place(word) {
                    errors.push(name, format!("`{word}` belongs to `#[supervisor(..)]`, or to a `dynamic` child"));
                }
            }
        }
        if let Some(significant) = place("significant").filter(|_| self.kind != Kind::Dynamic) {
            if matches!(self.restart, None | Some("Permanent")) {
                errors.push(
                    significant,
                    "a permanent child cannot be `significant`, since it is always restarted: write `restart = transient` or `temporary`",
                );
            } else if tree.auto_shutdown.is_none() {
                errors.push(
                    significant,
                    "`significant` says when the supervisor shuts down: write `auto_shutdown = any` or `all` in `#[supervisor(..)]`",
                );
            }
        }
        for word in ["backoff", "while_down"] {
            if let Some(name) = place(word).filter(|_| self.restart == Some("Temporary")) {
                errors.push(name, format!("`{word}` is for a child that is restarted, and a temporary one never is"));
            }
        }
    }
}

/// `= "100ms..10s"`.
fn backoff(name: &Ident, input: ParseStream<'_>) -> syn::Result<(Time, Time)> {
    let expected = "expected a shortest and a longest pause, as \"100ms..10s\"";
    let literal: LitStr = options::value(name, "\"100ms..10s\"", input)?;
    let text = literal.value();
    let error = |problem: String| syn::Error::new(literal.span(), format!("{problem}: {expected}"));
    let (min, max) = text.split_once("..").ok_or_else(|| error(format!("`{text}` has no `..`")))?;
    let min = parse_duration(min).map_err(error)?;
    let max = parse_duration(max).map_err(error)?;
    if min.is_zero() || min > max {
        return Err(error(format!("`{text}` does not go from a short pause to a longer one")));
    }
    let time = |duration| Time { duration, span: literal.span() };
    Ok((time(min), time(max)))
}
