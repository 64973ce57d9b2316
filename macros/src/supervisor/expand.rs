//! The stub of a tree, and the specification by which the runtime starts, restarts and stops the children.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, Generics, parse_quote};

use super::model::{Child, Model};
use super::options::{ChildKind, TreeOptions};
use super::siblings;
use crate::names::{self, local, param, private, private_at};
use crate::syntax::{attr, generics, types};

/// Generates everything but the struct.
pub(super) fn expand(model: &Model) -> TokenStream {
    let stub = stub(model);
    let tree = tree(model);
    let (starts, export) = (starts(model), export(model));
    quote!(#stub #tree #starts #export)
}

/// Returns the generics of every generated item. The processes of the children share the tree, so it is `Send` and
/// `Sync`.
fn generics(model: &Model) -> Generics {
    let private = private();
    let bounds = quote!(::core::marker::Send + ::core::marker::Sync + 'static);
    let mut generics = generics::with_bounds(&model.generics, &bounds);
    if is_generic(model) {
        let clause = generics.make_where_clause();
        for child in model.children.iter().filter(|child| child.cfgs.is_empty()) {
            let ty = &child.ty;
            let trait_ = child_trait(child);
            clause.predicates.push(parse_quote!(#ty: #private::#trait_));
        }
    }
    generics
}

fn is_generic(model: &Model) -> bool {
    model.generics.type_params().next().is_some()
}

/// Returns the trait of a child's type. Its functions are called by their path, at the span of the type: all calls
/// cause the same error for a type that cannot be a child, and rustc prints equal errors once.
fn child_trait(child: &Child) -> Ident {
    Ident::new(if child.options.kind == ChildKind::Supervisor { "Subtree" } else { "Child" }, Span::call_site())
}

fn trait_function(child: &Child, name: &str) -> TokenStream {
    let (ty, trait_) = (&child.ty, child_trait(child));
    let private = private_at(ty.span());
    let name = Ident::new(name, ty.span());
    quote_spanned!(ty.span()=> <#ty as #private::#trait_>::#name)
}

/// Returns the type of the child's stub.
fn stub_type(child: &Child) -> TokenStream {
    let ty = &child.ty;
    let (first, last) = types::first_and_last_span(ty);
    let private = private_at(first);
    let close = quote_spanned!(last=> >);
    match child.options.kind {
        ChildKind::Worker => quote_spanned!(first=> #private::ChildStub<#ty #close),
        ChildKind::Supervisor => quote_spanned!(first=> #private::SubtreeStub<#ty #close),
        ChildKind::Dynamic => {
            let lifetime = dynamic_lifetime(child);
            quote_spanned!(first=> #private::Dynamic<#ty, #lifetime #close)
        }
    }
}

/// Returns the type that states if a dynamic child is restarted, and if it can be on another node.
fn dynamic_lifetime(child: &Child) -> TokenStream {
    let private = private();
    let word = if child.options.restart == Some("Temporary") { "OneShot" } else { "Restartable" };
    let word = Ident::new(word, Span::call_site());
    match child.on() {
        Some(_) => quote!(#private::Elsewhere<#private::#word>),
        None => quote!(#private::#word),
    }
}

/// Generates the stub of the tree.
fn stub(model: &Model) -> TokenStream {
    let private = private();
    let Model { cfgs, vis, ident, stub, .. } = model;
    let name = stub.unraw().to_string();
    let generics = generics(model);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let intro = format!(" Stub of the tree [`{}`], with a stub for each child.", ident.unraw());
    let marker = is_generic(model).then(|| {
        let types = model.generics.type_params().map(|param| &param.ident);
        quote!(#[doc(hidden)] __marker: ::core::marker::PhantomData<fn() -> (#(#types,)*)>,)
    });
    let marker_value = is_generic(model).then(|| quote!(__marker: ::core::marker::PhantomData,));
    let fields = model.children.iter().map(|child| {
        let Child { cfgs, name, .. } = child;
        let ty = if child.options.kind == ChildKind::Dynamic { stub_type(child) } else { quote!(#private::StoredStub) };
        quote!(#(#cfgs)* #[doc(hidden)] #name: #ty)
    });
    let clones = model
        .children
        .iter()
        .map(|Child { cfgs, name, .. }| quote!(#(#cfgs)* #name: ::core::clone::Clone::clone(&self.#name)));
    let builder = local("builder");
    let fmt_fields = model.children.iter().map(|Child { cfgs, name, .. }| {
        let text = name.unraw().to_string();
        quote!(#(#cfgs)* #builder.field(#text, &self.#name);)
    });
    let methods = model.children.iter().map(|child| accessor(model, child));
    let f = param("f");
    quote! {
        #(#cfgs)*
        #[doc = #intro]
        #[allow(dead_code, private_interfaces, unreachable_pub)]
        #vis struct #stub #generics #where_clause {
            #[doc(hidden)]
            __supervisor: #private::SupervisorRef,
            #(#fields,)*
            #marker
        }

        #(#cfgs)*
        #[allow(dead_code, private_interfaces, unreachable_pub)]
        impl #impl_generics #stub #ty_generics #where_clause {
            #(#methods)*
        }

        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics ::core::clone::Clone for #stub #ty_generics #where_clause {
            fn clone(&self) -> Self {
                Self {
                    __supervisor: ::core::clone::Clone::clone(&self.__supervisor),
                    #(#clones,)*
                    #marker_value
                }
            }
        }

        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics ::core::fmt::Debug for #stub #ty_generics #where_clause {
            fn fmt(&self, #f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                let mut #builder = ::core::fmt::Formatter::debug_struct(#f, #name);
                #(#fmt_fields)*
                #builder.finish()
            }
        }

        #(#cfgs)*
        #[automatically_derived]
        impl #impl_generics #private::TreeStub for #stub #ty_generics #where_clause {
            fn supervisor(&self) -> &#private::SupervisorRef {
                &self.__supervisor
            }
        }
    }
}

/// Generates the method that returns a child's stub.
fn accessor(model: &Model, child: &Child) -> TokenStream {
    let vis = &model.vis;
    let Child { cfgs, docs, name, .. } = child;
    let stub_type = stub_type(child);
    let follows = match child.options.kind {
        ChildKind::Worker => " The stub follows the child across restarts.",
        ChildKind::Supervisor => {
            " The stub of the tree. Its stubs follow their children across restarts of the tree too."
        }
        ChildKind::Dynamic => " Starts and supervises children of this type.",
    };
    let doc_text = if attr::has_doc_text(docs) {
        quote!(#(#docs)* #[doc = ""] #[doc = #follows])
    } else {
        let doc_text = format!(" The stub of the child `{}`. It follows the child across restarts.", name.unraw());
        quote!(#(#docs)* #[doc = #doc_text])
    };
    let stub = if child.options.kind == ChildKind::Dynamic {
        quote!(::core::clone::Clone::clone(&self.#name))
    } else {
        let private = private();
        quote!(#private::StoredStub::get(&self.#name))
    };
    quote! {
        #(#cfgs)*
        #doc_text
        #vis fn #name(&self) -> #stub_type {
            #stub
        }
    }
}

/// Generates `impl Tree`.
fn tree(model: &Model) -> TokenStream {
    let private = private();
    let Model { cfgs, ident, stub, options, .. } = model;
    let generics = generics(model);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let text = ident.unraw().to_string();
    let options = tree_options(options);
    let (this, children, cells) = (local("this"), local("children"), local("cells"));
    let stubs = model.children.iter().map(|child| child_stub(child, &cells));
    let additions = model.children.iter().map(|child| add_child(child, &this, &children));
    let marker = is_generic(model).then(|| quote!(__marker: ::core::marker::PhantomData,));
    // Without static children, nothing uses these parameters.
    let unused = model.children.iter().all(|child| !child.cfgs.is_empty() || child.options.kind == ChildKind::Dynamic);
    let unused = unused.then(|| quote!(let _ = (#this, &mut *#children);));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #[allow(clippy::needless_update)]
        impl #impl_generics #private::Tree for #ident #ty_generics #where_clause {
            type Ref = #stub #ty_generics;
            const NAME: &'static str = #text;
            const OPTIONS: #private::SupervisorOptions = #options;
            fn stubs(#cells: &#private::ChildCells) -> #stub #ty_generics {
                #stub {
                    __supervisor: #private::ChildCells::supervisor(#cells),
                    #(#stubs,)*
                    #marker
                }
            }
            fn add_children(#this: &::std::sync::Arc<Self>, #children: &mut #private::Children) {
                #unused
                #(#additions)*
            }
        }
    }
}

/// Generates `impl Export`, which holds if the tree has serde's traits. A generic tree has no name of its own.
fn export(model: &Model) -> Option<TokenStream> {
    let private = private();
    let Model { cfgs, ident, generics, .. } = model;
    generics.params.is_empty().then(|| {
        quote! {
            #private::if_net! {
                #(#cfgs)*
                #[automatically_derived]
                #[doc(hidden)]
                impl #private::Export for #ident
                where
                    for<'a> #ident: #private::ExportedTree<'a>,
                {
                    fn __export<__E: #private::AddExport>(exports: &mut __E) {
                        #private::export_tree::<Self>(exports);
                    }
                }
            }
        }
    })
}

/// Generates the value of `#[supervisor(..)]`.
fn tree_options(options: &TreeOptions) -> TokenStream {
    let private = private();
    let strategy = options.strategy.map(|strategy| {
        let strategy = Ident::new(strategy, Span::call_site());
        quote!(strategy: #private::Strategy::#strategy,)
    });
    let intensity = options.intensity.as_ref().map(|intensity| quote!(intensity: #intensity,));
    let period = options.period.map(|period| {
        let period = period.tokens();
        quote!(period: #period,)
    });
    let auto_shutdown = options.auto_shutdown.map(|auto_shutdown| {
        let auto_shutdown = Ident::new(auto_shutdown, Span::call_site());
        quote!(auto_shutdown: #private::AutoShutdown::#auto_shutdown,)
    });
    quote!(#private::SupervisorOptions { #strategy #intensity #period #auto_shutdown ..#private::SupervisorOptions::DEFAULT })
}

/// Generates the value of `#[child(..)]`.
fn child_options(child: &Child) -> TokenStream {
    let private = private();
    let restart = child.options.restart.map(|restart| {
        let restart = Ident::new(restart, Span::call_site());
        quote!(restart: #private::Restart::#restart,)
    });
    let shutdown = child.options.shutdown.map(|shutdown| {
        let shutdown = shutdown.tokens();
        quote!(shutdown: #shutdown,)
    });
    let significant = child.options.significant.then(|| quote!(significant: true,));
    let backoff = child.options.backoff.map(|(min, max)| {
        let (min, max) = (min.tokens(), max.tokens());
        quote!(backoff: ::core::option::Option::Some(#private::Backoff { min: #min, max: #max }),)
    });
    let while_down = child.options.while_down.map(|while_down| {
        let while_down = Ident::new(while_down, Span::call_site());
        quote!(while_down: #private::WhileDown::#while_down,)
    });
    let default = if child.options.kind == ChildKind::Supervisor { quote!(SUPERVISOR) } else { quote!(DEFAULT) };
    quote! {
        #private::ChildOptions {
            #restart #shutdown #significant #backoff #while_down ..#private::ChildOptions::#default
        }
    }
}

/// Generates the stub of a child.
fn child_stub(child: &Child, cells: &Ident) -> TokenStream {
    let private = private();
    let Child { cfgs, name, ty, options, .. } = child;
    let text = name.unraw().to_string();
    let value = if options.kind == ChildKind::Dynamic {
        let (lifetime, options) = (dynamic_lifetime(child), child_options(child));
        quote!(#private::Dynamic::<#ty, #lifetime>::__new(#cells, #text, #options))
    } else {
        let stored_stub = trait_function(child, "stored_stub");
        quote!(#stored_stub(#cells, #text))
    };
    quote!(#(#cfgs)* #name: #value)
}

/// Generates the statement that adds a child to the tree.
fn add_child(child: &Child, this: &Ident, children: &Ident) -> TokenStream {
    let Child { cfgs, name, options, .. } = child;
    let text = name.unraw().to_string();
    if options.kind == ChildKind::Dynamic {
        let (add, tree) = (trait_function(child, "add_dynamic"), tree_options(&options.supervisor));
        let place = child.on().map(|_| {
            let (private, on) = (private(), names::on(name));
            let place = need_net(child, &quote!(#private::Children::place(#children, #text, #this, Self::#on)));
            quote!(#(#cfgs)* #place;)
        });
        return quote!(#(#cfgs)* #add(#children, #text, #tree); #place);
    }
    let is_constructed = options.kind == ChildKind::Worker
        && (child.on().is_some() || options.start.as_ref().is_some_and(|start| !is_made_by_value(start)));
    let add = trait_function(child, if is_constructed { "add_constructed" } else { "add" });
    let (start, options) = (names::start(name), child_options(child));
    quote!(#(#cfgs)* #add(#children, #text, #options, #this, Self::#start);)
}

/// Generates the bindings of the earlier siblings that the child's `start` uses, to their stubs.
fn siblings(model: &Model, child: &Child, cells: &Ident) -> Option<TokenStream> {
    let earlier = siblings::earlier(model, child);
    if earlier.is_empty() {
        return None;
    }
    let (private, stubs) = (private(), local("stubs"));
    let bindings = earlier.into_iter().map(|Child { cfgs, name, .. }| quote!(#(#cfgs)* let #name = #stubs.#name();));
    Some(quote! {
        let #stubs = <Self as #private::Tree>::stubs(#cells);
        #(#bindings)*
    })
}

/// Returns code that needs the feature `net`, because of the child's option `on`.
fn need_net(child: &Child, code: &TokenStream) -> TokenStream {
    let private = private();
    let span = child.on().map_or_else(Span::call_site, Spanned::span);
    quote_spanned!(span=> #private::need_net! { "`on`" #code })
}

/// Generates the function that names the node of a child. `self` is the tree.
fn on(child: &Child) -> Option<TokenStream> {
    let Child { cfgs, name, .. } = child;
    let node = child.on()?;
    let (private, function) = (private_at(node.span()), names::on(name));
    let body = need_net(child, &quote_spanned!(node.span()=> #private::child_node(#node)));
    Some(quote! {
        #(#cfgs)*
        #[doc(hidden)]
        fn #function(&self) -> ::std::string::String {
            #body
        }
    })
}

/// Returns whether a child is made by a value of the field's type, and not by a constructor. Then the value may take its
/// type from the field: `panic!("no log")`, `Default::default()`, `settings.into()`.
fn is_made_by_value(start: &Expr) -> bool {
    match start {
        Expr::Macro(_) | Expr::Struct(_) | Expr::Lit(_) => true,
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => path.path.segments.first().is_some_and(|first| first.ident == "Default"),
            _ => false,
        },
        Expr::MethodCall(call) => call.method == "into",
        _ => false,
    }
}

/// Generates the functions that make the children. `self` is the tree.
fn starts(model: &Model) -> TokenStream {
    let Model { cfgs, ident, .. } = model;
    let generics = generics(model);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let (private, cells) = (private(), local("cells"));
    let functions = model.children.iter().filter(|child| child.options.kind != ChildKind::Dynamic).map(|child| {
        let Child { cfgs, name, ty, options, .. } = child;
        let function = names::start(name);
        let params = generics.type_params().map(|param| &param.ident);
        let params = params.chain(generics.const_params().map(|param| &param.ident));
        let siblings = siblings(model, child, &cells);
        // An actor, or the arguments of its constructor.
        let returned = match (options.kind, &options.start) {
            (ChildKind::Worker, start)
                if child.on().is_some() || start.as_ref().is_some_and(|start| !is_made_by_value(start)) =>
            {
                let private = private_at(ty.span());
                quote_spanned!(ty.span()=> impl #private::Constructor<Actor = #ty> + use<#(#params),*>)
            }
            _ => quote!(#ty),
        };
        let body = match &options.start {
            Some(start) => quote!(#start),
            None => {
                let (private, make) = (private_at(ty.span()), Ident::new("__make", ty.span()));
                let trait_ = format_ident!("DefaultProbe{}", child_trait(child));
                quote_spanned! {ty.span()=>
                    #[allow(unused_imports)]
                    use #private::{#trait_ as _, DefaultProbeOther as _};
                    (&#private::DefaultProbe::<#ty>::NEW).#make()
                }
            }
        };
        let body = if child.on().is_some() { placed(child, &body) } else { body };
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #[allow(unused_variables)]
            fn #function(&self, #cells: &#private::ChildCells) -> #returned {
                #siblings
                #body
            }
        }
    });
    let nodes = model.children.iter().filter_map(on);
    quote! {
        #(#cfgs)*
        #[allow(clippy::unused_self)]
        impl #impl_generics #ident #ty_generics #where_clause {
            #(#functions)*
            #(#nodes)*
        }
    }
}

/// Generates the value of a child that starts on the node of its option `on`; `start` makes the child itself.
fn placed(child: &Child, start: &TokenStream) -> TokenStream {
    let Child { name, ty, options, .. } = child;
    let (span, on) = (options.start.as_ref().map_or_else(|| ty.span(), Spanned::span), names::on(name));
    let private = private_at(span);
    let by_value = options.start.as_ref().is_none_or(is_made_by_value).then(|| quote!(::<#ty>));
    // The node first: it does not depend on the child.
    let node = local("node");
    let start = if options.start.is_some() { start.clone() } else { quote!({ #start }) };
    let placed = quote_spanned!(span=> #private::placed #by_value (#node, #start));
    need_net(child, &quote!({ let #node = self.#on(); #placed }))
}
