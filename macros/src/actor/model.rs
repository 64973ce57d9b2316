//! An actor's impl, resolved: its handlers and hooks, and the enum of messages that follows from them.

use std::collections::HashMap;

use proc_macro2::Ident;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Generics, ImplItem, ItemEnum, ItemImpl, Type, Visibility, parse_quote};

use super::constructor::Constructor;
use super::handler::{FieldParam, Handler, Hook, SystemMessage};
use super::options::ImplOptions;
use super::params::Owner;
use super::parse::is_misspelt_hook;
use super::upgrade::Upgrade;
use crate::diag::Errors;
use crate::names::{self, private, private_at};
use crate::protocol;
use crate::sibling_items::Conflict;
use crate::syntax::{attr, generics, self_type, visibility};

/// An actor's impl.
pub(super) struct Model {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) actor: Ident,
    pub(super) self_ty: Type,
    pub(super) generics: Generics,
    /// The methods that handle a message, in order.
    pub(super) handlers: Vec<Handler>,
    pub(super) hooks: Hooks,
    /// The functions that make the actor.
    pub(super) constructors: Vec<Constructor>,
    /// The functions that make the actor of an earlier state.
    pub(super) upgrades: Vec<Upgrade>,
    /// Set if the impl has such functions and nothing else: the struct names the protocol, or another impl defines it.
    pub(super) only_constructs: bool,
    /// Set if the impl has lifetime parameters. The struct's attribute reports them.
    pub(super) has_lifetimes: bool,
    /// The generated enum, `CounterMessage`.
    pub(super) messages: ItemEnum,
    /// The protocol of the enum.
    pub(super) protocol: protocol::Model,
    /// Set after an error about another item.
    pub(super) conflict: Option<Conflict>,
}

/// The methods that are called without a message.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) init: Option<Handler>,
    pub(super) resumed: Option<Handler>,
    pub(super) continue_with: Option<Handler>,
    pub(super) idle: Option<Handler>,
    pub(super) every: Vec<Handler>,
    pub(super) terminate: Option<Handler>,
}

impl Hooks {
    fn are_empty(&self) -> bool {
        let single = [&self.init, &self.resumed, &self.continue_with, &self.idle, &self.terminate];
        single.into_iter().all(Option::is_none) && self.every.is_empty()
    }
}

impl Model {
    /// Parses the impl, and removes greenroom's attributes from its methods. Returns `None` if an error leaves nothing
    /// to expand.
    pub(super) fn parse(block: &mut ItemImpl, options: ImplOptions, errors: &mut Errors) -> Option<Model> {
        let actor = parse_head(block, errors);
        let self_ty = (*block.self_ty).clone();
        let owner = Owner { self_ty: &self_ty, local: options.protocol.local };
        let (mut methods, mut constructors, mut upgrades) = (Vec::new(), Vec::new(), Vec::new());
        let (before, mut has_misspelt_hook) = (errors.count(), false);
        for item in &mut block.items {
            if let ImplItem::Fn(method) = item {
                has_misspelt_hook |= method.attrs.iter().any(is_misspelt_hook);
                if Constructor::is_one(method) {
                    constructors.extend(Constructor::parse(method, owner, errors));
                    continue;
                }
                if Upgrade::is_one(method) {
                    upgrades.extend(Upgrade::parse(method, owner, errors));
                    continue;
                }
                methods.extend(Handler::parse(method, owner, errors));
            }
        }
        let mut generics = block.generics.clone();
        self_type::replace_self_in_generics(&mut generics, &self_ty);
        let actor = actor?;
        let (handlers, hooks) = sort(methods, errors);
        if handlers.is_empty() && options.misplaced {
            return None;
        }
        let only_constructs =
            handlers.is_empty() && hooks.are_empty() && !(constructors.is_empty() && upgrades.is_empty());
        if handlers.is_empty() && !only_constructs && !has_misspelt_hook && errors.count() == before {
            errors.push(&block.self_ty, "an `#[actor]` impl needs at least one `#[cast]` or `#[call]` method");
        }
        let cfgs = attr::cfgs(&block.attrs);
        let has_lifetimes = block.generics.lifetimes().next().is_some();
        let mut messages = messages(&actor, &cfgs, &generics, &handlers);
        let mut protocol = protocol::Model::parse(&mut messages, options.protocol, errors);
        protocol.has_lifetimes = has_lifetimes;
        name_stub(&mut protocol, &actor, &handlers);
        Some(Model {
            cfgs,
            actor,
            self_ty,
            generics,
            handlers,
            hooks,
            constructors,
            upgrades,
            only_constructs,
            has_lifetimes,
            messages,
            protocol,
            conflict: None,
        })
    }

