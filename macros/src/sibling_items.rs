//! What stands around an item, as its file has it.
//!
//! A macro is handed one item, without the attributes above its own. Where two items make a mistake together, or an
//! attribute stands in the wrong order, each is right by itself, and rustc would tell one by one of all the names that
//! follow from them. So a macro looks into its own file, and only to tell of such a mistake in one message: what is
//! generated for a right program is the same whether the file can be read or not, and where it cannot (an editor's
//! unsaved text, the other item in another file) rustc tells it in its own way.

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, File, ImplItem, Item, ItemImpl, ItemMod, ItemStruct, Meta, Stmt, Visibility};

use crate::syntax::attr;
use crate::syntax::text::source_text;

/// What an actor's impl cannot stand beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clash {
    /// Another `#[actor] impl` of the same type, further up.
    Impl,
    /// A struct with `protocol = ..`.
    Protocol,
}

/// What stands beside this impl, if it clashes.
pub(crate) fn clash(block: &ItemImpl, actor: &Ident) -> Option<Clash> {
    find(&file()?, block, actor)
}

/// Whether the struct beside this impl is `pub`.
pub(crate) fn is_public(block: &ItemImpl, actor: &Ident) -> bool {
    file().is_some_and(|text| find_public(&text, block, actor))
}

/// The `#[derive(..)]` above a tree's `#[supervisor]`, which has read the children as fields.
pub(crate) fn derive_above(tree: &ItemStruct) -> Option<Attribute> {
    find_derive(&file()?, tree)
}

/// The text of the file that the macro is called in.
fn file() -> Option<String> {
    if !proc_macro::is_available() {
        return None;
    }
    let path = proc_macro::Span::call_site().local_file()?;
    std::fs::read_to_string(path).ok()
}

fn find(text: &str, block: &ItemImpl, actor: &Ident) -> Option<Clash> {
    if !is_suspect(text, &actor.to_string()) {
        return None;
    }
    let mut find = Find { block, actor, found: None };
    look_through(text, &mut |items| find.look(items))?;
    find.found
}

/// Shows the items of the file, of its modules and of the bodies of its functions, each list by itself.
fn look_through(text: &str, look: &mut dyn FnMut(&[&Item])) -> Option<()> {
    struct Lists<'a>(&'a mut dyn FnMut(&[&Item]));
    impl<'ast> Visit<'ast> for Lists<'_> {
        fn visit_file(&mut self, file: &'ast File) {
            self.0(&file.items.iter().collect::<Vec<_>>());
            visit::visit_file(self, file);
        }

        fn visit_item_mod(&mut self, module: &'ast ItemMod) {
            self.0(&module.content.iter().flat_map(|(_, items)| items).collect::<Vec<_>>());
            visit::visit_item_mod(self, module);
        }

        fn visit_block(&mut self, block: &'ast Block) {
            let items = block.stmts.iter().filter_map(|stmt| match stmt {
                Stmt::Item(item) => Some(item),
                _ => None,
            });
            self.0(&items.collect::<Vec<_>>());
            visit::visit_block(self, block);
        }
    }
    Lists(look).visit_file(&syn::parse_file(text).ok()?);
    Some(())
}

/// Whether there may be anything to be found, as far as lines and their indentation tell: few files are worth parsing.
fn is_suspect(text: &str, actor: &str) -> bool {
    // How far the one before is indented, as long as what is around it goes on; and what stands above a line.
    let (mut before, mut head) = (None, String::new());
    for line in text.lines() {
        let code = line.trim_start();
        let indentation = line.len() - code.len();
        if code.is_empty() || code.starts_with("//") {
            continue;
        }
        before = before.filter(|before| *before <= indentation);
        head.push_str(code);
        let is_open = head.matches('[').count() > head.matches(']').count();
        if head.starts_with("#[") && (is_open || head.ends_with(']')) {
            continue;
        }
        let is_impl = head.contains("impl") && !head.contains(" for ");
        if head.contains("actor") && head.contains(actor) && (is_impl || head.contains("protocol")) {
            if before == Some(indentation) {
                return true;
            }
            before = Some(indentation);
        }
        head.clear();
    }
    false
}

