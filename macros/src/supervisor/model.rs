//! A supervision tree, resolved from the struct.

use proc_macro2::Ident;
use syn::{Attribute, Expr, Fields, Generics, ItemStruct, Type, Visibility, parse_quote};

use super::options::{ChildKind, ChildOptions, TreeOptions};
use crate::diag::Errors;
use crate::names;
use crate::syntax::{attr, generics};

/// A supervision tree.
pub(super) struct Model {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) ident: Ident,
    pub(super) stub: Ident,
    pub(super) generics: Generics,
    pub(super) options: TreeOptions,
    /// The children in start order.
    pub(super) children: Vec<Child>,
}

/// A child.
pub(super) struct Child {
    pub(super) cfgs: Vec<Attribute>,
    pub(super) docs: Vec<Attribute>,
    pub(super) name: Ident,
    pub(super) ty: Type,
    pub(super) options: ChildOptions,
}

impl Child {
    /// Returns the expression of the option `on`, which a nested supervisor cannot have.
    pub(super) fn on(&self) -> Option<&Expr> {
        self.options.on.as_ref().filter(|_| self.options.kind != ChildKind::Supervisor)
    }
}

impl Model {
    /// Parses the struct, and removes the children from it. Returns `None` if an error leaves nothing to expand.
    pub(super) fn parse(item: &mut ItemStruct, options: TreeOptions, errors: &mut Errors) -> Option<Model> {
        let has_lifetimes = generics::reject_lifetimes("a supervisor", &item.generics, errors);
        let named = matches!(item.fields, Fields::Named(_));
        if !named {
            errors.push_help(
                &item.ident,
                "`#[supervisor]` expects a struct with named fields",
                format!("write `struct {} {{ #[child] log: Log, .. }}`", item.ident),
            );
        }
        let children = take_children(&mut item.fields, errors);
        (named && !has_lifetimes).then(|| Model {
            cfgs: attr::cfgs(&item.attrs),
            vis: item.vis.clone(),
            ident: item.ident.clone(),
            stub: names::stub(&item.ident),
            generics: item.generics.clone(),
            options,
            children,
        })
    }

    /// Adds a field of the type `()` for each child. A derive that has read the children refers to the fields, and `()`
    /// has every trait that it may need.
    pub(super) fn restore_fields(&self, item: &mut ItemStruct) {
        if let Fields::Named(fields) = &mut item.fields {
            let restored = self
                .children
                .iter()
                .map(|Child { cfgs, name, .. }| -> syn::Field { parse_quote!(#(#cfgs)* #name: ()) });
            fields.named.extend(restored);
        }
    }
}

fn take_children(fields: &mut Fields, errors: &mut Errors) -> Vec<Child> {
    let mut children = Vec::new();
    let Fields::Named(named) = fields else {
        fields.iter_mut().for_each(|field| while attr::take(&mut field.attrs, "child").is_some() {});
        return children;
    };
    let all = std::mem::take(&mut named.named);
    for mut field in all {
        let Some(attribute) = attr::take_one(&mut field.attrs, "child", errors) else {
            named.named.push(field);
            continue;
        };
        if let Some(name) = field.ident.clone() {
            let (cfgs, docs) = (attr::cfgs(&field.attrs), attr::docs(&field.attrs));
            let options = ChildOptions::parse(&attribute, errors);
            children.push(Child { cfgs, docs, name, ty: field.ty, options });
        }
    }
    children
}
