//! Small questions to syntax trees that several macros ask.

use proc_macro2::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::Parse;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, ExprLit, GenericArgument, GenericParam, Generics, Lifetime, Lit, Meta, Path, PathArguments,
    PathSegment, Type, TypeParamBound, TypePath, TypePtr, TypeReference, TypeTraitObject, Visibility, parse_quote,
};

use crate::diag::Errors;
use crate::names::private;

/// The attributes that whatever is derived from an item repeats: `#[cfg(..)]`.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect()
}

/// Documentation and deprecation, which a generated function repeats.
pub(crate) fn docs(attrs: &[Attribute]) -> Vec<Attribute> {
    let repeated = |attr: &&Attribute| attr.path().is_ident("doc") || attr.path().is_ident("deprecated");
    attrs.iter().filter(repeated).cloned().collect()
}

/// Whether any of the attributes is prose.
pub(crate) fn has_prose(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| prose(attr).is_some())
}

/// The first paragraph of the documentation.
pub(crate) fn first_paragraph(attrs: &[Attribute]) -> Vec<&Attribute> {
    attrs
        .iter()
        .filter_map(|attr| Some((attr, prose(attr)?)))
        .skip_while(|(_, text)| text.trim().is_empty())
        .take_while(|(_, text)| !text.trim().is_empty())
        .map(|(attr, _)| attr)
        .collect()
}

fn prose(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attr.meta else { return None };
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if attr.path().is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

/// Takes an attribute of ours off an item.
pub(crate) fn take(attrs: &mut Vec<Attribute>, name: &str) -> Option<Attribute> {
    let index = attrs.iter().position(|attr| attr.path().is_ident(name))?;
    Some(attrs.remove(index))
}

/// Demands that an attribute stands alone, as `#[from]`.
pub(crate) fn bare(attr: &Attribute, errors: &mut Errors) {
    if !matches!(attr.meta, Meta::Path(_)) {
        let name = attr.path().to_token_stream();
        errors.push(&attr.meta, format!("`#[{name}]` takes nothing"));
    }
}

/// What stands in an attribute's parentheses; nothing if it has none.
pub(crate) fn arguments(attr: &Attribute, errors: &mut Errors) -> TokenStream {
    match &attr.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens.clone(),
        Meta::NameValue(pair) => {
            let name = attr.path().to_token_stream();
            errors.push(&pair.value, format!("options stand in parentheses: `#[{name}(..)]`"));
            TokenStream::new()
        }
    }
}

/// The last word of a type's path: `greenroom::Reply<u8>` → `Reply`.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

/// Whether a type's last word is `word`.
pub(crate) fn is_named(ty: &Type, word: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == word)
}