/// Looks for an impl that is as ours.
struct Find<'a> {
    block: &'a ItemImpl,
    actor: &'a Ident,
    found: Option<Clash>,
}

impl Find<'_> {
    fn look(&mut self, items: &[&Item]) {
        let mut impls = items.iter().filter_map(|item| match item {
            Item::Impl(other) if self.is_like_ours(other) => Some(other),
            _ => None,
        });
        let Some(place) = impls.position(|other| methods(other) == methods(self.block)) else { return };
        if place > 0 {
            self.found = Some(Clash::Impl);
        } else if items.iter().any(|item| self.gives_a_protocol(item)) {
            self.found = Some(Clash::Protocol);
        }
    }

    fn is_like_ours(&self, other: &ItemImpl) -> bool {
        other.trait_.is_none()
            && source_text(&other.self_ty) == source_text(&self.block.self_ty)
            && declaration(&other.attrs).is_some()
    }

    fn gives_a_protocol(&self, item: &Item) -> bool {
        let (ident, attrs) = match item {
            Item::Struct(item) => (&item.ident, &item.attrs),
            Item::Enum(item) => (&item.ident, &item.attrs),
            _ => return false,
        };
        let options = declaration(attrs).and_then(|attr| match &attr.meta {
            Meta::List(list) => Some(list.tokens.clone()),
            _ => None,
        });
        let protocol = |token: proc_macro2::TokenTree| token.to_string() == "protocol";
        ident == self.actor && options.is_some_and(|options| options.into_iter().any(protocol))
    }
}

fn find_public(text: &str, block: &ItemImpl, actor: &Ident) -> bool {
    // Few files are worth parsing.
    if !text.contains(&format!("pub struct {actor}")) {
        return false;
    }
    let ours = Find { block, actor, found: None };
    let is_ours =
        |item: &Item| matches!(item, Item::Impl(other) if ours.is_like_ours(other) && methods(other) == methods(block));
    let is_public = |item: &Item| match item {
        Item::Struct(item) => {
            item.ident == *actor && matches!(item.vis, Visibility::Public(_)) && declaration(&item.attrs).is_some()
        }
        _ => false,
    };
    let mut found = false;
    let looked = look_through(text, &mut |items| {
        found |= items.iter().any(|item| is_ours(item)) && items.iter().any(|item| is_public(item));
    });
    looked.is_some() && found
}

fn find_derive(text: &str, tree: &ItemStruct) -> Option<Attribute> {
    // Few files are worth parsing.
    let is_above = |rest: &str| {
        rest.split_once("supervisor")
            .is_some_and(|(between, _)| !between.contains("struct ") && !between.contains("enum "))
    };
    if !text.split("#[derive(").skip(1).any(is_above) {
        return None;
    }
    let names = |item: &ItemStruct| item.fields.iter().map(|field| field.ident.clone()).collect::<Vec<_>>();
    let derived = |other: &ItemStruct| {
        let mut above = other.attrs.iter().take_while(|attr| !attr::path_ends_with(attr.path(), "supervisor"));
        let is_tree = other.attrs.iter().any(|attr| attr::path_ends_with(attr.path(), "supervisor"));
        let is_ours = is_tree && other.ident == tree.ident && names(other) == names(tree);
        above.find(|attr| is_ours && attr.path().is_ident("derive")).cloned()
    };
    let mut found = None;
    look_through(text, &mut |items| {
        let derive = items.iter().find_map(|item| match item {
            Item::Struct(other) => derived(other),
            _ => None,
        });
        found = found.take().or(derive);
    })?;
    found
}

/// The `#[actor]` of an item that is there whatever the features are.
fn declaration(attrs: &[Attribute]) -> Option<&Attribute> {
    if !attr::cfgs(attrs).is_empty() {
        return None;
    }
    attrs.iter().find(|attr| attr::path_ends_with(attr.path(), "actor"))
}

