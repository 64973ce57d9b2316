//! The identifiers that generated code declares, and how they follow from the user's names.

use proc_macro2::{Ident, Span};
use quote::{format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::{GenericParam, Generics};

/// Returns the name of a stub: `MailRef` for the protocol `Mail`. Actors and trees have stubs too.
pub(crate) fn stub(owner: &Ident) -> Ident {
    format_ident!("{}Ref", owner.unraw(), span = owner.span())
}

/// Returns a name that no code of the user has.
pub(crate) fn hidden(name: &Ident) -> Ident {
    format_ident!("__{}", name.unraw(), span = name.span())
}

/// Returns the name of the protocol that an actor's methods define: `CounterMessage` for `Counter`.
pub(crate) fn message(actor: &Ident) -> Ident {
    format_ident!("{}Message", actor.unraw(), span = actor.span())
}

/// Returns the name of the stub's method for a variant: `post` for `Post`, `get_url` for `GetURL`, `r#move` for `Move`.
pub(crate) fn method(variant: &Ident) -> Ident {
    ident(&snake_case(&variant.unraw().to_string()), variant.span())
}

/// Returns the name of the variant for an actor's method: `AddTwo` for `add_two`.
pub(crate) fn variant(method: &Ident) -> Ident {
    ident(&camel_case(&method.unraw().to_string()), method.span())
}

/// Returns the name of a stub method's parameter for a tuple field: `value` for the only one, else `arg0`, `arg1`.
pub(crate) fn argument(index: usize, count: usize) -> Ident {
    if count == 1 {
        Ident::new("value", Span::mixed_site())
    } else {
        format_ident!("arg{index}", span = Span::mixed_site())
    }
}

/// Returns the name of the function that makes a supervisor's child: `__start_log` for `log`.
pub(crate) fn start(child: &Ident) -> Ident {
    format_ident!("__start_{}", child.unraw(), span = child.span())
}

/// Returns the name of the function that names a child's node: `__on_log` for `log`.
pub(crate) fn on(child: &Ident) -> Ident {
    format_ident!("__on_{}", child.unraw(), span = child.span())
}

/// Returns the name of a local variable. Its hygiene hides it from user code.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(&format!("__{name}"), Span::mixed_site())
}

/// Returns the name of a parameter. It is hidden from user code as a [`local`] is, but has no prefix, since the
/// documentation shows it.
pub(crate) fn param(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// Returns the name of a type parameter of a generated method, different from those in `generics`.
pub(crate) fn type_param(name: &str, generics: &Generics) -> Ident {
    let taken = generics.params.iter().any(|param| match param {
        GenericParam::Type(param) => param.ident == name,
        GenericParam::Const(param) => param.ident == name,
        GenericParam::Lifetime(_) => false,
    });
    if taken { local(name) } else { param(name) }
}

/// Returns the name of one of several local variables.
pub(crate) fn nth(name: &str, index: usize) -> Ident {
    format_ident!("__{name}{index}", span = Span::mixed_site())
}

/// Returns the name of the variant that mentions a generic actor's type parameters. It cannot be constructed.
pub(crate) fn unused() -> Ident {
    Ident::new("__Unused", Span::call_site())
}

/// Returns the path of the runtime's items for generated code. Generated code uses no other path into the runtime.
pub(crate) fn private() -> proc_macro2::TokenStream {
    private_at(Span::call_site())
}

/// Returns the path of the runtime's items with the span of user code: rustc reports an error about it there.
pub(crate) fn private_at(span: Span) -> proc_macro2::TokenStream {
    quote_spanned!(span=> ::greenroom::__private)
}

/// Returns `name` as an identifier: raw for a keyword, with a trailing underscore for a keyword that cannot be raw.
fn ident(name: &str, span: Span) -> Ident {
    if syn::parse_str::<Ident>(name).is_ok() {
        return Ident::new(name, span);
    }
    match name {
        "self" | "Self" | "super" | "crate" | "_" => format_ident!("{name}_", span = span),
        keyword if syn::parse_str::<Ident>(&format!("r#{keyword}")).is_ok() => Ident::new_raw(keyword, span),
        other => format_ident!("_{other}", span = span),
    }
}

fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 4);
    for (index, &letter) in letters.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(|before| letters.get(before));
        let next_is_lower = letters.get(index + 1).is_some_and(|next| next.is_lowercase());
        let starts_word = letter.is_uppercase()
            && previous.is_some_and(|&last| {
                last.is_lowercase() || last.is_numeric() || (last.is_uppercase() && next_is_lower)
            });
        if starts_word {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

fn camel_case(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
            first.into_iter().chain(Some(letters.collect()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_become_methods() {
        for (variant, expected) in [
            ("Post", "post"),
            ("GetURL", "get_url"),
            ("GetURLFast", "get_url_fast"),
            ("HTTPGet", "http_get"),
            ("Add2", "add2"),
            ("Utf8Text", "utf8_text"),
            ("X", "x"),
            ("Move", "r#move"),
            ("Await", "r#await"),
            ("Crate", "crate_"),
            ("Super", "super_"),
        ] {
            let variant = Ident::new(variant, Span::call_site());
            assert_eq!(method(&variant).to_string(), expected, "{variant}");
        }
    }

    #[test]
    fn methods_become_variants() {
        for (method, expected) in
            [("add", "Add"), ("add_two", "AddTwo"), ("get_2d", "Get2d"), ("self_", "Self_"), ("_quiet", "Quiet")]
        {
            let method = Ident::new(method, Span::call_site());
            assert_eq!(variant(&method).to_string(), expected, "{method}");
        }
        assert_eq!(variant(&Ident::new_raw("move", Span::call_site())).to_string(), "Move");
    }
}
