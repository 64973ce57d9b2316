//! The type whose functions encode and decode a field.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::model::Variant;
use crate::names::{hidden, private_at};
use crate::syntax::types;

/// Returns the type with the functions that encode and decode a field: the field's type, as the trait that does so. All
/// tokens have the span of the type: `encode` and `decode` cause the same error for a type without serde's traits, and
/// rustc prints equal errors once.
pub(super) fn field_codec(variant: &Variant, position: usize) -> TokenStream {
    let field = &variant.fields[position];
    let ty = &field.ty;
    let private = private_at(ty.span());
    if field.serde.has_functions() {
        let functions = functions_name(variant, position);
        return quote_spanned!(ty.span()=> #private::FieldWith::<#ty, #functions>);
    }
    // For a field with the type of a system message, the error suggests `#[from]` instead of serde.
    let codec = if types::is_system_message(ty) { "SenderField" } else { "RemoteField" };
    let codec = Ident::new(codec, ty.span());
    quote_spanned!(ty.span()=> <#ty as #private::#codec>)
}

/// Returns the name of the type with the functions of a field.
pub(super) fn functions_name(variant: &Variant, position: usize) -> Ident {
    let ident = &variant.ident;
    hidden(&format_ident!("{}Field{position}", ident.unraw(), span = ident.span()))
}
