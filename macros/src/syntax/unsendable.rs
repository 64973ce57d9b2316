//! Types that a message cannot contain: references, and types that are not `Send`.
//!
//! rustc reports them too, but at generated code. The search is by name: it finds the common cases, and rustc reports
//! the others.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    Expr, GenericArgument, Lifetime, Path, PathArguments, PathSegment, Type, TypeParamBound, TypePtr, TypeReference,
    TypeTraitObject, parse_quote,
};

use super::text::source_text;
use super::types::{is_named, last_segment, only_argument};
use crate::diag::Errors;

/// The first part of a type that a message cannot contain.
pub(crate) enum Unsendable {
    Reference(TypeReference),
    /// `Rc<T>` or `Arc<RefCell<T>>`, and `T` or `RefCell<T>`.
    Shared(PathSegment, Type),
    Pointer(TypePtr),
    /// A trait object without `Send`.
    Object(TypeTraitObject),
}

impl Unsendable {
    /// Searches the type. A message of a protocol that is not `local` is decoded, so it cannot contain a `'static`
    /// reference either.
    pub(crate) fn find(ty: &Type, local: bool) -> Option<Unsendable> {
        let mut search = Search { found: None, local };
        search.visit_type(ty);
        search.found
    }

    /// Adds the error that `owner`, for instance "a message", contains this.
    pub(crate) fn report(&self, owner: &str, errors: &mut Errors) {
        let (problem, help) = match self {
            Unsendable::Reference(reference) => ("a reference".to_owned(), reference_help(reference)),
            Unsendable::Shared(written, inner) => {
                let shared = match cell(inner).and_then(only_argument) {
                    Some(inner) => format!("Mutex<{}>", source_text(inner)),
                    None => source_text(inner),
                };
                (format!("`{}`, which is not `Send`", source_text(written)), format!("use `Arc<{shared}>`"))
            }
            Unsendable::Pointer(pointer) => (
                format!("`{}`, which is not `Send`", source_text(pointer)),
                "own the value, or share it in an `Arc`".to_owned(),
            ),
            Unsendable::Object(object) => {
                let written = source_text(object);
                (format!("`{written}`, which may not be `Send`"), format!("use `{written} + Send`"))
            }
        };
        errors.push_help(self, format!("{owner} cannot contain {problem}"), help);
    }
}

impl ToTokens for Unsendable {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Unsendable::Reference(reference) => reference.to_tokens(tokens),
            Unsendable::Shared(segment, _) => segment.to_tokens(tokens),
            Unsendable::Pointer(pointer) => pointer.to_tokens(tokens),
            Unsendable::Object(object) => object.to_tokens(tokens),
        }
    }
}

fn reference_help(reference: &TypeReference) -> String {
    let (borrowed, owned) = (source_text(&reference.elem), source_text(owned(&reference.elem)));
    let is_static = source_text(&reference.lifetime) == "'static";
    if is_named(&reference.elem, "Reply") || is_static && borrowed != owned {
        format!("use `{owned}` instead of `{}`", source_text(reference))
    } else if borrowed == owned {
        format!("use `{owned}` or `Arc<{owned}>` instead of `&{borrowed}`")
    } else {
        format!("use `{owned}` instead of `&{borrowed}`")
    }
}

struct Search {
    found: Option<Unsendable>,
    local: bool,
}

impl<'ast> Visit<'ast> for Search {
    fn visit_type_reference(&mut self, node: &'ast TypeReference) {
        let is_static = node.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
        if !(is_static && self.local) {
            self.found.get_or_insert_with(|| Unsendable::Reference(node.clone()));
        }
        visit::visit_type_reference(self, node);
    }

    fn visit_path_segment(&mut self, node: &'ast PathSegment) {
        if let Some(inner) = shared(node) {
            self.found.get_or_insert_with(|| Unsendable::Shared(node.clone(), inner.clone()));
        }
        visit::visit_path_segment(self, node);
    }

    fn visit_type_ptr(&mut self, node: &'ast TypePtr) {
        self.found.get_or_insert_with(|| Unsendable::Pointer(node.clone()));
    }

    fn visit_type_trait_object(&mut self, node: &'ast TypeTraitObject) {
        if may_lack_send(node) {
            self.found.get_or_insert_with(|| Unsendable::Object(node.clone()));
        }
        visit::visit_type_trait_object(self, node);
    }