/// Where something begins and where it ends: what lies between is pointed at as a whole.
pub(crate) fn ends(tokens: impl ToTokens) -> (Span, Span) {
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

/// Whether a type is one of the runtime's own messages.
pub(crate) fn is_system(ty: &Type) -> bool {
    ["Down", "ExitSignal", "NodeEvent"].iter().any(|word| is_named(ty, word))
}

/// `Reply<T>` → `T`.
pub(crate) fn answer(ty: &Type) -> Option<&Type> {
    only_argument(last_segment(ty).filter(|segment| segment.ident == "Reply")?)
}

/// Says once that a process outlives every borrow, if there are lifetimes.
pub(crate) fn refuse_lifetimes(what: &str, generics: &Generics, errors: &mut Errors) -> bool {
    let first = generics.lifetimes().next();
    if let Some(lifetime) = first {
        errors.push(
            lifetime,
            format!("{what} cannot borrow: it outlives every lifetime; own the data, or share it by `Arc`"),
        );
    }
    first.is_some()
}

/// The generics without what was refused.
pub(crate) fn without_lifetimes(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    if generics.lifetimes().next().is_some() {
        generics.where_clause = None;
        generics.params =
            generics.params.into_iter().filter(|param| !matches!(param, GenericParam::Lifetime(_))).collect();
    }
    generics
}

/// The generics with these bounds on every type parameter.
pub(crate) fn bounded(generics: &Generics, bounds: &TokenStream) -> Generics {
    let mut generics = generics.clone();
    let params: Vec<Ident> = generics.type_params().map(|param| param.ident.clone()).collect();
    if !params.is_empty() {
        let clause = generics.make_where_clause();
        for param in params {
            clause.predicates.push(parse_quote!(#param: #bounds));
        }
    }
    generics
}

/// What a message's type parameters must be able to do: to be sent, and to travel unless local.
pub(crate) fn message_bounds(local: bool) -> TokenStream {
    let private = private();
    let mut bounds = quote!(::core::marker::Send + 'static);
    if !local {
        bounds.extend(quote!(+ #private::Serialize + #private::DeserializeOwned));
    }
    bounds
}

/// The generics of an impl that goes on as if these messages may move: whether they do is the protocol's own to tell.
pub(crate) fn passing(generics: &Generics, message: &TokenStream) -> Generics {
    let (mut generics, private) = (generics.clone(), private());
    generics.make_where_clause().predicates.push(parse_quote!(for<'m> #message: #private::Passes<'m>));
    generics
}

/// The generics with a parameter in front, for `impl<'de, T>`.
pub(crate) fn with_param(generics: &Generics, param: GenericParam) -> Generics {
    let mut generics = generics.clone();
    generics.params.insert(0, param);
    generics
}

/// The first part of a type that no message can hold: a borrow, or what stays on its thread.
pub(crate) enum Unfit {
    Borrow(TypeReference),
    /// `Rc<T>` or `Arc<RefCell<T>>`, with what it shares.
    Shared(PathSegment, Type),
    Pointer(TypePtr),
    /// `dyn FnOnce()`, of whatever thread it may be.
    Object(TypeTraitObject),
}

impl Unfit {
    /// Looks for it. What other nodes send is not `'static` either.
    pub(crate) fn find(ty: &Type, local: bool) -> Option<Unfit> {
        struct Find(Option<Unfit>, bool);
        impl<'ast> Visit<'ast> for Find {
            fn visit_type_reference(&mut self, node: &'ast TypeReference) {
                let is_static = node.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
                if !(is_static && self.1) {
                    self.0.get_or_insert_with(|| Unfit::Borrow(node.clone()));
                }
                visit::visit_type_reference(self, node);
            }
            fn visit_path_segment(&mut self, node: &'ast PathSegment) {
                if let Some(inner) = shared(node) {
                    self.0.get_or_insert_with(|| Unfit::Shared(node.clone(), inner.clone()));
                }
                visit::visit_path_segment(self, node);
            }
            fn visit_type_ptr(&mut self, node: &'ast TypePtr) {
                self.0.get_or_insert_with(|| Unfit::Pointer(node.clone()));
            }
            fn visit_type_trait_object(&mut self, node: &'ast TypeTraitObject) {
                if stays(node) {
                    self.0.get_or_insert_with(|| Unfit::Object(node.clone()));
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
            Unfit::Borrow(reference) => {
                let (borrowed, owned) = (text(&reference.elem), text(owned(&reference.elem)));
                if is_named(&reference.elem, "Reply") || text(&reference.lifetime) == "'static" && borrowed != owned {
                    format!("`{owned}` in place of `{}`", text(reference))
                } else if borrowed == owned {
                    format!("`{owned}` or `Arc<{owned}>` in place of `&{borrowed}`")
                } else {
                    format!("`{owned}` in place of `&{borrowed}`")
                }
            }
            Unfit::Shared(written, inner) => {
                let shared = match cell(inner).and_then(only_argument) {
                    Some(inner) => format!("Mutex<{}>", text(inner)),
                    None => text(inner),
                };
                format!("`Arc<{shared}>`, which may change threads, in place of `{}`", text(written))
            }
            Unfit::Pointer(pointer) => {
                format!("what it points to, which may change threads, in place of `{}`", text(pointer))
            }
            Unfit::Object(object) => {
                let written = text(object);
                format!("`{written} + Send`, which may change threads, in place of `{written}`")
            }
        }
    }
}

impl ToTokens for Unfit {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Unfit::Borrow(reference) => reference.to_tokens(tokens),
            Unfit::Shared(segment, _) => segment.to_tokens(tokens),
            Unfit::Pointer(pointer) => pointer.to_tokens(tokens),
            Unfit::Object(object) => object.to_tokens(tokens),
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

/// `Thing<T>` → `T`.
fn only_argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    match (arguments.args.first(), arguments.args.len()) {
        (Some(GenericArgument::Type(argument)), 1) => Some(argument),
        _ => None,
    }
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
pub(crate) fn fit(mut ty: Type) -> Type {
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

/// Puts the type itself where `Self` stands, since `Self` is another type in the generated enum.
pub(crate) fn replace_self(ty: &mut Type, actor: &Type) {
    replace_self_in(ty, actor);
}

/// The same for bounds.
pub(crate) fn replace_self_in_generics(generics: &mut Generics, actor: &Type) {
    let mut bounds = generics.where_clause.take();
    replace_self_in(generics, actor);
    replace_self_in(&mut bounds, actor);
    generics.where_clause = bounds;
}

fn replace_self_in<T: ToTokens + Parse>(node: &mut T, actor: &Type) {
    // What was read stays readable with one type in place of another.
    if let Ok(replaced) = syn::parse2(without_self(node.to_token_stream(), actor)) {
        *node = replaced;
    }
}

fn without_self(tokens: TokenStream, actor: &Type) -> TokenStream {
    let mut out = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "Self" => match tokens.peek() {
                // `Self::Item`, but not `Self: Clone`.
                Some(TokenTree::Punct(colon)) if colon.as_char() == ':' && colon.spacing() == Spacing::Joint => {
                    out.extend(quote!(<#actor>));
                }
                _ => actor.to_tokens(&mut out),
            },
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), without_self(group.stream(), actor));
                inside.set_span(group.span());
                out.extend([TokenTree::Group(inside)]);
            }
            token => out.extend([token]),
        }
    }
    out
}

/// How far a visibility reaches, to find the widest.
pub(crate) fn reach(vis: &Visibility) -> u8 {
    match vis {
        Visibility::Public(_) => 3,
        Visibility::Restricted(restricted) if restricted.path.is_ident("crate") => 2,
        Visibility::Restricted(restricted) if !restricted.path.is_ident("self") => 1,
        _ => 0,
    }
}

/// Tokens as one writes them: `Vec<String>`, not `Vec < String >`. Two spellings of a type are one text.
pub(crate) fn text(tokens: impl ToTokens) -> String {
    let mut out = String::new();
    write(tokens.to_token_stream(), &mut out);
    out
}

fn write(tokens: TokenStream, out: &mut String) {
    let mut joint = false;
    for token in tokens {
        let word_before = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                write(group.stream(), out);
                if out.ends_with(',') {
                    out.pop();
                }
                out.push_str(close);
                joint = false;
            }
            TokenTree::Punct(punct) => {
                let (mark, second) = (punct.as_char(), joint);
                if !second && matches!(mark, '+' | '=' | '-') && !out.is_empty() {
                    out.push(' ');
                }
                out.push(mark);
                joint = punct.spacing() == Spacing::Joint && mark != '\'';
                let alone = !joint && !second && matches!(mark, ',' | ';' | ':' | '+' | '=');
                if alone || (second && out.ends_with("->")) {
                    out.push(' ');
                }
            }
            word => {
                if word_before {
                    out.push(' ');
                }
                out.push_str(&word.to_string());
                joint = false;
            }
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
}

/// `path::to::Thing` with one word only, and no arguments.
pub(crate) fn is_word(path: &Path, word: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == word)
}

/// All predicates of several `#[cfg]`s as one: `all(a, b)`.
pub(crate) fn predicate(cfgs: &[Attribute]) -> TokenStream {
    let predicates = cfgs.iter().filter_map(|attr| match &attr.meta {
        Meta::List(list) => Some(&list.tokens),
        _ => None,
    });
    quote!(all(#(#predicates),*))
}

/// `: Type` where a type is a parameter by itself: `T`.
pub(crate) fn is_type_param(ty: &Type, generics: &Generics) -> bool {
    let Type::Path(TypePath { qself: None, path, .. }) = ty else { return false };
    path.get_ident().is_some_and(|ident| generics.type_params().any(|param| param.ident == *ident))
}

/// `<T, U>` as arguments, each parameter by its name, with a leading `::` never needed.
pub(crate) fn argument_list(generics: &Generics) -> Vec<&Ident> {
    generics
        .params
        .iter()
        .filter_map(|param| match param {
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
            GenericParam::Lifetime(_) => None,
        })
        .collect()
}

/// Whether the arguments of the self type are the parameters of its impl, in order.
pub(crate) fn same_arguments(segment: &PathSegment, generics: &Generics) -> bool {
    let params = argument_list(generics);
    match &segment.arguments {
        PathArguments::None => params.is_empty(),
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.len() == params.len()
                && arguments.args.iter().zip(params).all(|(argument, param)| text(argument) == text(param))
        }
        PathArguments::Parenthesized(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_as_written() {
        for (tokens, expected) in [
            (quote!(Vec<Option<String>>), "Vec<Option<String>>"),
            (quote!(HashMap<u8, std::sync::Arc<str>>), "HashMap<u8, std::sync::Arc<str>>"),
            (quote!([u8; 4]), "[u8; 4]"),
            (quote!((u8, &'static str,)), "(u8, &'static str)"),
            (quote!(Box<dyn Fn(u8) -> u8 + Send>), "Box<dyn Fn(u8) -> u8 + Send>"),
            (quote!(<T as Iterator>::Item), "<T as Iterator>::Item"),
            (quote!(priority: u8, body: Vec<u8>), "priority: u8, body: Vec<u8>"),
        ] {
            assert_eq!(text(tokens), expected);
        }
    }

    #[test]
    fn self_becomes_the_actor() {
        let actor: Type = parse_quote!(Counter<T>);
        let mut ty: Type = parse_quote!(Vec<(Self, Self::Item)>);
        replace_self(&mut ty, &actor);
        assert_eq!(text(ty), "Vec<(Counter<T>, <Counter<T>>::Item)>");
    }
}
