//! Warnings for fields that the processes of one node share, while a process of another node receives a copy.
//!
//! A macro cannot warn on stable Rust. The use of a deprecated item does.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Ident, PathSegment, Type};

use super::model::{Field, Model};
use crate::syntax::text::source_text;
use crate::syntax::types::{last_segment, only_argument};

/// Generates a warning for each field of a remote message whose type is written as an `Arc` of a lock or an atomic.
pub(super) fn warnings(model: &Model) -> TokenStream {
    if model.local {
        return TokenStream::new();
    }
    let fields = model.variants.iter().filter(|variant| variant.is_encodable()).flat_map(|variant| {
        variant.fields.iter().map(|field| (variant.cfgs.iter().chain(&field.cfgs).chain(&model.cfgs), field))
    });
    fields.filter_map(|(cfgs, field)| warning(&cfgs.collect::<Vec<_>>(), field)).collect()
}

fn warning(cfgs: &[&syn::Attribute], field: &Field) -> Option<TokenStream> {
    let shared = Search::find(&field.ty)?;
    let note = format!(
        "processes of one node share this `{}`, and a process of another node receives a copy; send the value itself, \
         or the stub of a process that has it; `#[private]` keeps the message on its node",
        source_text(&shared)
    );
    let levels = &field.lint_levels;
    // The message begins with the item's name: "use of deprecated constant `_::isolation`".
    let item = Ident::new("isolation", shared.span());
    let usage = quote_spanned!(shared.span()=> let () = #item;);
    Some(quote! {
        #(#cfgs)*
        const _: () = {
            #[allow(non_upper_case_globals)]
            #[deprecated(note = #note)]
            const #item: () = ();
            #(#levels)*
            #usage
        };
    })
}

/// A search for `Arc<Mutex<T>>`, `Arc<RwLock<T>>` and an atomic in an `Arc`.
#[derive(Default)]
struct Search(Option<PathSegment>);

impl Search {
    fn find(ty: &Type) -> Option<PathSegment> {
        let mut search = Search::default();
        search.visit_type(ty);
        search.0
    }
}

impl<'ast> Visit<'ast> for Search {
    fn visit_path_segment(&mut self, node: &'ast PathSegment) {
        let inner = only_argument(node).filter(|_| node.ident == "Arc").and_then(last_segment);
        let is_mutable = inner.is_some_and(|inner| {
            let name = inner.ident.to_string();
            name == "Mutex" || name == "RwLock" || name.starts_with("Atomic")
        });
        if is_mutable {
            self.0.get_or_insert_with(|| node.clone());
        }
        visit::visit_path_segment(self, node);
    }
}
