//! `#[serde(..)]` on the fields and variants of a protocol, and `#[default]`.
//!
//! serde's derive does not see a protocol, so the attributes are read here. They have serde's meaning, for the messages
//! that another version of the program has sent.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, ExprPath, LitStr, Token};

use super::attr;
use crate::diag::{self, Errors};

/// The attributes of one field or variant.
#[derive(Default)]
pub(crate) struct SerdeAttrs {
    /// The name in messages, if it is not that in the program.
    pub(crate) rename: Option<LitStr>,
    /// Further names by which it is read.
    pub(crate) aliases: Vec<LitStr>,
    /// The value of a field that was not sent.
    pub(crate) default: Option<FieldDefault>,
    /// The functions that write and read the field instead of its type's traits.
    pub(crate) serialize_with: Option<ExprPath>,
    pub(crate) deserialize_with: Option<ExprPath>,
}

/// The default of a field.
pub(crate) enum FieldDefault {
    /// The default of its type.
    Type,
    /// The result of a function.
    Function(ExprPath),
}

/// The attributes that are read, on a field and on a variant.
const OF_FIELD: &[&str] = &["default", "rename", "alias", "with", "serialize_with", "deserialize_with"];
const OF_VARIANT: &[&str] = &["rename", "alias"];

impl SerdeAttrs {
    /// Takes the attributes of a field out of `attrs`.
    pub(crate) fn of_field(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> SerdeAttrs {
        let mut parsed = SerdeAttrs::parse(attrs, "a field", OF_FIELD, errors);
        if let Some(default) = attr::take_one(attrs, "default", errors) {
            attr::expect_no_arguments(&default, errors);
            parsed.default.get_or_insert(FieldDefault::Type);
        }
        parsed
    }

    /// Takes the attributes of a variant out of `attrs`.
    pub(crate) fn of_variant(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> SerdeAttrs {
        SerdeAttrs::parse(attrs, "a variant", OF_VARIANT, errors)
    }

    fn parse(attrs: &mut Vec<Attribute>, place: &str, known: &[&str], errors: &mut Errors) -> SerdeAttrs {
        let mut parsed = SerdeAttrs::default();
        attrs.retain(|attribute| {
            let is_serde = attribute.path().is_ident("serde");
            if is_serde {
                errors.record(attribute.parse_nested_meta(|meta| parsed.read(&meta, place, known)));
            }
            !is_serde
        });
        parsed
    }

    fn read(&mut self, meta: &ParseNestedMeta<'_>, place: &str, known: &[&str]) -> syn::Result<()> {
        let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        if !known.contains(&name.as_str()) {
            return Err(diag::error(
                syn::spanned::Spanned::span(&meta.path),
                format!("`{name}` of serde is not possible on {place} of a protocol"),
                format!("expected {}; other attributes belong to the types of the fields", diag::one_of(known)),
            ));
        }
        let text = || meta.value()?.parse::<LitStr>();
        match name.as_str() {
            "default" if meta.input.peek(Token![=]) => self.default = Some(FieldDefault::Function(text()?.parse()?)),
            "default" => self.default = Some(FieldDefault::Type),
            "rename" => self.rename = Some(text()?),
            "alias" => self.aliases.push(text()?),
            "serialize_with" => self.serialize_with = Some(text()?.parse()?),
            "deserialize_with" => self.deserialize_with = Some(text()?.parse()?),
            _ => {
                let module = text()?.parse::<ExprPath>()?;
                self.serialize_with = Some(function(&module, "serialize"));
                self.deserialize_with = Some(function(&module, "deserialize"));
            }
        }
        Ok(())
    }

    /// Returns the names by which a field or a variant is read: its own first.
    pub(crate) fn names(&self, own: &str) -> Vec<String> {
        let own = self.rename.as_ref().map_or_else(|| own.to_owned(), LitStr::value);
        std::iter::once(own).chain(self.aliases.iter().map(LitStr::value)).collect()
    }

    /// Returns true if functions write or read the field.
    pub(crate) fn has_functions(&self) -> bool {
        self.serialize_with.is_some() || self.deserialize_with.is_some()
    }
}

/// Returns the path of a function in a module.
fn function(module: &ExprPath, name: &str) -> ExprPath {
    let mut path = module.clone();
    path.path.segments.push(syn::Ident::new(name, syn::spanned::Spanned::span(module)).into());
    path
}
