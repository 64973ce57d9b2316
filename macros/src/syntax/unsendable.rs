//! Types that a message cannot hold: borrows, and what is bound to one thread.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    Expr, GenericArgument, Lifetime, Path, PathArguments, PathSegment, Type, TypeParamBound, TypePtr, TypeReference,
    TypeTraitObject, parse_quote,
};

use super::text::source_text;
use super::types::{is_named, last_segment, only_argument};

/// The first part of a type that no message can hold: a borrow, or what stays on its thread.
pub(crate) enum Unsendable {
    Borrow(TypeReference),
    /// `Rc<T>` or `Arc<RefCell<T>>`, with what it shares.
    Shared(PathSegment, Type),
    Pointer(TypePtr),
    /// `dyn FnOnce()`, of whatever thread it may be.
    Object(TypeTraitObject),
}

impl Unsendable {
    /// Looks for it. What other nodes send is not `'static` either.
    pub(crate) fn find(ty: &Type, local: bool) -> Option<Unsendable> {
        struct Find(Option<Unsendable>, bool);
        impl<'ast> Visit<'ast> for Find {
            fn visit_type_reference(&mut self, node: &'ast TypeReference) {
                let is_static = node.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
                if !(is_static && self.1) {
                    self.0.get_or_insert_with(|| Unsendable::Borrow(node.clone()));
                }
                visit::visit_type_reference(self, node);
            }
            fn visit_path_segment(&mut self, node: &'ast PathSegment) {
                if let Some(inner) = shared(node) {
                    self.0.get_or_insert_with(|| Unsendable::Shared(node.clone(), inner.clone()));
                }
                visit::visit_path_segment(self, node);
            }
            fn visit_type_ptr(&mut self, node: &'ast TypePtr) {
                self.0.get_or_insert_with(|| Unsendable::Pointer(node.clone()));
            }
            fn visit_type_trait_object(&mut self, node: &'ast TypeTraitObject) {
                if stays(node) {
                    self.0.get_or_insert_with(|| Unsendable::Object(node.clone()));
                }
                visit::visit_type_trait_object(self, node);
            }
            // `fn(&str)` and `dyn Fn(&str)` borrow for the call only.
            fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}
            fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
            // The length of an array.
            fn visit_expr(&mut self, _: &'ast Expr) {}
        }
        let mut find = Find(None, local);
        find.visit_type(ty);
        find.0
    }

    /// What to write in its place.
    pub(crate) fn advice(&self) -> String {
        match self {
            Unsendable::Borrow(reference) => {
                let (borrowed, owned) = (source_text(&reference.elem), source_text(owned(&reference.elem)));
                if is_named(&reference.elem, "Reply")
                    || source_text(&reference.lifetime) == "'static" && borrowed != owned
                {
                    format!("`{owned}` in place of `{}`", source_text(reference))
                } else if borrowed == owned {
                    format!("`{owned}` or `Arc<{owned}>` in place of `&{borrowed}`")
                } else {
                    format!("`{owned}` in place of `&{borrowed}`")
                }
            }
            Unsendable::Shared(written, inner) => {
                let shared = match cell(inner).and_then(only_argument) {
                    Some(inner) => format!("Mutex<{}>", source_text(inner)),
                    None => source_text(inner),
                };
                format!("`Arc<{shared}>`, which may change threads, in place of `{}`", source_text(written))
            }
            Unsendable::Pointer(pointer) => {
                format!("what it points to, which may change threads, in place of `{}`", source_text(pointer))
            }
            Unsendable::Object(object) => {
                let written = source_text(object);
                format!("`{written} + Send`, which may change threads, in place of `{written}`")
            }
        }
    }
}

impl ToTokens for Unsendable {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Unsendable::Borrow(reference) => reference.to_tokens(tokens),
            Unsendable::Shared(segment, _) => segment.to_tokens(tokens),
            Unsendable::Pointer(pointer) => pointer.to_tokens(tokens),
            Unsendable::Object(object) => object.to_tokens(tokens),
        }
    }
}

/// Whether what is behind a `dyn` may be bound to its thread. Known of closures by their parentheses, and of std's other
/// traits where they are named in full; a trait of the user's own may ask for `Send` itself.
fn stays(object: &TypeTraitObject) -> bool {
    object.bounds.iter().all(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            let (first, last) = (bound.path.segments.first(), bound.path.segments.last());
            let is_closure = last.is_some_and(|last| matches!(last.arguments, PathArguments::Parenthesized(_)));
            let is_of_std = first.is_some_and(|first| first.ident == "std" || first.ident == "core");
            is_closure || (is_of_std && last.is_some_and(|last| last.ident != "Send"))
        }
        _ => true,
    })
}

/// `Rc<T>` → `T`; `Arc<RefCell<T>>`, which is no better, → `RefCell<T>`.
fn shared(segment: &PathSegment) -> Option<&Type> {
    let is_no_better =
        |inner: &&Type| segment.ident == "Arc" && cell(inner).is_some_and(|cell| cell.ident == "RefCell");
    only_argument(segment).filter(|inner| segment.ident == "Rc" || is_no_better(inner))
}

/// `RefCell<T>`, `Cell<T>` → its segment.
fn cell(ty: &Type) -> Option<&PathSegment> {
    last_segment(ty).filter(|last| last.ident == "RefCell" || last.ident == "Cell")
}

/// What a message holds in place of a borrow: `String` for `&str`.
pub(crate) fn owned(borrowed: &Type) -> Type {
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

/// A type that a message can hold, so that what follows a mistake can be checked.
pub(crate) fn sendable(mut ty: Type) -> Type {
    make_fit(&mut ty);
    ty
}

fn make_fit(ty: &mut Type) {
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
        && stays(object)
    {
        object.bounds.push(parse_quote!(::core::marker::Send));
    }
    // A function of it may go anywhere, and still names what was imported.
    if matches!(ty, Type::Ptr(_)) || last_segment(ty).and_then(shared).is_some() {
        *ty = parse_quote!(fn(#ty));
    }
    match ty {
        Type::Array(array) => make_fit(&mut array.elem),
        Type::Group(group) => make_fit(&mut group.elem),
        Type::Paren(paren) => make_fit(&mut paren.elem),
        Type::Slice(slice) => make_fit(&mut slice.elem),
        Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(make_fit),
        Type::TraitObject(object) => object.bounds.iter_mut().for_each(|bound| match bound {
            TypeParamBound::Trait(bound) => make_path_fit(&mut bound.path),
            TypeParamBound::Lifetime(lifetime) => make_static(lifetime),
            _ => {}
        }),
        Type::Path(path) => {
            path.qself.iter_mut().for_each(|this| make_fit(&mut this.ty));
            make_path_fit(&mut path.path);
        }
        _ => {}
    }
}

fn make_path_fit(path: &mut Path) {
    for segment in &mut path.segments {
        let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { continue };
        for argument in &mut arguments.args {
            match argument {
                GenericArgument::Type(ty) => make_fit(ty),
                GenericArgument::AssocType(assoc) => make_fit(&mut assoc.ty),
                GenericArgument::Lifetime(lifetime) => make_static(lifetime),
                _ => {}
            }
        }
    }
}

fn make_static(lifetime: &mut Lifetime) {
    lifetime.ident = Ident::new("static", lifetime.ident.span());
}
