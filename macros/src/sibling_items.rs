//! The items beside an item, read from its source file. They serve error messages only.
//!
//! A macro receives one item, without the attributes above its own. Some mistakes need two items: each is correct
//! alone, and rustc would report every generated name that they both define. For these mistakes the macro reads its
//! source file, and reports the mistake in one message.
//!
//! A correct program expands to the same code whether the file can be read or not. If it cannot be read, or the other
//! item is in another file, rustc reports the mistake in its own way.

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, File, ImplItem, Item, ItemEnum, ItemImpl, ItemMod, ItemStruct, Meta, Stmt, Visibility};

use crate::syntax::attr;
use crate::syntax::text::source_text;

/// An item that conflicts with an `#[actor]` impl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// Another `#[actor]` impl of the same type, before this one.
    Impl,
    /// A struct with `protocol = ..`.
    Protocol,
}

/// Returns the conflict of this impl with an item beside it.
pub(crate) fn conflict(block: &ItemImpl, actor: &Ident) -> Option<Conflict> {
    find_conflict(&source_file()?, block, actor)
}

/// Returns true if the actor's struct beside this impl is `pub`.
pub(crate) fn actor_is_public(block: &ItemImpl, actor: &Ident) -> bool {
    source_file().is_some_and(|text| find_public_actor(&text, block, actor))
}

/// Returns true if the actor's struct beside this impl has no `#[actor]`.
pub(crate) fn actor_is_undeclared(block: &ItemImpl, actor: &Ident) -> bool {
    source_file().is_some_and(|text| find_undeclared_actor(&text, block, actor))
}

/// Returns the name among `names` that an item beside the impl of an actor has too.
pub(crate) fn name_beside_impl<'a>(block: &ItemImpl, actor: &Ident, names: &[&'a Ident]) -> Option<&'a Ident> {
    let search = ConflictSearch { block, actor };
    find_name(&source_file()?, |item| search.is_this_impl(item), names)
}

/// Returns `stub` if an item beside the enum of a protocol has that name.
pub(crate) fn name_beside_enum<'a>(protocol: &ItemEnum, stub: &'a Ident) -> Option<&'a Ident> {
    let variants = |item: &ItemEnum| item.variants.iter().map(|variant| variant.ident.clone()).collect::<Vec<_>>();
    let is_this = |item: &Item| match item {
        Item::Enum(other) => other.ident == protocol.ident && variants(other) == variants(protocol),
        _ => false,
    };
    find_name(&source_file()?, is_this, &[stub])
}

/// Returns the `#[derive(..)]` above a tree's `#[supervisor]`. It has read the children as fields.
pub(crate) fn derive_above(tree: &ItemStruct) -> Option<Attribute> {
    find_derive(&source_file()?, tree)
}

/// Returns the text of the file that contains the macro call.
fn source_file() -> Option<String> {
    if !proc_macro::is_available() {
        return None;
    }
    let path = proc_macro::Span::call_site().local_file()?;
    std::fs::read_to_string(path).ok()
}

fn find_conflict(text: &str, block: &ItemImpl, actor: &Ident) -> Option<Conflict> {
    if !may_contain_conflict(text, &actor.to_string()) {
        return None;
    }
    let search = ConflictSearch { block, actor };
    let mut found = None;
    for_each_item_list(text, &mut |items| found = found.or_else(|| search.conflict_in(items)))?;
    found
}

/// Returns the name that a type beside the wanted item has too.
fn find_name<'a>(text: &str, is_this: impl Fn(&Item) -> bool, names: &[&'a Ident]) -> Option<&'a Ident> {
    // Avoids parsing most files.
    let is_declared = |name: &Ident| {
        ["struct", "enum", "type", "trait"].iter().any(|keyword| text.contains(&format!("{keyword} {name}")))
    };
    if !names.iter().any(|name| is_declared(name)) {
        return None;
    }
    let name_of = |item: &Item| match item {
        Item::Struct(item) if attr::cfgs(&item.attrs).is_empty() => Some(item.ident.clone()),
        Item::Enum(item) if attr::cfgs(&item.attrs).is_empty() => Some(item.ident.clone()),
        Item::Type(item) if attr::cfgs(&item.attrs).is_empty() => Some(item.ident.clone()),
        Item::Trait(item) if attr::cfgs(&item.attrs).is_empty() => Some(item.ident.clone()),
        _ => None,
    };
    let mut found = None;
    for_each_item_list(text, &mut |items| {
        if items.iter().any(|item| is_this(item)) {
            let declared: Vec<Ident> = items.iter().filter_map(|item| name_of(item)).collect();
            found = found.or_else(|| names.iter().find(|name| declared.contains(name)).copied());
        }
    })?;
    found
}

