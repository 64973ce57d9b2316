//! The loop's side of an actor: one `match` from message to method, and the hooks around it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Generics, ItemEnum, Type};

use super::handler::{Event, Handler, Hook, Param};
use super::model::Model;
use crate::names::{local, nth, param, private, private_at};
use crate::protocol;
use crate::syntax::generics;

/// The enum, its protocol and stub, `impl Handle`, `impl Process`.
pub(super) fn expand(model: &Model, messages: &ItemEnum, spoken: &protocol::Model) -> TokenStream {
    let protocol = protocol::expand(spoken);
    let generics = generics::with_bounds(&model.generics, &generics::message_bounds(model.local));
    let actor = actor(model, messages, &generics);
    let handle = handle(model, messages, &generics);
    let process = process(model, &generics);
    quote!(#messages #protocol #actor #handle #process)
}

/// What the struct declares and the impl speaks, together.
fn actor(model: &Model, messages: &ItemEnum, generics: &Generics) -> TokenStream {
    let private = private();
    let (cfgs, self_ty, enum_) = (&model.cfgs, &model.self_ty, &messages.ident);
    let (_, message_generics, _) = model.generics.split_for_impl();
    let generics = generics::assuming_send(generics, &quote!(#enum_ #message_generics));
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let declared = options(self_ty);
    let not_given = {
        let private = private_at(self_ty.span());
        quote_spanned!(self_ty.span()=> #private::not_given::<<#self_ty as #private::Declared>::Given>)
    };
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics #private::Actor for #self_ty #where_clause {
            type Protocol = #enum_ #message_generics;
            #[doc(hidden)]
            const OPTIONS: #private::Options = #not_given(#declared);
        }
    }
}

/// The only place that asks for the struct's attribute: if it is missing, it is told once, at the name.
fn options(self_ty: &Type) -> TokenStream {
    let private = private();
    quote_spanned!(self_ty.span()=> <#self_ty as #private::Declared>::OPTIONS)
}

/// What is left of an impl with lifetimes: the question for the struct's attribute, which refuses them.
pub(super) fn declared(model: &Model) -> TokenStream {
    let private = private();
    let Model { cfgs, self_ty, generics, .. } = model;
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let options = options(self_ty);
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics #self_ty #where_clause {
            #[doc(hidden)]
            #[allow(dead_code)]
            const __OPTIONS: #private::Options = #options;
        }
    }
}

fn handle(model: &Model, messages: &ItemEnum, generics: &Generics) -> TokenStream {
    let private = private();
    let (cfgs, self_ty, enum_) = (&model.cfgs, &model.self_ty, &messages.ident);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, message_generics, _) = model.generics.split_for_impl();
    let (cx, message, other) = (param("cx"), local("message"), local("other"));
    let (waiting, at_once): (Vec<_>, Vec<_>) = model.handlers.iter().partition(|handler| handler.is_async);
    let arms = |handlers: &[&Handler]| -> TokenStream { handlers.iter().map(|handler| arm(handler, enum_)).collect() };
    let message_type = quote!(#enum_ #message_generics);
    let outcome = quote!(::core::result::Result<(), #private::Exit>);
    // What waits for nothing needs no future, and is not part of one.
    let handle_now = (!at_once.is_empty() || waiting.is_empty()).then(|| {
        let arms = arms(&at_once);
        let never = model.generics.type_params().next().map(|_| {
            let (unused, never) = (crate::names::unused(), local("never"));
            quote!(#enum_::#unused(#never, _) => match #never {},)
        });
        let others = (!waiting.is_empty()).then(|| quote!(#other => return ::core::result::Result::Err(#other),));
        quote! {
            fn handle_now(
                &mut self,
                #cx: &mut #private::Context<Self>,
                #message: #message_type,
            ) -> ::core::result::Result<#outcome, #message_type> {
                ::core::result::Result::Ok(match #message {
                    #arms
                    #never
                    #others
                })
            }
        }
    });
    let handle = (!waiting.is_empty()).then(|| {
        let (arms, moves) = (arms(&waiting), moves(true));
        quote! {
            async fn handle(
                &mut self,
                #cx: &mut #private::Context<Self>,
                #message: #message_type,
            ) -> #outcome
            #moves
            {
                match #message {
                    #arms
                    _ => ::core::result::Result::Ok(()),
                }
            }
        }
    });
    let timed = timed(model);
    let state = quote_spanned!(self_ty.span()=> <#self_ty as #private::Declared>::STATE);
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #[allow(deprecated, private_interfaces, unreachable_code, unreachable_patterns, unused_qualifications)]
        #[doc(hidden)]
        impl #impl_generics #private::Handle for #self_ty #where_clause {
            const STATE: ::core::option::Option<#private::StateFn<Self>> = #state;
            #timed
            #handle_now
            #handle
        }
    }
}

/// The hooks that time calls, not a message.
fn timed(model: &Model) -> TokenStream {
    let private = private();
    let (cx, index) = (param("cx"), local("index"));
    let hook = |name: &str, handler: &Handler| {
        let (name, cfgs, outcome) = (Ident::new(name, Span::call_site()), &handler.cfgs, outcome(handler));
        let moves = moves(handler.is_async);
        quote! {
            #(#cfgs)*
            async fn #name(
                &mut self,
                #cx: &mut #private::Context<Self>,
            ) -> ::core::result::Result<(), #private::Exit>
            #moves
            {
                #outcome
            }
        }
    };
    let continue_with = model.continue_with.iter().map(|handler| hook("continue_with", handler));
    let idle = model.idle.iter().map(|handler| {
        let (cfgs, time) = (&handler.cfgs, time(&handler.hook));
        let hook = hook("idle", handler);
        quote! {
            #(#cfgs)*
            const IDLE: ::core::option::Option<::core::time::Duration> = ::core::option::Option::Some(#time);
            #hook
        }
    });
    let every = (!model.every.is_empty()).then(|| {
        let periods = model.every.iter().map(|handler| {
            let (cfgs, time) = (&handler.cfgs, time(&handler.hook));
            quote!(#(#cfgs)* #time)
        });
        // Counted rather than numbered: a method may not be there under this configuration.
        let turns = model.every.iter().map(|handler| {
            let (cfgs, outcome) = (&handler.cfgs, outcome(handler));
            quote! {
                #(#cfgs)*
                {
                    if #index == 0 {
                        return #outcome;
                    }
                    #index -= 1;
                }
            }
        });
        let moves = moves(model.every.iter().any(|handler| handler.is_async));
        quote! {
            const EVERY: &'static [::core::time::Duration] = &[#(#periods),*];
            #[allow(unused_mut, unused_assignments, unused_variables)]
            async fn every(
                &mut self,
                #cx: &mut #private::Context<Self>,
                mut #index: usize,
            ) -> ::core::result::Result<(), #private::Exit>
            #moves
            {
                #(#turns)*
                ::core::result::Result::Ok(())
            }
        }
    });
    quote!(#(#continue_with)* #(#idle)* #every)
}

fn time(hook: &Hook) -> Option<TokenStream> {
    match hook {
        Hook::Every(time) | Hook::Idle(time) => Some(time.tokens()),
        _ => None,
    }
}

/// One message to its method.
fn arm(handler: &Handler, enum_: &Ident) -> TokenStream {
    let private = private();
    let cfgs = &handler.cfgs;
    if let (Some(_), Some(variant)) = (handler.broken, handler.variant()) {
        return quote!(#(#cfgs)* #enum_::#variant { .. } => ::core::unreachable!(),);
    }
    let names = handler.fields().map(|(name, _)| name);
    let bindings = (0..).map(|index| nth("field", index));
    let fields: Vec<TokenStream> = names.zip(bindings).map(|(name, binding)| quote!(#name: #binding)).collect();
    let (call, outcome) = (call(handler), outcome(handler));
    match &handler.hook {
        Hook::Cast { variant } => quote! {
            #(#cfgs)*
            #enum_::#variant { #(#fields),* } => #outcome,
        },
        Hook::Event { variant, .. } => {
            let event = local("event");
            quote! {
                #(#cfgs)*
                #enum_::#variant(#event) => #outcome,
            }
        }
        Hook::Call { variant, later, answer: ty } => {
            let (field, reply) = (handler.reply_field(), local("reply"));
            let body = if *later {
                quote!(#call;)
            } else {
                let answer = local("answer");
                // What never waits needs not tell what it holds meanwhile.
                let mark_held = handler.is_async.then(|| quote!(#private::Reply::mark_held(&#reply);));
                // Here it is told if the answer may not change threads.
                let here = private_at(ty.span());
                let send = quote_spanned!(ty.span()=> #here::Reply::send);
                quote! {
                    #mark_held
                    let #answer = #call;
                    #send(#reply, #answer);
                }
            };
            quote! {
                #(#cfgs)*
                #enum_::#variant { #(#fields,)* #field: #reply } => {
                    #body
                    ::core::result::Result::Ok(())
                }
            }
        }
        Hook::Init | Hook::Continue | Hook::Every(_) | Hook::Idle(_) | Hook::Terminate { .. } => quote!(),
    }
}

/// What comes of a method that answers nobody: it goes on, or ends the process.
fn outcome(handler: &Handler) -> TokenStream {
    let private = private();
    let call = call(handler);
    match &handler.output {
        Some(ty) => {
            let outcome = quote_spanned!(ty.span()=> <#ty as #private::Outcome>::into_outcome);
            quote!(#outcome(#call))
        }
        None => quote!(#private::Outcome::into_outcome(#call)),
    }
}

/// The method with its arguments, in the order in which it wants them.
fn call(handler: &Handler) -> TokenStream {
    let (method, mut index) = (&handler.method, 0);
    let arguments: Vec<TokenStream> = handler
        .params
        .iter()
        .map(|given| match given {
            Param::Context { at } => {
                let cx = Ident::new("cx", Span::mixed_site().located_at(*at));
                quote!(#cx)
            }
            Param::Reply => {
                let reply = local("reply");
                quote!(#reply)
            }
            Param::Event => {
                let event = local("event");
                quote!(#event)
            }
            Param::Field { .. } => {
                let field = nth("field", index);
                index += 1;
                quote!(#field)
            }
            Param::Reason { owned } => {
                let reason = param("reason");
                if *owned { quote!(::core::clone::Clone::clone(#reason)) } else { quote!(#reason) }
            }
        })
        .collect();
    let call = quote!(Self::#method(self #(, #arguments)*));
    if !handler.is_async {
        return call;
    }
    // A future that cannot change threads is told at its method's name, unless it is the message that cannot.
    let (span, private) = (method.span(), private_at(method.span()));
    let this = Ident::new("self", Span::call_site().located_at(span));
    let given = handler.fields().map(|(_, ty)| ty);
    let call =
        quote_spanned!(span=> #private::Waits::<(#(#given,)*)>::sent(Self::#method(#this #(, #arguments)*)).await);
    quote!({
        #[allow(unused_imports)]
        use #private::Stuck as _;
        #call
    })
}

/// What a function asks of its actor if it waits for one of its methods: what the actor's own impl has been asked for.
fn moves(waits: bool) -> Option<TokenStream> {
    let private = private();
    waits.then(|| quote!(where for<'cx> Self: #private::Moves<'cx>))
}

fn process(model: &Model, generics: &Generics) -> TokenStream {
    let private = private();
    let (cfgs, self_ty) = (&model.cfgs, &model.self_ty);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (cx, reason) = (param("cx"), param("reason"));
    let switches = switches(model);
    let init = model.init.iter().map(|hook| {
        let (cfgs, outcome, moves) = (&hook.cfgs, outcome(hook), moves(hook.is_async));
        quote! {
            #(#cfgs)*
            async fn init(
                &mut self,
                #cx: &mut #private::Context<Self>,
            ) -> ::core::result::Result<(), #private::Exit>
            #moves
            {
                #outcome
            }
        }
    });
    let terminate = model.terminate.iter().map(|hook| {
        let (cfgs, outcome, moves) = (&hook.cfgs, outcome(hook), moves(hook.is_async));
        quote! {
            #(#cfgs)*
            async fn terminate(&mut self, #cx: &mut #private::Context<Self>, #reason: &#private::Exit)
            #moves
            {
                // The process ends with the reason that it has, whatever comes of this.
                let _ = #outcome;
            }
        }
    });
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #[allow(deprecated)]
        impl #impl_generics #private::Process for #self_ty #where_clause {
            // It is told to stop between two messages, never within a handler.
            const SERVER: bool = true;
            #(#switches)*
            #(#init)*
            fn run(
                &mut self,
                #cx: &mut #private::Context<Self>,
            ) -> impl ::core::future::Future<Output = ::core::result::Result<(), #private::Exit>> + ::core::marker::Send
            where
                for<'cx> Self: #private::Moves<'cx>,
            {
                #private::serve(self, #cx)
            }
            #(#terminate)*
        }
    }
}

/// What the presence of a hook says about the process.
fn switches(model: &Model) -> Vec<TokenStream> {
    let after_panic =
        model.terminate.as_ref().filter(|hook| matches!(hook.hook, Hook::Terminate { after_panic: true }));
    let switches = [
        (after_panic, "TERMINATE_AFTER_PANIC"),
        (model.event(Event::Exit), "TRAP_EXIT"),
        (model.event(Event::Node), "NODE_EVENTS"),
    ];
    switches
        .into_iter()
        .filter_map(|(hook, name)| {
            let cfgs = &hook?.cfgs;
            let name = Ident::new(name, Span::call_site());
            Some(quote!(#(#cfgs)* const #name: bool = true;))
        })
        .collect()
}
