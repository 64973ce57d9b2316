//! An actor's impl, resolved: its handlers, its hooks, and the enum of messages that follows from them.

use std::collections::HashMap;

use proc_macro2::Ident;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Generics, ImplItem, ItemEnum, ItemImpl, Type, Visibility, parse_quote};

use super::handler::{Event, Handler, Hook, misspells_a_hook};
use crate::diag::Errors;
use crate::names::{self, private, private_at};
use crate::protocol;
use crate::syntax::{attr, generics, self_type, visibility};

/// What the attribute found in the impl.
pub(super) struct Model {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) actor: Ident,
    pub(super) self_ty: Type,
    pub(super) generics: Generics,
    pub(super) local: bool,
    /// Everything that handles a message, in order.
    pub(super) handlers: Vec<Handler>,
    pub(super) init: Option<Handler>,
    pub(super) continue_with: Option<Handler>,
    pub(super) idle: Option<Handler>,
    pub(super) every: Vec<Handler>,
    pub(super) terminate: Option<Handler>,
    /// Whether it has lifetimes. The struct's attribute tells that off.
    pub(super) borrows: bool,
}

impl Model {
    /// Reads the impl, and takes our attributes off its methods. `None` if nothing could follow from it.
    pub(super) fn read(block: &mut ItemImpl, options: &protocol::Options, errors: &mut Errors) -> Option<Model> {
        let actor = check_block(block, errors);
        let self_ty = (*block.self_ty).clone();
        let mut found = Vec::new();
        let (fine, mut misspelt) = (errors.mark(), false);
        for item in &mut block.items {
            if let ImplItem::Fn(method) = item {
                misspelt |= method.attrs.iter().any(misspells_a_hook);
                found.extend(Handler::read(method, &self_ty, options.local, errors));
            }
        }
        let mut generics = block.generics.clone();
        self_type::replace_self_in_generics(&mut generics, &self_ty);
        let mut model = Model {
            cfgs: attr::cfgs(&block.attrs),
            actor: actor?,
            self_ty,
            generics,
            local: options.local,
            handlers: Vec::new(),
            init: None,
            continue_with: None,
            idle: None,
            every: Vec::new(),
            terminate: None,
            borrows: block.generics.lifetimes().next().is_some(),
        };
        model.sort(found, errors);
        if model.handlers.is_empty() && options.misplaced {
            return None;
        }
        if model.handlers.is_empty() && !misspelt && !errors.since(fine) {
            errors.push(
                &block.self_ty,
                "an actor's impl needs a `#[cast]` or a `#[call]`: nothing could be said to this one",
            );
        }
        Some(model)
    }

    /// Every handler to its place; of two that claim one place the first keeps it.
    fn sort(&mut self, found: Vec<Handler>, errors: &mut Errors) {
        let mut variants: HashMap<String, Ident> = HashMap::new();
        for handler in found {
            let slot = match handler.hook {
                Hook::Init => Some((&mut self.init, "init")),
                Hook::Continue => Some((&mut self.continue_with, "continue_with")),
                Hook::Idle(_) => Some((&mut self.idle, "idle")),
                Hook::Every(_) => {
                    self.every.push(handler);
                    continue;
                }
                Hook::Terminate { .. } => Some((&mut self.terminate, "terminate")),
                _ => None,
            };
            if let Some((slot, word)) = slot {
                match slot {
                    Some(first) if first.cfgs.is_empty() && handler.cfgs.is_empty() => {
                        let first = &first.method;
                        errors.push(&handler.method, format!("`#[{word}]` twice: `{first}` is it already"));
                    }
                    _ => *slot = Some(handler),
                }
                continue;
            }
            let Some(variant) = handler.variant() else { continue };
            let first = variants.get(&variant.to_string());
            if let Some(first) = first.filter(|_| handler.cfgs.is_empty()) {
                let second = &handler.method;
                errors.push(
                    second,
                    format!("`{first}` and `{second}` would both be the message `{variant}`: rename one"),
                );
                continue;
            }
            if handler.cfgs.is_empty() {
                variants.insert(variant.to_string(), handler.method.clone());
            }
            self.handlers.push(handler);
        }
        // What broke a rule has had its place, and is called by nobody.
        for slot in [&mut self.init, &mut self.continue_with, &mut self.idle, &mut self.terminate] {
            slot.take_if(|handler| handler.broken.is_some());
        }
        self.every.retain(|handler| handler.broken.is_none());
    }