/// Calls `visit_list` with the items of the file, of each module and of each function body.
fn for_each_item_list(text: &str, visit_list: &mut dyn FnMut(&[&Item])) -> Option<()> {
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
    Lists(visit_list).visit_file(&syn::parse_file(text).ok()?);
    Some(())
}

/// Returns false if the file cannot contain a conflict, judged by lines and their indentation. Parsing a file takes far
/// longer, and few files need it.
fn may_contain_conflict(text: &str, actor: &str) -> bool {
    // The indentation of the previous candidate in the same block, and a line together with the attributes above it.
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

/// The impl that the macro has received.
struct ConflictSearch<'a> {
    block: &'a ItemImpl,
    actor: &'a Ident,
}

impl ConflictSearch<'_> {
    fn conflict_in(&self, items: &[&Item]) -> Option<Conflict> {
        let mut impls = items.iter().filter_map(|item| match item {
            Item::Impl(other) if self.is_actor_impl(other) => Some(other),
            _ => None,
        });
        let position = impls.position(|other| method_names(other) == method_names(self.block))?;
        if position > 0 {
            return Some(Conflict::Impl);
        }
        items.iter().any(|item| self.is_actor_with_protocol(item)).then_some(Conflict::Protocol)
    }

    /// Returns true for the impl itself.
    fn is_this_impl(&self, item: &Item) -> bool {
        match item {
            Item::Impl(other) => self.is_actor_impl(other) && method_names(other) == method_names(self.block),
            _ => false,
        }
    }

    /// Returns true for an `#[actor]` impl of the same type.
    fn is_actor_impl(&self, other: &ItemImpl) -> bool {
        other.trait_.is_none()
            && source_text(&other.self_ty) == source_text(&self.block.self_ty)
            && actor_attribute(&other.attrs).is_some()
    }

    /// Returns true for the actor's struct or enum if it has `protocol = ..`.
    fn is_actor_with_protocol(&self, item: &Item) -> bool {
        let (ident, attrs) = match item {
            Item::Struct(item) => (&item.ident, &item.attrs),
            Item::Enum(item) => (&item.ident, &item.attrs),
            _ => return false,
        };
        let options = actor_attribute(attrs).and_then(|attr| match &attr.meta {
            Meta::List(list) => Some(list.tokens.clone()),
            _ => None,
        });
        let protocol = |token: proc_macro2::TokenTree| token.to_string() == "protocol";
        ident == self.actor && options.is_some_and(|options| options.into_iter().any(protocol))
    }
}

fn find_public_actor(text: &str, block: &ItemImpl, actor: &Ident) -> bool {
    // Avoids parsing most files.
    if !text.contains(&format!("pub struct {actor}")) {
        return false;
    }
    let search = ConflictSearch { block, actor };
    let is_public = |item: &Item| match item {
        Item::Struct(item) => {
            item.ident == *actor && matches!(item.vis, Visibility::Public(_)) && actor_attribute(&item.attrs).is_some()
        }
        _ => false,
    };
    let mut found = false;
    let parsed = for_each_item_list(text, &mut |items| {
        found |= items.iter().any(|item| search.is_this_impl(item)) && items.iter().any(|item| is_public(item));
    });
    parsed.is_some() && found
}

