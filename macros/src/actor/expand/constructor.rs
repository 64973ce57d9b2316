//! The functions that return the arguments of constructors, and the impls that call the constructors.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Generics;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::actor::constructor::{Constructor, Param};
use crate::actor::model::Model;
use crate::names::{self, local, nth, param, private, private_at};

/// Generates the functions that return the arguments, and the types that identify the constructors.
pub(super) fn expand(model: &Model, process_generics: &Generics) -> TokenStream {
    let constructors = model.constructors.iter().map(|constructor| expand_one(model, process_generics, constructor));
    let export = export(model);
    quote!(#(#constructors)* #export)
}

/// Generates the function that exports the constructors, as far as their arguments can be sent.
fn export(model: &Model) -> TokenStream {
    // The bounds of type parameters are not known here.
    if model.constructors.is_empty() || model.generics.type_params().next().is_some() {
        return quote!();
    }
    let private = private();
    let Model { cfgs: outer, self_ty, generics, .. } = model;
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let exports = model.constructors.iter().map(|constructor| {
        let (cfgs, marker) = (&constructor.cfgs, marker(model, constructor));
        let types = constructor.arguments().map(|(_, ty)| ty);
        quote!(#(#cfgs)* #private::ExportProbe::<#private::Init<#marker, (#(#types,)*)>>::new().__export(exports);)
    });
    quote! {
        #private::if_net! {
            #(#outer)*
            #[automatically_derived]
            impl #impl_generics #self_ty #where_clause {
                #[doc(hidden)]
                #[allow(dead_code, deprecated)]
                fn __export_constructors<__E: #private::AddExport>(exports: &mut __E) {
                    #[allow(unused_imports)]
                    use #private::NotExported as _;
                    #(#exports)*
                }
            }
        }
    }
}

/// Returns the name of the type that identifies the constructor.
fn marker(model: &Model, Constructor { name, .. }: &Constructor) -> Ident {
    format_ident!("{}{}", model.actor.unraw(), names::variant(name).unraw(), span = name.span())
}

fn expand_one(model: &Model, process_generics: &Generics, constructor: &Constructor) -> TokenStream {
    let private = private();
    let Model { cfgs: outer, self_ty, generics, .. } = model;
    let Constructor { cfgs, attrs, vis, name, body, is_async, output, .. } = constructor;
    let marker = marker(model, constructor);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let params = &generics.params;
    let unused = generics.type_params().map(|param| &param.ident);
    let (names, types): (Vec<_>, Vec<_>) = constructor.arguments().unzip();
    let args = quote!((#(#types,)*));
    let init = quote_spanned!(name.span()=> #private::Init<#marker #ty_generics, #args>);
    let constructor_name = name.unraw().to_string();
    let params_text = names.iter().map(|name| name.unraw().to_string().trim_start_matches('_').to_owned());
    let intro = format!(" Identifies the constructor [`{0}::{name}`] in an `Init`.", model.actor.unraw());
    let function = quote! {
        #(#outer)*
        impl #impl_generics #self_ty #where_clause {
            #(#attrs)*
            #vis fn #name(#(#names: #types),*) -> #init {
                #private::Init::__new((#(#names,)*))
            }
        }

        #(#outer)*
        #(#cfgs)*
        #[doc = #intro]
        #[allow(dead_code, missing_debug_implementations, unreachable_pub)]
        #vis struct #marker<#params>(::core::marker::PhantomData<fn() -> (#(#unused,)*)>);
    };
    let (cx, arguments) = (param("cx"), local("arguments"));
    let bindings: Vec<Ident> = (0..names.len()).map(|index| nth("argument", index)).collect();
    let mut fields = bindings.iter();
    let passed = constructor.params.iter().map(|param| match param {
        Param::Context => quote!(#cx),
        Param::Argument { .. } => {
            let field = fields.next();
            quote!(#field)
        }
    });
    let mut call = quote!(<#self_ty>::#body(#(#passed),*));
    if *is_async {
        // At the span of the function's name rustc reports that the future is not `Send`.
        let private = private_at(name.span());
        call = quote_spanned!(name.span()=> #private::HandlerFuture::<#args>::require_send(#call).await);
    }
    let into_result = {
        let private = private_at(output.span());
        quote_spanned!(output.span()=> <#output as #private::Constructed<#self_ty>>::into_result)
    };
    let (impl_generics, _, where_clause) = process_generics.split_for_impl();
    quote! {
        #function

        #(#outer)*
        #(#cfgs)*
        #[automatically_derived]
        #[doc(hidden)]
        #[allow(deprecated)]
        impl #impl_generics #private::Construct<#args> for #marker #ty_generics #where_clause {
            type Actor = #self_ty;
            const NAME: &'static str = #constructor_name;
            const PARAMS: &'static [&'static str] = &[#(#params_text),*];

            async fn construct(
                #arguments: #args,
                #cx: &mut #private::Context<#self_ty>,
            ) -> ::core::result::Result<#self_ty, #private::Exit> {
                #[allow(unused_imports)]
                use #private::NotSend as _;
                let (#(#bindings,)*) = #arguments;
                #into_result(#call)
            }
        }
    }
}