    /// Returns the handler of a message from the runtime.
    pub(super) fn system_handler(&self, wanted: SystemMessage) -> Option<&Handler> {
        let is_wanted = |handler: &&Handler| matches!(handler.hook, Hook::System { message, .. } if message == wanted);
        self.handlers.iter().find(is_wanted)
    }
}

/// Returns the actor's name if the impl can be an actor's.
fn parse_head(block: &ItemImpl, errors: &mut Errors) -> Option<Ident> {
    if let Some((path, _)) = &block.trait_ {
        if attr::path_ends_with(path, "Process") {
            errors.push_help(
                path,
                "`#[actor]` cannot be used on an `impl Process`",
                "remove it, and write `#[actor(protocol = ..)]` on the struct",
            );
        } else {
            errors.push_help(
                path,
                "`#[actor]` cannot be used on the impl of a trait",
                "move it to an impl of the actor itself, such as `impl Counter`",
            );
        }
        return None;
    }
    let Type::Path(path) = &*block.self_ty else {
        // rustc reports the other types, which cannot have an impl.
        if let Type::TraitObject(_) = &*block.self_ty {
            errors.push(&block.self_ty, "expected the name of an actor, such as `impl Counter`");
        }
        return None;
    };
    let segment = path.path.segments.last()?;
    if block.generics.lifetimes().next().is_none() && !generics::arguments_match_params(segment, &block.generics) {
        let ident = &segment.ident;
        errors.push_help(
            &block.self_ty,
            "an actor's impl must have the type parameters of its struct, in the same order",
            format!("write `impl<T> {ident}<T>`"),
        );
        return None;
    }
    Some(segment.ident.clone())
}

/// Separates handlers of messages from hooks. Of two methods with the same hook or message it keeps the first.
fn sort(methods: Vec<Handler>, errors: &mut Errors) -> (Vec<Handler>, Hooks) {
    let (mut handlers, mut hooks) = (Vec::new(), Hooks::default());
    let mut variants: HashMap<String, Ident> = HashMap::new();
    for method in methods {
        let hook = match method.hook {
            Hook::Init => Some((&mut hooks.init, "init")),
            Hook::Resumed => Some((&mut hooks.resumed, "resumed")),
            Hook::Continue => Some((&mut hooks.continue_with, "continue_with")),
            Hook::Idle(_) => Some((&mut hooks.idle, "idle")),
            Hook::Every(_) => {
                hooks.every.push(method);
                continue;
            }
            Hook::Terminate { .. } => Some((&mut hooks.terminate, "terminate")),
            Hook::Cast { .. } | Hook::Call { .. } | Hook::Event { .. } | Hook::System { .. } => None,
        };
        if let Some((slot, name)) = hook {
            match slot {
                Some(first) if first.cfgs.is_empty() && method.cfgs.is_empty() => {
                    errors.push_help(
                        &method.method,
                        format!("duplicate `#[{name}]` method"),
                        format!("remove the attribute; `{}` has it already", first.method),
                    );
                }
                _ => *slot = Some(method),
            }
            continue;
        }
        let Some(variant) = method.variant() else { continue };
        if matches!(method.hook, Hook::Event { .. }) && method.placeholder_args.is_some() {
            // No other code uses the variant of an event.
            continue;
        }
        let first = variants.get(&variant.to_string());
        if let Some(first) = first.filter(|_| method.cfgs.is_empty()) {
            let second = &method.method;
            errors.push_help(
                second,
                format!("the methods `{first}` and `{second}` both define the message `{variant}`"),
                "rename one of them",
            );
            continue;
        }
        if method.cfgs.is_empty() {
            variants.insert(variant.to_string(), method.method.clone());
        }
        handlers.push(method);
    }
    // A hook with an error took part in the search for duplicates, and is not called.
    for slot in [&mut hooks.init, &mut hooks.resumed, &mut hooks.continue_with, &mut hooks.idle, &mut hooks.terminate] {
        slot.take_if(|hook| hook.placeholder_args.is_some());
    }
    hooks.every.retain(|hook| hook.placeholder_args.is_none());
    (handlers, hooks)
}

