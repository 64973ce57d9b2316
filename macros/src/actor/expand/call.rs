//! The call of a handler or a hook.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::actor::handler::{FieldParam, Handler, Param};
use crate::names::{local, nth, param, private_at};
use crate::syntax::attr;

/// Generates the call of a method, with its arguments in order.
///
/// An argument cannot have a `#[cfg]`. So with parameters that have one, there is a call for each combination of them.
pub(super) fn call(handler: &Handler) -> TokenStream {
    let conditional: Vec<&FieldParam> = handler.fields().filter(|field| !attr::cfgs(&field.attrs).is_empty()).collect();
    if conditional.is_empty() {
        return call_without(handler, &[]);
    }
    let result = local("result");
    let calls = (0..1_usize << conditional.len()).map(|combination| {
        let (mut predicates, mut absent) = (Vec::new(), Vec::new());
        for (bit, field) in conditional.iter().enumerate() {
            let predicate = attr::cfg_predicate(&attr::cfgs(&field.attrs));
            if combination >> bit & 1 == 1 {
                predicates.push(predicate);
            } else {
                predicates.push(quote!(not(#predicate)));
                absent.push(&field.name);
            }
        }
        let call = call_without(handler, &absent);
        quote!(#[cfg(all(#(#predicates),*))] let #result = #call;)
    });
    quote!({ #(#calls)* #result })
}

/// Generates the call without the parameters of these names.
fn call_without(handler: &Handler, absent: &[&Ident]) -> TokenStream {
    let (method, mut index) = (&handler.method, 0);
    let arguments: Vec<TokenStream> = handler
        .params
        .iter()
        .filter_map(|argument| match argument {
            Param::Context { span } => {
                let cx = Ident::new("cx", Span::mixed_site().located_at(*span));
                Some(quote!(#cx))
            }
            Param::Reply => {
                let reply = local("reply");
                Some(quote!(#reply))
            }
            Param::Event => {
                let event = local("event");
                Some(quote!(#event))
            }
            Param::Field(FieldParam { name, .. }) => {
                let field = nth("field", index);
                index += 1;
                (!absent.contains(&name)).then(|| quote!(#field))
            }
            Param::Reason { owned } => {
                let reason = param("reason");
                Some(if *owned { quote!(::core::clone::Clone::clone(#reason)) } else { quote!(#reason) })
            }
        })
        .collect();
    let call = quote!(Self::#method(self #(, #arguments)*));
    if !handler.is_async {
        return call;
    }
    // At the span of the method's name rustc reports that the future is not `Send`. If a field of the message is not
    // `Send`, that has been reported already: `NotSend` then accepts any future.
    let (span, private) = (method.span(), private_at(method.span()));
    let this = Ident::new("self", Span::call_site().located_at(span));
    let types = handler.fields().filter(|field| !absent.contains(&&field.name)).map(|field| &field.ty);
    let call = quote_spanned!(span=> #private::HandlerFuture::<(#(#types,)*)>::require_send(Self::#method(#this #(, #arguments)*)).await);
    quote!({
        #[allow(unused_imports)]
        use #private::NotSend as _;
        #call
    })
}
