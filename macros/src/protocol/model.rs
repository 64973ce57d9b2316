//! A protocol, resolved from the enum: which variant is a cast, a call or a message from the runtime.

use proc_macro2::Ident;
use syn::punctuated::Punctuated;
use syn::{Attribute, Fields, Generics, ItemEnum, LitInt, LitStr, Member, Path, Token, Type, Visibility, parse_quote};

use super::options::ProtocolOptions;
use crate::diag::Errors;
use crate::names;
use crate::syntax::serde_attrs::SerdeAttrs;
use crate::syntax::unsendable::{Unsendable, sendable};
use crate::syntax::{attr, generics, self_type, types};

/// A protocol.
pub(crate) struct Model {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    /// The actor whose methods define the protocol.
    pub(crate) actor: Option<Ident>,
    /// The actor's type, whose options determine the type of the stub's casts.
    pub(crate) actor_type: Option<Type>,
    pub(crate) stub: Ident,
    pub(crate) generics: Generics,
    pub(crate) local: bool,
    /// Set if a crash report shows the last message.
    pub(crate) debug: bool,
    pub(crate) version: Option<LitInt>,
    /// The name that two nodes compare, if it is not that of the enum.
    pub(crate) name: Option<LitStr>,
    pub(crate) variants: Vec<Variant>,
    /// The variant of a generic actor's messages that mentions the type parameters.
    pub(crate) unused: Option<Ident>,
    /// Set after an error about lifetime parameters.
    pub(crate) has_lifetimes: bool,
}

/// One variant of the enum.
pub(crate) struct Variant {
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) ident: Ident,
    /// The stub's method.
    pub(crate) method: Ident,
    /// The visibility of the stub's method, if it is not that of the stub.
    pub(crate) vis: Option<Visibility>,
    pub(crate) fields: Vec<Field>,
    pub(crate) kind: MessageKind,
    /// Set after an error in the variant: the stub's method takes this many arguments of any type.
    pub(crate) placeholder_args: Option<usize>,
    pub(crate) priority: bool,
    /// No other node can send the message.
    pub(crate) private: bool,
    pub(crate) redact: Option<Attribute>,
    pub(crate) serde: SerdeAttrs,
}

pub(crate) enum MessageKind {
    Cast,
    /// Answered through the field at the index `reply_field`, with a value of the type `answer`.
    Call {
        reply_field: usize,
        answer: Type,
    },
    /// Converted from its only field, of the type `source`. The stub has no method for it. `source` is `None` after an
    /// error.
    From {
        attr: Attribute,
        system: bool,
        source: Option<Type>,
    },
}

/// A field of a variant.
pub(crate) struct Field {
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) member: Member,
    pub(crate) ty: Type,
    /// The stub method's parameter.
    pub(crate) param: Ident,
    pub(crate) redact: Option<Attribute>,
    /// The `#[allow]` and `#[expect]` attributes.
    pub(crate) lint_levels: Vec<Attribute>,
    pub(crate) serde: SerdeAttrs,
}

