//! What a protocol is, resolved from the enum: which variant is a call, which comes from the runtime.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Attribute, Fields, Generics, ItemEnum, LitInt, Member, Type, Visibility, parse_quote};

use super::Options;
use crate::diag::Errors;
use crate::names;
use crate::syntax::unsendable::{Unsendable, sendable};
use crate::syntax::{attr, generics, self_type, types};

/// A protocol.
pub(crate) struct Model {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    /// The actor whose methods it was read off.
    pub(crate) actor: Option<Ident>,
    pub(crate) stub: Ident,
    pub(crate) generics: Generics,
    pub(crate) local: bool,
    /// Whether a crash report shows its messages.
    pub(crate) debug: bool,
    pub(crate) version: Option<LitInt>,
    pub(crate) variants: Vec<Variant>,
    /// A last variant that nobody can make, which uses the type parameters.
    pub(crate) unused: Option<Ident>,
    /// Whether it has lifetimes, which was refused.
    pub(crate) borrows: bool,
}

/// One message.
pub(crate) struct Variant {
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) ident: Ident,
    /// The stub's method.
    pub(crate) method: Ident,
    pub(crate) fields: Vec<Field>,
    pub(crate) kind: Kind,
    /// Set where a part of the message was refused: the stub's method takes this many arguments of any type.
    pub(crate) loose: Option<usize>,
    /// Whether it goes before all others.
    pub(crate) priority: bool,
    /// Set if a crash report shows its name only.
    pub(crate) redact: Option<Attribute>,
}

/// What a message is to its sender.
pub(crate) enum Kind {
    /// Sent, never answered.
    Cast,
    /// Answered through the field at this index, by this type.
    Call { reply: usize, answer: Type },
    /// Made from its only field, of the type `source`; never by the stub.
    From { attr: Attribute, system: bool, source: Option<Type> },
}

/// A part of a message.
pub(crate) struct Field {
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) member: Member,
    pub(crate) ty: Type,
    /// The stub method's parameter.
    pub(crate) param: Ident,
    /// Set if no crash report shows it.
    pub(crate) redact: Option<Attribute>,
}

impl Model {
    /// Reads the enum, and takes our attributes off it. With lifetimes only its stub can follow from it.
    pub(crate) fn read(item: &mut ItemEnum, options: Options, errors: &mut Errors) -> Model {
        let borrows = generics::reject_lifetimes("a protocol", &item.generics, errors);
        let mut variants = Vec::new();
        let mut unused = None;
        for variant in &mut item.variants {
            if variant.ident == "__Unused" {
                unused = Some(variant.ident.clone());
            } else {
                variants.push(Variant::read(variant, (borrows, options.local), errors));
            }
        }
        let (ident, (_, arguments, _)) = (&item.ident, item.generics.split_for_impl());
        let own: Type = parse_quote!(#ident #arguments);
        variants.iter_mut().for_each(|variant| variant.replace_self(&own));
        Model {
            attrs: item.attrs.clone(),
            cfgs: attr::cfgs(&item.attrs),
            vis: item.vis.clone(),
            ident: item.ident.clone(),
            actor: None,
            stub: names::stub(&item.ident),
            generics: item.generics.clone(),
            local: options.local,
            debug: options.debug,
            version: options.version,
            variants,
            unused,
            borrows,
        }
    }

    /// The generics of every generated impl.
    pub(crate) fn impl_generics(&self) -> Generics {
        generics::with_bounds(&self.generics, &generics::message_bounds(self.local))
    }

    /// Whether a variant's number depends on the crate's features.
    pub(crate) fn numbers_vary(&self) -> bool {
        self.variants.iter().any(|variant| !variant.cfgs.is_empty())
    }

    /// Whether a method or impl touches something deprecated.
    pub(crate) fn deprecated(&self) -> bool {
        let marked = |attrs: &[Attribute]| attrs.iter().any(|attr| attr.path().is_ident("deprecated"));
        marked(&self.attrs) || self.variants.iter().any(|variant| marked(&variant.docs))
    }
}

impl Variant {
    fn read(variant: &mut syn::Variant, (borrows, local): (bool, bool), errors: &mut Errors) -> Variant {
        let mut from = attr::take(&mut variant.attrs, "from");
        while let Some(again) = attr::take(&mut variant.attrs, "from") {
            errors.push(again, "`#[from]` is written twice");
        }
        let priority = attr::take(&mut variant.attrs, "priority");
        while let Some(again) = attr::take(&mut variant.attrs, "priority") {
            errors.push(again, "`#[priority]` is written twice");
        }
        if let Some(priority) = &priority {
            attr::expect_no_arguments(priority, errors);
        }
        let redact = take_redact(&mut variant.attrs, errors);
        if let Some((equals, _)) = &variant.discriminant {
            errors.push(equals, "a message's number is its place in the enum: leave the discriminant out");
        }
        let fine = errors.mark();
        let fields = read_fields(&mut variant.fields, &mut from, (borrows, local), errors);
        let kind = read_kind(variant, &fields, from, borrows, errors);
        let loose = (borrows || errors.since(fine)).then(|| {
            let replies = fields.iter().filter(|field| types::reply_type(&field.ty).is_some()).count();
            fields.len() - replies
        });
        Variant {
            cfgs: attr::cfgs(&variant.attrs),
            docs: attr::docs(&variant.attrs),
            ident: variant.ident.clone(),
            method: names::method(&variant.ident),
            fields: name_params(fields, &kind),
            kind,
            loose,
            priority: priority.is_some(),
            redact,
        }
    }