    // `fn(&str)` and `dyn Fn(&str)` borrow during a call only.
    fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
    // The length of an array.
    fn visit_expr(&mut self, _: &'ast Expr) {}
}

/// Returns true if no bound of the trait object implies `Send`. That is known of closures, recognised by their
/// parentheses, and of traits named by a full path into `std` or `core`. A trait of the user may have `Send` as
/// supertrait.
fn may_lack_send(object: &TypeTraitObject) -> bool {
    object.bounds.iter().all(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            let (first, last) = (bound.path.segments.first(), bound.path.segments.last());
            let is_closure = last.is_some_and(|last| matches!(last.arguments, PathArguments::Parenthesized(_)));
            let is_from_std = first.is_some_and(|first| first.ident == "std" || first.ident == "core");
            is_closure || (is_from_std && last.is_some_and(|last| last.ident != "Send"))
        }
        _ => true,
    })
}

/// Returns `T` of `Rc<T>`, and `RefCell<T>` of `Arc<RefCell<T>>`.
fn shared(segment: &PathSegment) -> Option<&Type> {
    let is_arc_of_cell =
        |inner: &&Type| segment.ident == "Arc" && cell(inner).is_some_and(|cell| cell.ident == "RefCell");
    only_argument(segment).filter(|inner| segment.ident == "Rc" || is_arc_of_cell(inner))
}

/// Returns the last segment of `RefCell<T>` and `Cell<T>`.
fn cell(ty: &Type) -> Option<&PathSegment> {
    last_segment(ty).filter(|last| last.ident == "RefCell" || last.ident == "Cell")
}

/// Returns the owned type for a borrowed one: `String` for `str`.
fn owned(borrowed: &Type) -> Type {
    match borrowed {
        Type::Slice(slice) => {
            let element = &slice.elem;
            parse_quote!(Vec<#element>)
        }
        ty if is_named(ty, "str") => parse_quote!(String),
        ty if is_named(ty, "Path") => parse_quote!(PathBuf),
        ty => ty.clone(),
    }
}

/// Returns a similar type that a message can contain. After the error about the original type, the rest of the program
/// is checked with this one.
pub(crate) fn sendable(mut ty: Type) -> Type {
    make_sendable(&mut ty);
    ty
}

fn make_sendable(ty: &mut Type) {
    while let Type::Reference(reference) = ty {
        *ty = match &*reference.elem {
            Type::Slice(slice) => {
                let element = &slice.elem;
                parse_quote!(::std::vec::Vec<#element>)
            }
            elem if is_named(elem, "str") => parse_quote!(::std::string::String),
            elem if is_named(elem, "Path") => parse_quote!(::std::path::PathBuf),
            elem => elem.clone(),
        };
    }
    if let Type::TraitObject(object) = ty
        && may_lack_send(object)
    {
        object.bounds.push(parse_quote!(::core::marker::Send));
    }
    // A function pointer is `Send` whatever its parameter is. It still names the type, so that rustc does not report an
    // unused import.
    if matches!(ty, Type::Ptr(_)) || last_segment(ty).and_then(shared).is_some() {
        *ty = parse_quote!(fn(#ty));
    }
    match ty {
        Type::Array(array) => make_sendable(&mut array.elem),
        Type::Group(group) => make_sendable(&mut group.elem),
        Type::Paren(paren) => make_sendable(&mut paren.elem),
        Type::Slice(slice) => make_sendable(&mut slice.elem),
        Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(make_sendable),
        Type::TraitObject(object) => object.bounds.iter_mut().for_each(|bound| match bound {
            TypeParamBound::Trait(bound) => make_path_sendable(&mut bound.path),
            TypeParamBound::Lifetime(lifetime) => make_static(lifetime),
            _ => {}
        }),
        Type::Path(path) => {
            path.qself.iter_mut().for_each(|this| make_sendable(&mut this.ty));
            make_path_sendable(&mut path.path);
        }
        _ => {}
    }
}

fn make_path_sendable(path: &mut Path) {
    for segment in &mut path.segments {
        let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { continue };
        for argument in &mut arguments.args {
            match argument {
                GenericArgument::Type(ty) => make_sendable(ty),
                GenericArgument::AssocType(assoc) => make_sendable(&mut assoc.ty),
                GenericArgument::Lifetime(lifetime) => make_static(lifetime),
                _ => {}
            }
        }
    }
}

fn make_static(lifetime: &mut Lifetime) {
    lifetime.ident = Ident::new("static", lifetime.ident.span());
}