fn find_undeclared_actor(text: &str, block: &ItemImpl, actor: &Ident) -> bool {
    // Avoids parsing most files: an attribute is above each struct of that name.
    let declaration = format!("struct {actor}");
    let mut parts = text.split(declaration.as_str());
    let mut before = parts.next().unwrap_or_default();
    let is_above = parts.all(|part| {
        let item = before.rsplit(['}', ';']).next().unwrap_or_default();
        before = part;
        item.contains("actor")
    });
    if is_above {
        return false;
    }
    let search = ConflictSearch { block, actor };
    let has_attribute =
        |attr: &Attribute| attr::path_ends_with(attr.path(), "actor") || attr.path().is_ident("cfg_attr");
    let is_undeclared = |item: &Item| match item {
        Item::Struct(item) => item.ident == *actor && !item.attrs.iter().any(has_attribute),
        _ => false,
    };
    let mut found = false;
    let parsed = for_each_item_list(text, &mut |items| {
        found |= items.iter().any(|item| search.is_this_impl(item)) && items.iter().any(|item| is_undeclared(item));
    });
    parsed.is_some() && found
}

fn find_derive(text: &str, tree: &ItemStruct) -> Option<Attribute> {
    // Avoids parsing most files.
    let is_above = |rest: &str| {
        rest.split_once("supervisor")
            .is_some_and(|(between, _)| !between.contains("struct ") && !between.contains("enum "))
    };
    if !text.split("#[derive(").skip(1).any(is_above) {
        return None;
    }
    let field_names = |item: &ItemStruct| item.fields.iter().map(|field| field.ident.clone()).collect::<Vec<_>>();
    let derived = |other: &ItemStruct| {
        let mut above = other.attrs.iter().take_while(|attr| !attr::path_ends_with(attr.path(), "supervisor"));
        let is_tree = other.attrs.iter().any(|attr| attr::path_ends_with(attr.path(), "supervisor"));
        let is_this_tree = is_tree && other.ident == tree.ident && field_names(other) == field_names(tree);
        above.find(|attr| is_this_tree && attr.path().is_ident("derive")).cloned()
    };
    let mut found = None;
    for_each_item_list(text, &mut |items| {
        let derive = items.iter().find_map(|item| match item {
            Item::Struct(other) => derived(other),
            _ => None,
        });
        found = found.take().or(derive);
    })?;
    found
}

/// Returns the `#[actor]` of an item without `#[cfg]`.
fn actor_attribute(attrs: &[Attribute]) -> Option<&Attribute> {
    if !attr::cfgs(attrs).is_empty() {
        return None;
    }
    attrs.iter().find(|attr| attr::path_ends_with(attr.path(), "actor"))
}