impl Model {
    /// Parses the enum, and removes greenroom's attributes from it.
    pub(crate) fn parse(item: &mut ItemEnum, options: ProtocolOptions, errors: &mut Errors) -> Model {
        let has_lifetimes = generics::reject_lifetimes("a protocol", &item.generics, errors);
        let written = derives_serde(&item.attrs).then(|| item.variants.clone());
        let mut variants = Vec::new();
        let mut unused = None;
        for variant in &mut item.variants {
            if variant.ident == names::unused() {
                unused = Some(variant.ident.clone());
            } else {
                variants.push(Variant::parse(variant, (has_lifetimes, options.local), errors));
            }
        }
        for (variant, written) in item.variants.iter_mut().zip(written.iter().flatten()) {
            keep_serde(variant, written);
        }
        let (ident, (_, arguments, _)) = (&item.ident, item.generics.split_for_impl());
        let self_ty: Type = parse_quote!(#ident #arguments);
        variants.iter_mut().for_each(|variant| variant.replace_self(&self_ty));
        Model {
            attrs: item.attrs.clone(),
            cfgs: attr::cfgs(&item.attrs),
            vis: item.vis.clone(),
            ident: item.ident.clone(),
            actor: None,
            actor_type: None,
            stub: names::stub(&item.ident),
            generics: item.generics.clone(),
            local: options.local,
            debug: options.debug,
            version: options.version,
            name: options.name,
            variants,
            unused,
            has_lifetimes,
        }
    }

    /// Returns the generics of every generated impl.
    pub(crate) fn impl_generics(&self) -> Generics {
        generics::with_bounds(&self.generics, &generics::message_bounds(self.local))
    }

    /// Returns true if the indexes of the variants depend on the crate's features.
    pub(crate) fn has_cfg_variants(&self) -> bool {
        self.variants.iter().any(|variant| !variant.cfgs.is_empty())
    }

    /// Returns true if the enum or a variant is deprecated, so that generated code has to allow that.
    pub(crate) fn has_deprecated_parts(&self) -> bool {
        let deprecated = |attrs: &[Attribute]| attrs.iter().any(|attr| attr.path().is_ident("deprecated"));
        deprecated(&self.attrs) || self.variants.iter().any(|variant| deprecated(&variant.docs))
    }
}

/// Returns true if the enum derives a trait of serde, whose derive reads the same attributes.
fn derives_serde(attrs: &[Attribute]) -> bool {
    let is_serde = |path: &Path| attr::path_ends_with(path, "Serialize") || attr::path_ends_with(path, "Deserialize");
    attrs.iter().filter(|attr| attr.path().is_ident("derive")).any(|attr| {
        let derived = attr.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
        derived.is_ok_and(|derived| derived.iter().any(is_serde))
    })
}

/// Writes the `#[serde]` attributes of a variant and its fields back.
fn keep_serde(variant: &mut syn::Variant, written: &syn::Variant) {
    let serde = |attrs: &[Attribute]| attrs.iter().filter(|attr| attr.path().is_ident("serde")).cloned().collect();
    variant.attrs.extend::<Vec<_>>(serde(&written.attrs));
    for (field, written) in variant.fields.iter_mut().zip(&written.fields) {
        field.attrs.extend::<Vec<_>>(serde(&written.attrs));
    }
}

impl Variant {
    fn parse(variant: &mut syn::Variant, (has_lifetimes, local): (bool, bool), errors: &mut Errors) -> Variant {
        let mut from = attr::take_one(&mut variant.attrs, "from", errors);
        let priority = attr::take_one(&mut variant.attrs, "priority", errors);
        if let Some(priority) = &priority {
            attr::expect_no_arguments(priority, errors);
        }
        let private = attr::take_one(&mut variant.attrs, "private", errors);
        if let Some(private) = &private {
            attr::expect_no_arguments(private, errors);
        }
        let local = local || private.is_some();
        let redact = take_redact(&mut variant.attrs, errors);
        let serde = SerdeAttrs::of_variant(&mut variant.attrs, errors);
        if let Some((equals, _)) = &variant.discriminant {
            errors.push_help(
                equals,
                "a variant of a protocol cannot have a discriminant",
                "remove it; the position in the enum is the message's number",
            );
        }
        let before = errors.count();
        // The stub's method does not depend on serde's attributes.
        let mut serde_errors = Errors::default();
        let fields = parse_fields(&mut variant.fields, &mut from, (has_lifetimes, local), errors, &mut serde_errors);
        let kind = message_kind(variant, &fields, from, has_lifetimes, errors);
        if let (Some(private), MessageKind::From { system: true, .. }) = (&private, &kind) {
            errors.push_help(
                private,
                "`#[private]` is valid only on messages that processes send",
                "remove it; only the runtime sends this message",
            );
        }
        let placeholder_args = (has_lifetimes || errors.count() > before).then(|| {
            let replies = fields.iter().filter(|field| types::reply_type(&field.ty).is_some()).count();
            fields.len() - replies
        });
        errors.append(serde_errors);
        Variant {
            cfgs: attr::cfgs(&variant.attrs),
            docs: attr::docs(&variant.attrs),
            ident: variant.ident.clone(),
            method: names::method(&variant.ident),
            vis: None,
            fields: name_params(fields, &kind),
            kind,
            placeholder_args,
            priority: priority.is_some(),
            private: private.is_some(),
            redact,
            serde,
        }
    }

    /// Replaces `Self`, which would be the stub in the stub's impl.
    fn replace_self(&mut self, self_ty: &Type) {
        self.fields.iter_mut().for_each(|field| self_type::replace_self(&mut field.ty, self_ty));
        match &mut self.kind {
            MessageKind::Call { answer, .. } => self_type::replace_self(answer, self_ty),
            MessageKind::From { source: Some(source), .. } => self_type::replace_self(source, self_ty),
            MessageKind::Cast | MessageKind::From { source: None, .. } => {}
        }
    }

    /// Returns true if the message can be sent to another node.
    pub(crate) fn is_encodable(&self) -> bool {
        !self.private && self.placeholder_args.is_none() && !self.is_system()
    }

    /// Returns true if only the runtime makes the message.
    pub(crate) fn is_system(&self) -> bool {
        matches!(self.kind, MessageKind::From { system: true, .. })
    }