/// Generates the enum of the messages.
fn messages(actor: &Ident, cfgs: &[Attribute], actor_generics: &Generics, handlers: &[Handler]) -> ItemEnum {
    let private = private();
    let ident = names::message(actor);
    let vis = visibility(handlers);
    let generics = generics::without_lifetimes(actor_generics);
    let generics = generics::with_bounds(&generics, &generics::message_bounds(true));
    let (params, where_clause) = (&generics.params, &generics.where_clause);
    let intro = format!(" The messages of the actor [`{}`].", actor.unraw());
    let variants = handlers.iter().map(|handler| {
        let Handler { cfgs, docs, method, priority, private: hidden, redact, serde, .. } = handler;
        let doc_text = (!attr::has_doc_text(docs)).then(|| {
            let doc_text = format!(" Handled by `{}::{}`.", actor.unraw(), method.unraw());
            quote!(#[doc = #doc_text])
        });
        let head = quote!(#(#cfgs)* #(#docs)* #doc_text #priority #hidden #redact #(#serde)*);
        let fields = handler.fields().map(|FieldParam { attrs, name, ty }| quote!(#(#attrs)* #name: #ty));
        match &handler.hook {
            Hook::System { variant, message } => {
                let ty = Ident::new(message.type_name(), variant.span());
                quote!(#head #[from] #variant(#private::#ty))
            }
            Hook::Event { variant, event } => quote!(#head #[from] #variant(#event)),
            Hook::Call { variant, answer, .. } => {
                let field = handler.reply_field();
                let private = private_at(answer.span());
                let ty = quote_spanned!(answer.span()=> #private::Reply<#answer>);
                quote!(#head #variant { #(#fields,)* #field: #ty })
            }
            Hook::Cast { variant } if handler.fields().next().is_none() => quote!(#head #variant),
            Hook::Cast { variant } => quote!(#head #variant { #(#fields),* }),
            Hook::Init | Hook::Resumed | Hook::Continue | Hook::Every(_) | Hook::Idle(_) | Hook::Terminate { .. } => {
                quote!()
            }
        }
    });
    let unused = actor_generics.type_params().next().map(|_| {
        let unused = names::unused();
        let types = actor_generics.type_params().map(|param| &param.ident);
        quote! {
            #[doc(hidden)]
            #unused(
                ::core::convert::Infallible,
                ::core::marker::PhantomData<fn() -> (#(#types,)*)>,
            ),
        }
    });
    parse_quote! {
        #(#cfgs)*
        #[doc = #intro]
        #[allow(missing_docs, dead_code, private_interfaces, unreachable_pub, rustdoc::private_intra_doc_links)]
        #vis enum #ident <#params> #where_clause {
            #(#variants,)*
            #unused
        }
    }
}

/// Returns the visibility of the messages: that of the most visible handler, and at least `pub(crate)`. Without casts
/// and calls it is `pub`, since a public actor has no other way to make its messages public.
fn visibility(handlers: &[Handler]) -> Visibility {
    let sent = handlers.iter().filter(|handler| !matches!(handler.hook, Hook::Event { .. } | Hook::System { .. }));
    match sent.map(|handler| &handler.vis).max_by_key(|vis| visibility::reach(vis)) {
        Some(vis) if visibility::reach(vis) > 0 => vis.clone(),
        Some(_) => parse_quote!(pub(crate)),
        None => parse_quote!(pub),
    }
}

/// Names the stub after the actor, and its methods after the handlers.
fn name_stub(protocol: &mut protocol::Model, actor: &Ident, handlers: &[Handler]) {
    protocol.stub = names::stub(actor);
    protocol.actor = Some(actor.clone());
    for (variant, handler) in protocol.variants.iter_mut().zip(handlers) {
        variant.method = handler.method.clone();
        variant.vis = Some(handler.vis.clone());
        if protocol.has_lifetimes || handler.placeholder_args.is_some() {
            variant.placeholder_args = handler.placeholder_args.or_else(|| Some(handler.fields().count()));
        }
    }
}