/// Returns the names of the methods. They identify an impl, whose position in the file is not available to a macro.
fn method_names(block: &ItemImpl) -> Vec<&Ident> {
    let names = block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(method) => Some(&method.sig.ident),
        _ => None,
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use quote::format_ident;

    use super::*;

    /// Checks the conflict of the impl of `Counter` with the method `second`.
    fn check(text: &str, expected: Option<Conflict>) {
        let block: ItemImpl = syn::parse_quote!(
            impl Counter {
                fn second(&mut self) {}
            }
        );
        assert_eq!(find_conflict(text, &block, &format_ident!("Counter")), expected, "{text}");
    }

    const FIRST: &str = "#[actor] impl Counter {\n #[cast] fn first(&mut self) {} }\n";
    const SECOND: &str = "#[greenroom::actor]\nimpl Counter {\n /// Counts.\n #[cast] fn second(&mut self) {} }\n";

    #[test]
    fn another_impl_conflicts() {
        check(&format!("{FIRST}{SECOND}"), Some(Conflict::Impl));
        check(&format!("mod counts {{\n{FIRST}{SECOND}}}"), Some(Conflict::Impl));
        check(&format!("fn main() {{\nlet n = || {{\n{FIRST}{SECOND}}};\n}}"), Some(Conflict::Impl));
    }

    #[test]
    fn public_actor() {
        let check = |before: &str, expected: bool| {
            let block: ItemImpl = syn::parse_quote!(
                impl Counter {
                    fn second(&mut self) {}
                }
            );
            let text = format!("{before}{SECOND}");
            assert_eq!(find_public_actor(&text, &block, &format_ident!("Counter")), expected, "{text}");
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
    fn undeclared_actor() {
        let check = |before: &str, expected: bool| {
            let block: ItemImpl = syn::parse_quote!(
                impl Counter {
                    fn second(&mut self) {}
                }
            );
            let text = format!("{before}{SECOND}");
            assert_eq!(find_undeclared_actor(&text, &block, &format_ident!("Counter")), expected, "{text}");
        };
        check("struct Counter;\n", true);
        check("#[derive(Default)]\npub struct Counter { n: u64 }\n", true);
        check("#[actor] struct Log;\nstruct Counter;\n", true);
        check("#[actor] struct Counter;\n", false);
        check("#[greenroom::actor(mailbox = 2)]\n#[derive(Default)]\nstruct Counter { n: u64 }\n", false);
        check("#[cfg_attr(all(), actor)] struct Counter;\n", false);
        check("#[actor] enum Counter {}\n", false);
        check("mod counts { struct Counter; }\n", false);
        check("#[actor] struct Counter;\nmod counts { struct Counter; }\n", false);
        check("struct Counters;\n", false);
    }

    #[test]
    fn derive_above_supervisor() {
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
            "#[derive(Clone, Debug)]\n/// Rooms.\n#[greenroom::supervisor(period = 3)]",
            Some("#[derive(Clone, Debug)]"),
        );
        check("#[supervisor]\n#[derive(Clone)]", None);
        check("#[derive(Clone)]", None);
        check("#[derive(Clone)] struct Log; #[supervisor]", None);
    }

    #[test]
    fn unrelated_items_do_not_conflict() {
        check(SECOND, None);
        check(&format!("{SECOND}{FIRST}"), None);
        check(&format!("{FIRST}mod counts {{\n{SECOND}}}"), None);
        check(&format!("fn one() {{\n{FIRST}}}\nfn two() {{\n{SECOND}}}"), None);
        check(&format!("{FIRST} #[cfg(unix)] {SECOND}"), None);
        check(&format!("impl Counter {{\n fn first() {{}} }}\n{SECOND}"), None);
        check(&format!("impl Counter {{ ~ }}\n{FIRST}{SECOND}"), None);
    }

    #[test]
    fn a_type_beside_the_item_takes_a_name() {
        let taken = |text: &str| {
            let is_this = |item: &Item| matches!(item, Item::Enum(item) if item.ident == "Mail");
            let names = [format_ident!("MailRef"), format_ident!("MailMessage")];
            find_name(text, is_this, &[&names[0], &names[1]]).map(ToString::to_string)
        };
        assert_eq!(taken("enum Mail { A }").as_deref(), None);
        assert_eq!(taken("enum Mail { A }\nstruct MailRef;").as_deref(), Some("MailRef"));
        assert_eq!(taken("type MailMessage = u8; enum Mail { A }").as_deref(), Some("MailMessage"));
        assert_eq!(taken("fn f() { trait MailRef {} enum Mail { A } }").as_deref(), Some("MailRef"));
        assert_eq!(taken("enum Mail { A } mod other { struct MailRef; }"), None);
        assert_eq!(taken("enum Mail { A } #[cfg(unix)] struct MailRef;"), None);
    }

    #[test]
    fn a_protocol_on_the_struct_conflicts() {
        check(&format!("#[actor(protocol = Count)]\npub struct Counter;\n{SECOND}"), Some(Conflict::Protocol));
        check(&format!("#[actor(\n    protocol = Count,\n)]\nstruct Counter;\n{SECOND}"), Some(Conflict::Protocol));
        check(&format!("#[actor(name = \"protocol\")]\nstruct Counter;\n{SECOND}"), None);
        check(&format!("#[actor(protocol = Count)]\nstruct Counters;\n#[actor]\nstruct Counter;\n{SECOND}"), None);
        check(&format!("mod counts {{ #[actor(protocol = Count)]\nstruct Counter; }}\n{SECOND}"), None);
    }
}