    /// Returns the fields that are parameters of the stub's method.
    pub(crate) fn method_params(&self) -> impl Iterator<Item = &Field> {
        let reply_field = self.kind.reply_field();
        self.fields.iter().enumerate().filter(move |(index, _)| Some(*index) != reply_field).map(|(_, field)| field)
    }
}

impl MessageKind {
    pub(super) fn reply_field(&self) -> Option<usize> {
        match self {
            MessageKind::Call { reply_field, .. } => Some(*reply_field),
            MessageKind::Cast | MessageKind::From { .. } => None,
        }
    }
}

fn parse_fields(
    fields: &mut Fields,
    from: &mut Option<Attribute>,
    (has_lifetimes, local): (bool, bool),
    errors: &mut Errors,
    serde_errors: &mut Errors,
) -> Vec<Field> {
    let named = matches!(fields, Fields::Named(_));
    let mut parsed = Vec::new();
    for (index, field) in fields.iter_mut().enumerate() {
        if let Some(misplaced) = attr::take(&mut field.attrs, "from") {
            errors.push_help(&misplaced, "`#[from]` cannot be used on a field", "move it to the variant");
            from.get_or_insert(misplaced);
        }
        for attribute in ["priority", "private"] {
            if let Some(misplaced) = attr::take(&mut field.attrs, attribute) {
                let text = format!("`#[{attribute}]` cannot be used on a field");
                errors.push_help(&misplaced, text, "move it to the variant");
            }
        }
        let redact = take_redact(&mut field.attrs, errors);
        let serde = SerdeAttrs::of_field(&mut field.attrs, serde_errors);
        let cfgs = attr::cfgs(&field.attrs);
        if let (false, Some(cfg)) = (named, cfgs.first()) {
            errors.push_help(
                cfg,
                "`#[cfg]` cannot be used on a field without a name",
                "give the fields names; without it the positions of the others would change",
            );
        }
        if let Some(unsendable) = Unsendable::find(&field.ty, local).filter(|_| !has_lifetimes) {
            unsendable.report("a message", errors);
            field.ty = sendable(field.ty.clone());
        }
        let member = match &field.ident {
            Some(name) => Member::Named(name.clone()),
            None => Member::Unnamed(index.into()),
        };
        let param = field.ident.clone().unwrap_or_else(|| names::argument(index, 0));
        let lint_levels = attr::lint_levels(&field.attrs);
        parsed.push(Field { cfgs, member, ty: field.ty.clone(), param, redact, lint_levels, serde });
    }
    parsed
}

fn take_redact(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Option<Attribute> {
    let redact = attr::take_one(attrs, "redact", errors)?;
    attr::expect_no_arguments(&redact, errors);
    Some(redact)
}

fn message_kind(
    variant: &syn::Variant,
    fields: &[Field],
    from: Option<Attribute>,
    has_lifetimes: bool,
    errors: &mut Errors,
) -> MessageKind {
    if let Some(attr) = from {
        attr::expect_no_arguments(&attr, errors);
        if let [field] = fields {
            let system = types::is_system_message(&field.ty);
            return MessageKind::From { attr, system, source: Some(field.ty.clone()) };
        }
        errors.push_help(
            &variant.ident,
            "a `#[from]` variant needs exactly one field",
            format!("write `{}(Type)`", variant.ident),
        );
    }
    let mut replies =
        fields.iter().enumerate().filter_map(|(index, field)| Some((index, field, types::reply_type(&field.ty)?)));
    let Some((reply_field, field, answer)) = replies.next() else { return MessageKind::Cast };
    if let Some((_, duplicate, _)) = replies.next() {
        errors.push_help(
            &duplicate.ty,
            "a call can have only one `Reply`",
            "send both values in one answer, such as `Reply<(A, B)>`",
        );
    }
    if let Some(cfg) = field.cfgs.first() {
        errors.push_help(
            cfg,
            "`#[cfg]` cannot be used on a `Reply`",
            "move it to the variant; without the field the call would be a cast",
        );
    }
    let answer = if has_lifetimes { sendable(answer.clone()) } else { answer.clone() };
    MessageKind::Call { reply_field, answer }
}

/// Names the parameters for tuple fields. The names depend on how many of the fields are parameters.
fn name_params(mut fields: Vec<Field>, kind: &MessageKind) -> Vec<Field> {
    let reply_field = kind.reply_field();
    let count = fields.len() - usize::from(reply_field.is_some());
    let params = fields.iter_mut().enumerate().filter(|(index, _)| Some(*index) != reply_field);
    for (position, (_, field)) in params.enumerate() {
        if matches!(field.member, Member::Unnamed(_)) {
            field.param = names::argument(position, count);
        }
    }
    fields
}