/// By these an impl is recognised: the compiler does not say where in its file it stands.
fn methods(block: &ItemImpl) -> Vec<&Ident> {
    let named = block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(method) => Some(&method.sig.ident),
        _ => None,
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use quote::format_ident;

    use super::*;

    /// What the impl of `Counter` that has a method `second` finds in a file.
    fn check(text: &str, expected: Option<Clash>) {
        let block: ItemImpl = syn::parse_quote!(
            impl Counter {
                fn second(&mut self) {}
            }
        );
        assert_eq!(find(text, &block, &format_ident!("Counter")), expected, "{text}");
    }

    const FIRST: &str = "#[actor] impl Counter {\n #[cast] fn first(&mut self) {} }\n";
    const SECOND: &str = "#[greenroom::actor]\nimpl Counter {\n /// Says so.\n #[cast] fn second(&mut self) {} }\n";

    #[test]
    fn another_impl_is_found_beside_it() {
        check(&format!("{FIRST}{SECOND}"), Some(Clash::Impl));
        check(&format!("mod counts {{\n{FIRST}{SECOND}}}"), Some(Clash::Impl));
        check(&format!("fn main() {{\nlet n = || {{\n{FIRST}{SECOND}}};\n}}"), Some(Clash::Impl));
    }

    #[test]
    fn a_public_struct_is_found_beside_it() {
        let check = |before: &str, expected: bool| {
            let block: ItemImpl = syn::parse_quote!(
                impl Counter {
                    fn second(&mut self) {}
                }
            );
            let text = format!("{before}{SECOND}");
            assert_eq!(find_public(&text, &block, &format_ident!("Counter")), expected, "{text}");
        };
        check("#[actor] pub struct Counter;\n", true);
        check("/// Counts.\n#[greenroom::actor(name = \"c\")]\npub struct Counter { n: u64 }\n", true);
        check("#[actor] pub(crate) struct Counter;\n", false);
        check("#[actor] struct Counter;\n", false);
        check("pub struct Counter;\n", false);
        check("#[actor] pub struct Counters;\n#[actor] struct Counter;\n", false);
        check("mod counts { #[actor] pub struct Counter; }\n", false);
        check("#[cfg(unix)] #[actor] pub struct Counter;\n", false);
    }

    #[test]
    fn a_derive_above_a_supervisor_is_found() {
        let tree: ItemStruct = syn::parse_quote!(
            struct Tree {
                path: String,
                #[child]
                log: Log,
            }
        );
        let check = |above: &str, expected: Option<&str>| {
            let text =
                format!("{above} struct Tree {{ path: String, #[child] log: Log }}\n#[supervisor] struct Other;");
            assert_eq!(find_derive(&text, &tree).map(source_text).as_deref(), expected, "{text}");
        };
        check("#[derive(Clone)] #[supervisor]", Some("#[derive(Clone)]"));
        check(
            "#[derive(Clone, Debug)]\n/// It is.\n#[greenroom::supervisor(period = 3)]",
            Some("#[derive(Clone, Debug)]"),
        );
        check("#[supervisor]\n#[derive(Clone)]", None);
        check("#[derive(Clone)]", None);
        check("#[derive(Clone)] struct Log; #[supervisor]", None);
    }

    #[test]
    fn what_is_no_clash() {
        check(SECOND, None);
        check(&format!("{SECOND}{FIRST}"), None);
        check(&format!("{FIRST}mod counts {{\n{SECOND}}}"), None);
        check(&format!("fn one() {{\n{FIRST}}}\nfn two() {{\n{SECOND}}}"), None);
        check(&format!("{FIRST} #[cfg(unix)] {SECOND}"), None);
        check(&format!("impl Counter {{\n fn first() {{}} }}\n{SECOND}"), None);
        check(&format!("impl Counter {{ ~ }}\n{FIRST}{SECOND}"), None);
    }

    #[test]
    fn a_protocol_on_the_struct_is_found() {
        check(&format!("#[actor(protocol = Count)]\npub struct Counter;\n{SECOND}"), Some(Clash::Protocol));
        check(&format!("#[actor(\n    protocol = Count,\n)]\nstruct Counter;\n{SECOND}"), Some(Clash::Protocol));
        check(&format!("#[actor(name = \"protocol\")]\nstruct Counter;\n{SECOND}"), None);
        check(&format!("#[actor(protocol = Count)]\nstruct Counters;\n#[actor]\nstruct Counter;\n{SECOND}"), None);
        check(&format!("mod counts {{ #[actor(protocol = Count)]\nstruct Counter; }}\n{SECOND}"), None);
    }
}