    /// Puts the enum's name where `Self` stands, which in the stub is the stub.
    fn replace_self(&mut self, own: &Type) {
        self.fields.iter_mut().for_each(|field| self_type::replace_self(&mut field.ty, own));
        match &mut self.kind {
            Kind::Call { answer, .. } => self_type::replace_self(answer, own),
            Kind::From { source: Some(source), .. } => self_type::replace_self(source, own),
            Kind::Cast | Kind::From { source: None, .. } => {}
        }
    }

    /// Whether the message may leave its node.
    pub(crate) fn travels(&self) -> bool {
        self.loose.is_none() && !matches!(self.kind, Kind::From { system: true, .. })
    }

    /// The fields that a sender gives.
    pub(crate) fn given(&self) -> impl Iterator<Item = &Field> {
        let reply = match self.kind {
            Kind::Call { reply, .. } => Some(reply),
            _ => None,
        };
        self.fields.iter().enumerate().filter(move |(index, _)| Some(*index) != reply).map(|(_, field)| field)
    }
}

fn read_fields(
    fields: &mut Fields,
    on_variant: &mut Option<Attribute>,
    (borrows, local): (bool, bool),
    errors: &mut Errors,
) -> Vec<Field> {
    let named = matches!(fields, Fields::Named(_));
    let mut read = Vec::new();
    for (index, field) in fields.iter_mut().enumerate() {
        if let Some(from) = attr::take(&mut field.attrs, "from") {
            errors.push(&from, "`#[from]` stands on the variant, not on its field");
            on_variant.get_or_insert(from);
        }
        if let Some(priority) = attr::take(&mut field.attrs, "priority") {
            errors.push(&priority, "`#[priority]` stands on the variant, not on its field");
        }
        let redact = take_redact(&mut field.attrs, errors);
        let cfgs = attr::cfgs(&field.attrs);
        if let (false, Some(cfg)) = (named, cfgs.first()) {
            errors.push(cfg, "`#[cfg]` on a field without a name shifts its neighbours: name the fields");
        }
        if let Some(unfit) = Unsendable::find(&field.ty, local).filter(|_| !borrows) {
            errors.push(&unfit, format!("a message owns its parts: {}", unfit.advice()));
            field.ty = sendable(field.ty.clone());
        }
        let member = match &field.ident {
            Some(name) => Member::Named(name.clone()),
            None => Member::Unnamed(index.into()),
        };
        let param = field.ident.clone().unwrap_or_else(|| names::argument(index, 0));
        read.push(Field { cfgs, member, ty: field.ty.clone(), param, redact });
    }
    read
}

fn take_redact(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Option<Attribute> {
    let redact = attr::take(attrs, "redact")?;
    attr::expect_no_arguments(&redact, errors);
    while let Some(again) = attr::take(attrs, "redact") {
        errors.push(again, "`#[redact]` is written twice");
    }
    Some(redact)
}

fn read_kind(
    variant: &syn::Variant,
    fields: &[Field],
    from: Option<Attribute>,
    borrows: bool,
    errors: &mut Errors,
) -> Kind {
    if let Some(attr) = from {
        attr::expect_no_arguments(&attr, errors);
        if let [field] = fields {
            return Kind::From { attr, system: types::is_system_message(&field.ty), source: Some(field.ty.clone()) };
        }
        errors.push(&variant.ident, format!("`#[from]` needs exactly one field: `{}(Type)`", variant.ident));
    }
    let mut replies =
        fields.iter().enumerate().filter_map(|(index, field)| Some((index, field, types::reply_type(&field.ty)?)));
    let Some((reply, field, answer)) = replies.next() else { return Kind::Cast };
    if let Some((_, again, _)) = replies.next() {
        errors.push(&again.ty, "`Reply` twice in one variant: a call has one answer");
    }
    if let Some(cfg) = field.cfgs.first() {
        errors.push(cfg, "`#[cfg]` on a `Reply` would make a call a cast: put it on the variant");
    }
    Kind::Call { reply, answer: if borrows { sendable(answer.clone()) } else { answer.clone() } }
}

/// Tuple fields take their parameters' names once it is known which of them a sender gives.
fn name_params(mut fields: Vec<Field>, kind: &Kind) -> Vec<Field> {
    let reply = match kind {
        Kind::Call { reply, .. } => Some(*reply),
        _ => None,
    };
    let count = fields.len() - usize::from(reply.is_some());
    let given = fields.iter_mut().enumerate().filter(|(index, _)| Some(*index) != reply);
    for (place, (_, field)) in given.enumerate() {
        if matches!(field.member, Member::Unnamed(_)) {
            field.param = names::argument(place, count);
        }
    }
    fields
}

impl ToTokens for Field {
    /// As in the shape: `priority: u8`.
    fn to_tokens(&self, out: &mut proc_macro2::TokenStream) {
        if let Member::Named(name) = &self.member {
            out.extend(quote::quote!(#name:));
        }
        self.ty.to_tokens(out);
    }
}
