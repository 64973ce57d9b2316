//! The generated items of an actor's impl: the messages, the `match` from message to method, and the hooks around it.

mod call;
mod constructor;
mod upgrade;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Generics, Type};

use super::declaration;
use super::handler::{FieldParam, Handler, Hook, SystemMessage};
use super::model::Model;
use crate::names::{local, nth, param, private, private_at};
use crate::protocol;
use crate::sibling_items::Conflict;
use crate::syntax::{attr, generics};
use call::call;

/// Generates everything but the impl itself.
pub(super) fn expand(model: &Model) -> TokenStream {
    let messages = &model.messages;
    if model.only_constructs {
        let generics = generics::with_bounds(&model.generics, &generics::message_bounds(model.protocol.local));
        let (constructors, upgrades) = (constructor::expand(model, &generics), upgrade::expand(model));
        return quote!(#constructors #upgrades);
    }
    match model.conflict {
        // The first impl defines the stub. Calls of this one's messages still compile.
        Some(Conflict::Impl) => return protocol::placeholder_methods(&model.protocol),
        // The struct defines the protocol of the process.
        Some(Conflict::Protocol) => {
            let protocol = protocol::expand(&model.protocol);
            return quote!(#messages #protocol);
        }
        None => {}
    }
    let protocol = protocol::expand(&model.protocol);
    if model.has_lifetimes {
        let options = options_of_struct(model);
        return quote!(#protocol #options);
    }
    let generics = generics::with_bounds(&model.generics, &generics::message_bounds(model.protocol.local));
    let actor = actor(model, &generics);
    let handle = handle(model, &generics);
    let process = process(model, &generics);
    let constructors = constructor::expand(model, &generics);
    let upgrades = upgrade::expand(model);
    quote!(#messages #protocol #actor #handle #process #constructors #upgrades)
}

/// Generates `impl Actor`: the options of the struct, and the protocol of the impl.
fn actor(model: &Model, generics: &Generics) -> TokenStream {
    let private = private();
    let (cfgs, self_ty, enum_) = (&model.cfgs, &model.self_ty, &model.messages.ident);
    let (_, message_generics, _) = model.generics.split_for_impl();
    let generics = generics::assuming_send(generics, &quote!(#enum_ #message_generics));
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let options = options(self_ty);
    let name = {
        let private = private_at(self_ty.span());
        quote_spanned!(self_ty.span()=> <#self_ty as #private::DeclaredActor>::name)
    };
    let type_name = declaration::type_name(&model.actor, &model.generics);
    let no_protocol_given = {
        let private = private_at(self_ty.span());
        quote_spanned!(self_ty.span()=> #private::no_protocol_given::<<#self_ty as #private::DeclaredActor>::ProtocolGiven>)
    };
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics #private::Actor for #self_ty #where_clause {
            type Protocol = #enum_ #message_generics;
            #[doc(hidden)]
            const OPTIONS: #private::Options = #no_protocol_given(#options);
            #type_name
            fn __name(&self) -> ::core::option::Option<::std::string::String> {
                #name(self)
            }
        }
    }
}

/// Returns the options of the struct. No other generated code requires the struct's `#[actor]`: if it is missing, rustc
/// reports it once, at the actor's name.
fn options(self_ty: &Type) -> TokenStream {
    let private = private();
    quote_spanned!(self_ty.span()=> <#self_ty as #private::DeclaredActor>::OPTIONS)
}

/// Generates all that an impl with lifetimes gets: a use of the struct's options. The struct's `#[actor]` reports the
/// lifetimes.
fn options_of_struct(model: &Model) -> TokenStream {
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

/// Generates `impl Handle`: the `match` from message to method, and the timer hooks.
fn handle(model: &Model, generics: &Generics) -> TokenStream {
    let private = private();
    let (cfgs, self_ty, enum_) = (&model.cfgs, &model.self_ty, &model.messages.ident);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, message_generics, _) = model.generics.split_for_impl();
    let (cx, message, other) = (param("cx"), local("message"), local("other"));
    let (asynchronous, synchronous): (Vec<_>, Vec<_>) = model.handlers.iter().partition(|handler| handler.is_async);
    let arms = |handlers: &[&Handler]| -> TokenStream { handlers.iter().map(|handler| arm(handler, enum_)).collect() };
    let message_type = quote!(#enum_ #message_generics);
    let outcome = quote!(::core::result::Result<(), #private::Exit>);
    // Methods that are not `async` have no part in the future of `handle`, which stays small.
    let handle_now = (!synchronous.is_empty() || asynchronous.is_empty()).then(|| {
        let arms = arms(&synchronous);
        let never = model.generics.type_params().next().map(|_| {
            let (unused, never) = (crate::names::unused(), local("never"));
            quote!(#enum_::#unused(#never, _) => match #never {},)
        });
        let others = (!asynchronous.is_empty()).then(|| quote!(#other => return ::core::result::Result::Err(#other),));
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
    let handle = (!asynchronous.is_empty()).then(|| {
        let (arms, send_clause) = (arms(&asynchronous), send_clause(true));
        quote! {
            async fn handle(
                &mut self,
                #cx: &mut #private::Context<Self>,
                #message: #message_type,
            ) -> #outcome
            #send_clause
            {
                match #message {
                    #arms
                    _ => ::core::result::Result::Ok(()),
                }
            }
        }
    });
    let timer_hooks = timer_hooks(model);
    let state = quote_spanned!(self_ty.span()=> <#self_ty as #private::DeclaredActor>::STATE);
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #[allow(deprecated, private_interfaces, unreachable_code, unreachable_patterns, unused_qualifications)]
        #[doc(hidden)]
        impl #impl_generics #private::Handle for #self_ty #where_clause {
            const STATE: ::core::option::Option<#private::StateFn<Self>> = #state;
            #timer_hooks
            #handle_now
            #handle
        }
    }
}

/// Generates the hooks that a timer triggers, and the one after `init`.
fn timer_hooks(model: &Model) -> TokenStream {
    let private = private();
    let (cx, index) = (param("cx"), local("index"));
    let continue_with = model.hooks.continue_with.iter().map(|handler| hook("continue_with", handler));
    let idle = model.hooks.idle.iter().map(|handler| {
        let (cfgs, time) = (&handler.cfgs, time(&handler.hook));
        let hook = hook("idle", handler);
        quote! {
            #(#cfgs)*
            const IDLE: ::core::option::Option<::core::time::Duration> = ::core::option::Option::Some(#time);
            #hook
        }
    });
    let every = (!model.hooks.every.is_empty()).then(|| {
        let periods = model.hooks.every.iter().map(|handler| {
            let (cfgs, time) = (&handler.cfgs, time(&handler.hook));
            quote!(#(#cfgs)* #time)
        });
        // The index is counted down at run time: `#[cfg]` may remove a method, and a constant would then be wrong.
        let turns = model.hooks.every.iter().map(|handler| {
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
        let send_clause = send_clause(model.hooks.every.iter().any(|handler| handler.is_async));
        quote! {
            const EVERY: &'static [::core::time::Duration] = &[#(#periods),*];
            #[allow(unused_mut, unused_assignments, unused_variables)]
            async fn every(
                &mut self,
                #cx: &mut #private::Context<Self>,
                mut #index: usize,
            ) -> ::core::result::Result<(), #private::Exit>
            #send_clause
            {
                #(#turns)*
                ::core::result::Result::Ok(())
            }
        }
    });
    quote!(#(#continue_with)* #(#idle)* #every)
}

/// Generates a hook without arguments.
fn hook(name: &str, handler: &Handler) -> TokenStream {
    let (private, cx) = (private(), param("cx"));
    let (name, cfgs, outcome) = (Ident::new(name, Span::call_site()), &handler.cfgs, outcome(handler));
    let send_clause = send_clause(handler.is_async);
    quote! {
        #(#cfgs)*
        async fn #name(
            &mut self,
            #cx: &mut #private::Context<Self>,
        ) -> ::core::result::Result<(), #private::Exit>
        #send_clause
        {
            #outcome
        }
    }
}

/// Returns the time span of a hook.
fn time(hook: &Hook) -> Option<TokenStream> {
    match hook {
        Hook::Every(time) | Hook::Idle(time) => Some(time.tokens()),
        _ => None,
    }
}

/// Generates the arm that passes a message to its method.
fn arm(handler: &Handler, enum_: &Ident) -> TokenStream {
    let private = private();
    let cfgs = &handler.cfgs;
    if let (Some(_), Some(variant)) = (handler.placeholder_args, handler.variant()) {
        return quote!(#(#cfgs)* #enum_::#variant { .. } => ::core::unreachable!(),);
    }
    let bindings = (0..).map(|index| nth("field", index));
    let field = |(FieldParam { attrs, name, .. }, binding): (&FieldParam, Ident)| {
        let cfgs = attr::cfgs(attrs);
        quote!(#(#cfgs)* #name: #binding)
    };
    let fields: Vec<TokenStream> = handler.fields().zip(bindings).map(field).collect();
    let (call, outcome) = (call(handler), outcome(handler));
    match &handler.hook {
        Hook::Cast { variant } => quote! {
            #(#cfgs)*
            #enum_::#variant { #(#fields),* } => #outcome,
        },
        Hook::Event { variant, .. } | Hook::System { variant, .. } => {
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
                // The deadlock check reads which reply the process holds while the method waits.
                let mark_held = handler.is_async.then(|| quote!(#private::Reply::mark_held(&#reply);));
                // At the span of the return type rustc reports that it is not `Send`.
                let private = private_at(ty.span());
                let send = quote_spanned!(ty.span()=> #private::Reply::send);
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
        Hook::Init | Hook::Resumed | Hook::Continue | Hook::Every(_) | Hook::Idle(_) | Hook::Terminate { .. } => {
            quote!()
        }
    }
}

/// Generates the call of a method without an answer. Its `Err` ends the process.
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

/// Returns the where clause of a function that awaits a method. It makes rustc assume `Self: Send`, which `impl
/// Process` checks and reports once.
fn send_clause(awaits: bool) -> Option<TokenStream> {
    let private = private();
    awaits.then(|| quote!(where for<'cx> Self: #private::SendActor<'cx>))
}

/// Generates `impl Process`.
fn process(model: &Model, generics: &Generics) -> TokenStream {
    let private = private();
    let (cfgs, self_ty) = (&model.cfgs, &model.self_ty);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (cx, reason) = (param("cx"), param("reason"));
    let constants = process_constants(model);
    let init = model.hooks.init.iter().map(|handler| hook("init", handler));
    let resumed = model.hooks.resumed.iter().map(|handler| hook("resumed", handler));
    let terminate = model.hooks.terminate.iter().map(|hook| {
        let (cfgs, outcome, send_clause) = (&hook.cfgs, outcome(hook), send_clause(hook.is_async));
        quote! {
            #(#cfgs)*
            async fn terminate(&mut self, #cx: &mut #private::Context<Self>, #reason: &#private::Exit)
            #send_clause
            {
                // An `Err` does not change the exit reason.
                let _ = #outcome;
            }
        }
    });
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #[allow(deprecated)]
        impl #impl_generics #private::Process for #self_ty #where_clause {
            // A stop request is handled between two messages, never during a handler.
            const SERVER: bool = true;
            #(#constants)*
            #(#init)*
            #(#resumed)*
            fn run(
                &mut self,
                #cx: &mut #private::Context<Self>,
            ) -> impl ::core::future::Future<Output = ::core::result::Result<(), #private::Exit>> + ::core::marker::Send
            where
                for<'cx> Self: #private::SendActor<'cx>,
            {
                #private::serve(self, #cx)
            }
            #(#terminate)*
        }
    }
}

/// Generates the constants of `Process` that follow from the hooks.
fn process_constants(model: &Model) -> Vec<TokenStream> {
    let after_panic =
        model.hooks.terminate.as_ref().filter(|hook| matches!(hook.hook, Hook::Terminate { after_panic: true }));
    let constants = [
        (after_panic, "TERMINATE_AFTER_PANIC"),
        (model.system_handler(SystemMessage::ExitSignal), "TRAP_EXIT"),
        (model.system_handler(SystemMessage::NodeEvent), "NODE_EVENTS"),
    ];
    constants
        .into_iter()
        .filter_map(|(hook, name)| {
            let cfgs = &hook?.cfgs;
            let name = Ident::new(name, Span::call_site());
            Some(quote!(#(#cfgs)* const #name: bool = true;))
        })
        .collect()
}
