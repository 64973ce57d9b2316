//! The options of `#[supervisor(..)]` and of `#[child(..)]`.

use proc_macro2::{Ident, TokenStream};
use syn::parse::ParseStream;
use syn::{Attribute, Expr, ExprLit, Lit, LitInt, LitStr};

use crate::diag::{self, Errors};
use crate::syntax::duration::{DurationLit, Shutdown, parse_duration};
use crate::syntax::{attr, options};

// The words of an option, and the runtime's names of them.
const STRATEGIES: &[(&str, &str)] =
    &[("one_for_one", "OneForOne"), ("one_for_all", "OneForAll"), ("rest_for_one", "RestForOne")];
const AUTO_SHUTDOWNS: &[(&str, &str)] = &[("any", "Any"), ("all", "All")];
const WHILE_DOWN: &[(&str, &str)] = &[("hold", "Hold"), ("drop", "Drop")];
const RESTARTS: &[(&str, &str)] = &[("permanent", "Permanent"), ("transient", "Transient"), ("temporary", "Temporary")];

/// The options of a supervisor. The runtime has the defaults of those that are not written.
#[derive(Default)]
pub(super) struct TreeOptions {
    pub(super) strategy: Option<&'static str>,
    pub(super) intensity: Option<LitInt>,
    pub(super) period: Option<DurationLit>,
    pub(super) auto_shutdown: Option<&'static str>,
}

/// The options of a child.
#[derive(Default)]
pub(super) struct ChildOptions {
    /// The names of the options, as they are written.
    pub(super) written: Vec<Ident>,
    pub(super) kind: ChildKind,
    pub(super) start: Option<Expr>,
    /// The node on which the child starts.
    pub(super) on: Option<Expr>,
    pub(super) restart: Option<&'static str>,
    pub(super) shutdown: Option<Shutdown>,
    pub(super) significant: bool,
    pub(super) backoff: Option<(DurationLit, DurationLit)>,
    pub(super) while_down: Option<&'static str>,
    /// The options of the supervisor of a dynamic child.
    pub(super) supervisor: TreeOptions,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ChildKind {
    #[default]
    Worker,
    /// A nested tree.
    Supervisor,
    /// Any number of processes, started at run time under a supervisor of their own.
    Dynamic,
}

impl TreeOptions {
    pub(super) fn parse(attr: TokenStream, errors: &mut Errors) -> TreeOptions {
        let mut parsed = TreeOptions::default();
        let known = ["strategy", "intensity", "period", "auto_shutdown"];
        options::parse("#[supervisor]", attr, &known, errors, |name, input| {
            match name.to_string().as_str() {
                "strategy" => parsed.strategy = Some(options::choice(name, STRATEGIES, input)?),
                "auto_shutdown" => parsed.auto_shutdown = Some(options::choice(name, AUTO_SHUTDOWNS, input)?),
                _ => parsed.parse_limit(name, input)?,
            }
            Ok(())
        });
        parsed
    }

    /// Parses `intensity` or `period`. Each has a default of its own, so one can be written without the other.
    fn parse_limit(&mut self, name: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
        if name == "intensity" {
            self.intensity = Some(options::number(name, "3", input)?);
        } else {
            let period: DurationLit = options::value(name, "\"5s\"", input)?;
            if period.duration.is_zero() {
                return Err(syn::Error::new(period.span, "`period` must be longer than zero"));
            }
            self.period = Some(period);
        }
        Ok(())
    }
}

impl ChildOptions {
    pub(super) fn parse(attribute: &Attribute, errors: &mut Errors) -> ChildOptions {
        let mut parsed = ChildOptions::default();
        let arguments = attr::arguments(attribute, errors);
        let known = [
            "start",
            "on",
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
        options::parse("#[child]", arguments, &known, errors, |name, input| {
            parsed.written.push(name.clone());
            match name.to_string().as_str() {
                "start" => parsed.start = Some(options::value(name, "Log::open(self.path.clone())", input)?),
                "on" => parsed.on = Some(parse_node(name, input)?),
                "restart" => parsed.restart = Some(options::choice(name, RESTARTS, input)?),
                "shutdown" => parsed.shutdown = Some(Shutdown::parse(name, input)?),
                "supervisor" | "dynamic" => {
                    options::flag(name, input)?;
                    if parsed.kind != ChildKind::Worker {
                        return Err(syn::Error::new(name.span(), "`supervisor` and `dynamic` cannot be combined"));
                    }
                    parsed.kind = if name == "dynamic" { ChildKind::Dynamic } else { ChildKind::Supervisor };
                }
                "significant" => parsed.significant = options::flag(name, input)?,
                "backoff" => parsed.backoff = Some(parse_backoff(name, input)?),
                "while_down" => parsed.while_down = Some(options::choice(name, WHILE_DOWN, input)?),
                _ => parsed.supervisor.parse_limit(name, input)?,
            }
            Ok(())
        });
        parsed
    }
}

/// Parses `= "worker@gollum"`, or another expression.
fn parse_node(name: &Ident, input: ParseStream<'_>) -> syn::Result<Expr> {
    let node: Expr = options::value(name, "\"worker@gollum\"", input)?;
    if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &node {
        let value = text.value();
        if !value.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()) {
            let problem = format!("`{value}` is not the name of a node");
            return Err(diag::error(text.span(), problem, "a node has a name and a host, such as `worker@gollum`"));
        }
    }
    Ok(node)
}

/// Parses `= "100ms..10s"`.
fn parse_backoff(name: &Ident, input: ParseStream<'_>) -> syn::Result<(DurationLit, DurationLit)> {
    let example = "\"100ms..10s\"";
    let literal: LitStr = options::value(name, example, input)?;
    let text = literal.value();
    let error = |problem: String| {
        diag::error(literal.span(), problem, format!("write the shortest and the longest pause, such as {example}"))
    };
    let (shortest, longest) =
        text.split_once("..").ok_or_else(|| error(format!("`{name}` expects two durations, found `{text}`")))?;
    let min = parse_duration(shortest).map_err(error)?;
    let max = parse_duration(longest).map_err(error)?;
    if min.is_zero() {
        return Err(error("the shortest pause cannot be zero".to_owned()));
    }
    if min > max {
        let (shortest, longest) = (shortest.trim(), longest.trim());
        return Err(error(format!("the shortest pause, `{shortest}`, is longer than the longest, `{longest}`")));
    }
    let pause = |duration| DurationLit { duration, span: literal.span() };
    Ok((pause(min), pause(max)))
}