    /// `CounterMessage`.
    pub(super) fn messages(&self) -> ItemEnum {
        let private = private();
        let ident = names::message(&self.actor);
        let vis = self.visibility();
        let cfgs = &self.cfgs;
        let generics = generics::without_lifetimes(&self.generics);
        let generics = generics::with_bounds(&generics, &generics::message_bounds(true));
        let (params, where_clause) = (&generics.params, &generics.where_clause);
        let intro = format!(" What [`{}`] understands.", self.actor.unraw());
        let variants = self.handlers.iter().map(|handler| {
            let Handler { cfgs, docs, method, priority, redact, .. } = handler;
            let prose = (!attr::has_doc_text(docs)).then(|| {
                let prose = format!(" Handled by `{}::{}`.", self.actor.unraw(), method.unraw());
                quote!(#[doc = #prose])
            });
            let head = quote!(#(#cfgs)* #(#docs)* #prose #priority #redact);
            let names = handler.fields().map(|(name, _)| name);
            let types = handler.fields().map(|(_, ty)| ty);
            let redacts = handler.redacts();
            match &handler.hook {
                Hook::Event { variant, kind } => {
                    let word = Ident::new(kind.word(), variant.span());
                    quote!(#head #[from] #variant(#private::#word))
                }
                Hook::Call { variant, answer, .. } => {
                    let reply = handler.reply_field();
                    let private = private_at(answer.span());
                    let answers = quote_spanned!(answer.span()=> #private::Reply<#answer>);
                    quote!(#head #variant { #(#redacts #names: #types,)* #reply: #answers })
                }
                Hook::Cast { variant } if handler.fields().next().is_none() => quote!(#head #variant),
                Hook::Cast { variant } => quote!(#head #variant { #(#redacts #names: #types),* }),
                Hook::Init | Hook::Continue | Hook::Every(_) | Hook::Idle(_) | Hook::Terminate { .. } => quote!(),
            }
        });
        let params_used = self.generics.type_params().next().map(|_| {
            let unused = names::unused();
            let types = self.generics.type_params().map(|param| &param.ident);
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
                #params_used
            }
        }
    }

    /// Gives the stub the actor's name, and its methods those of the handlers.
    pub(super) fn name_stub(&self, spoken: &mut protocol::Model) {
        spoken.stub = names::stub(&self.actor);
        spoken.borrows = self.borrows;
        spoken.actor = Some(self.actor.clone());
        for (variant, handler) in spoken.variants.iter_mut().zip(&self.handlers) {
            variant.method = handler.method.clone();
            if self.borrows || handler.broken.is_some() {
                variant.loose = handler.broken.or_else(|| Some(handler.fields().count()));
            }
        }
    }

    /// The handler of a kind of system message.
    pub(super) fn event(&self, wanted: Event) -> Option<&Handler> {
        self.handlers.iter().find(|handler| matches!(handler.hook, Hook::Event { kind, .. } if kind == wanted))
    }

    /// An impl has no visibility: its messages are as visible as the most visible of its handlers. Where there are none, an
    /// actor that is `pub` has no other way to have them so, too.
    fn visibility(&self) -> Visibility {
        let sent = self.handlers.iter().filter(|handler| !matches!(handler.hook, Hook::Event { .. }));
        match sent.map(|handler| &handler.vis).max_by_key(|vis| visibility::reach(vis)) {
            Some(vis) if visibility::reach(vis) > 0 => vis.clone(),
            Some(_) => parse_quote!(pub(crate)),
            None => parse_quote!(pub),
        }
    }
}

/// The actor's name, if the impl is one that can have messages.
fn check_block(block: &ItemImpl, errors: &mut Errors) -> Option<Ident> {
    if let Some((path, _)) = &block.trait_ {
        let message = if attr::path_ends_with(path, "Process") {
            "an `impl Process` stands alone: `#[actor(protocol = ..)]` goes on the struct"
        } else {
            "`#[actor]` stands on the actor's own impl, not on that of a trait"
        };
        errors.push(path, message);
        return None;
    }
    let Type::Path(path) = &*block.self_ty else {
        // Of the others rustc says that they cannot have an impl.
        if let Type::TraitObject(_) = &*block.self_ty {
            errors.push(&block.self_ty, "expected the actor's name, as in `impl Counter`");
        }
        return None;
    };
    let segment = path.path.segments.last()?;
    if block.generics.lifetimes().next().is_none() && !generics::arguments_match_params(segment, &block.generics) {
        let ident = &segment.ident;
        errors.push(
            &block.self_ty,
            format!("an actor's impl is as generic as its struct, in the same order: `impl<T> {ident}<T>`"),
        );
        return None;
    }
    Some(segment.ident.clone())
}
