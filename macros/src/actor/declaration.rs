//! `#[actor]` on a struct: which protocol it speaks, and its options.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Generics, LitInt, LitStr, Type, parse_quote};

use crate::diag::Errors;
use crate::fallback;
use crate::names::{private, private_at};
use crate::syntax::{attr, generics, options};

/// The options of an actor's struct.
pub(super) const OPTIONS: &[&str] = &["protocol", "name", "trap_exit", "mailbox", "overflow", "sys"];

/// The struct, or the enum, that is an actor.
pub(super) struct Target<'a> {
    pub(super) ident: &'a Ident,
    pub(super) generics: &'a Generics,
    pub(super) attrs: &'a [Attribute],
}

#[derive(Default)]
struct Declared {
    protocol: Option<Type>,
    name: Option<LitStr>,
    trap_exit: bool,
    mailbox: Option<LitInt>,
    overflow: Option<(Ident, &'static str)>,
    sys: Option<Ident>,
}

/// What becomes of a message too many, as it is written and as the runtime calls it.
const OVERFLOW: &[(&str, &str)] =
    &[("wait", "Wait"), ("reject", "Reject"), ("drop_newest", "DropNewest"), ("drop_oldest", "DropOldest")];

/// All that the attribute adds to the struct.
pub(super) fn declare(attr: TokenStream, target: &Target<'_>, errors: &mut Errors) -> TokenStream {
    let mut declared = parse(attr, errors);
    if target.generics.type_params().next().is_some()
        && let Some(word) = declared.sys.take()
    {
        errors.push(&word, "`sys` is for an actor without type parameters: what they stand for may have no `Debug`");
    }
    if generics::reject_lifetimes("an actor", target.generics, errors) {
        // The impl says nothing of its own, but asks for this.
        return fallback::actor(target.ident, target.generics, target.attrs);
    }
    expand(&declared, target)
}

fn parse(attr: TokenStream, errors: &mut Errors) -> Declared {
    let mut declared = Declared::default();
    options::parse_with_misplaced("#[actor]", attr, OPTIONS, super::IMPL_OPTIONS, errors, |name, input| {
        match name.to_string().as_str() {
            "protocol" => declared.protocol = Some(options::value(name, "Mail", input)?),
            "trap_exit" => declared.trap_exit = options::flag(name, input)?,
            "mailbox" => {
                let capacity = options::number(name, "1024", input)?;
                if capacity.base10_parse::<u32>()? == 0 {
                    return Err(syn::Error::new(capacity.span(), "a mailbox holds at least one message"));
                }
                declared.mailbox = Some(capacity);
            }
            "sys" => declared.sys = options::flag(name, input)?.then(|| name.clone()),
            "overflow" => declared.overflow = Some((name.clone(), options::choice(name, OVERFLOW, input)?)),
            "name" => {
                let literal = options::string(name, "\"mail\"", input)?;
                if literal.value().is_empty() {
                    return Err(syn::Error::new(literal.span(), "a name has at least one letter"));
                }
                declared.name = Some(literal);
            }
            _ => {
                return Err(syn::Error::new(
                    name.span(),
                    format!(
                        "`{name}` stands where the protocol is written: `#[protocol({name})]` on the enum, or `#[actor({name})]` on the impl"
                    ),
                ));
            }
        }
        Ok(())
    });
    if let (Some((word, _)), None) = (&declared.overflow, &declared.mailbox) {
        errors.push(word, "`overflow` is about a bounded mailbox: add `mailbox = 1024`");
    }
    if let Some(word) = declared.sys.take_if(|_| declared.protocol.is_some()) {
        errors.push(&word, "`sys` is for a server, whose `#[actor] impl` takes one message after the other: an actor with `protocol = ..` takes them itself");
    }
    declared
}

/// `impl Declared`, and `impl Actor` where the struct names its protocol; where it does not, the actor's own
/// `#[actor] impl` has the protocol and writes that.
fn expand(declared: &Declared, target: &Target<'_>) -> TokenStream {
    let private = private();
    let Target { ident, generics, attrs } = target;
    let cfgs = attr::cfgs(attrs);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let kind = ident.unraw().to_string();
    let name = declared.name.iter();
    let trap_exit = declared.trap_exit.then(|| quote!(trap_exit: true,));
    let mailbox = declared.mailbox.as_ref().map(|capacity| quote!(mailbox: ::core::option::Option::Some(#capacity),));
    let overflow = declared.overflow.as_ref().map(|(word, policy)| {
        let policy = Ident::new(policy, word.span());
        quote!(overflow: #private::Overflow::#policy,)
    });
    let sys = declared.sys.as_ref().map(|_| quote!(sys: true,));
    let state = declared.sys.as_ref().map(|word| {
        let private = private_at(word.span());
        let state = quote_spanned!(word.span()=> <Self as #private::Showable>::STATE);
        quote!(const STATE: ::core::option::Option<#private::StateFn<Self>> = ::core::option::Option::Some(#state);)
    });
    let given = if declared.protocol.is_some() { quote!(#private::Given) } else { quote!(()) };
    let actor = declared.protocol.as_ref().map(|protocol| actor(protocol, declared.trap_exit, target));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #[allow(clippy::needless_update)]
        #[doc(hidden)]
        impl #impl_generics #private::Declared for #ident #ty_generics #where_clause {
            type Given = #given;
            const OPTIONS: #private::Options = #private::Options {
                kind: #kind,
                #(name: ::core::option::Option::Some(#name),)*
                #trap_exit
                #mailbox
                #overflow
                #sys
                ..#private::Options::DEFAULT
            };
            #state
        }
        #actor
    }
}

fn actor(protocol: &Type, trap_exit: bool, target: &Target<'_>) -> TokenStream {
    let private = private();
    let Target { ident, generics, attrs } = target;
    let cfgs = attr::cfgs(attrs);
    let mut generics = generics::with_bounds(generics, &quote!(::core::marker::Send + 'static));
    if generics.type_params().next().is_some() {
        // What the messages demand of the parameters is known where they are written, not here.
        let clause = generics.make_where_clause();
        clause.predicates.push(parse_quote!(#protocol: #private::Stubbed));
        if trap_exit {
            clause.predicates.push(parse_quote!(#protocol: #private::Receives<#private::ExitSignal>));
        }
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let mut options = quote!(<Self as #private::Declared>::OPTIONS);
    if trap_exit {
        let private = private_at(protocol.span());
        let traps = quote_spanned!(protocol.span()=> #private::traps_exit::<#protocol>);
        options = quote!(#traps(#options));
    }
    let speaks = quote_spanned!(protocol.span()=> type Protocol = #protocol;);
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics #private::Actor for #ident #ty_generics #where_clause {
            #speaks
            #[doc(hidden)]
            const OPTIONS: #private::Options = #options;
        }
    }
}
