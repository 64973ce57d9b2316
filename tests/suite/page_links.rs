//! The links of the pages and of the documentation: each leads to a file, a heading or an item that exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};
use std::sync::LazyLock;

use pulldown_cmark::{BrokenLink, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

use crate::source::{self, Kind};

/// The folder whose pages `mdbook` renders. It copies no file from outside.
const BOOK: &str = "book/src/";
/// The start of the addresses of greenroom's own items.
const ADDRESS: &str = "https://docs.rs/greenroom/latest/greenroom/";

/// The sources of the published crates, and their items. Two tests read them.
static SOURCES: LazyLock<Vec<source::File>> = LazyLock::new(sources);
static ITEMS: LazyLock<Items> = LazyLock::new(|| Items::read(SOURCES.iter().map(|file| &*file.text)));

/// The texts that links lead from and to, by their paths.
type Files = BTreeMap<String, String>;

/// One page or doc comment.
#[derive(Default)]
struct Page {
    /// The targets, with the lines of the links.
    links: Vec<(usize, String)>,
    /// The ids of the headings.
    anchors: BTreeSet<String>,
}

impl Page {
    fn parse(text: &str) -> Self {
        let mut page = Self::default();
        // `[text][name]` without a definition of the name.
        let mut undefined = Vec::new();
        let mut on_undefined = |link: BrokenLink<'_>| {
            if link.link_type == LinkType::Reference {
                undefined.push((link.span.start, format!("[{}]", link.reference)));
            }
            None::<(CowStr<'_>, CowStr<'_>)>
        };
        // Those of `mdbook`.
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_HEADING_ATTRIBUTES
            | Options::ENABLE_DEFINITION_LIST
            | Options::ENABLE_GFM;
        let mut heading = None;
        for (event, span) in
            Parser::new_with_broken_link_callback(text, options, Some(&mut on_undefined)).into_offset_iter()
        {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push((line(text, span.start), dest_url.into_string()));
                }
                Event::Start(Tag::Heading { id, .. }) => heading = Some((id, String::new())),
                Event::Text(part) | Event::Code(part) => {
                    if let Some((_, text)) = &mut heading {
                        *text += &part;
                    }
                }
                Event::End(TagEnd::Heading(_)) => {
                    let (id, text) = heading.take().expect("a heading has a start");
                    page.add_anchor(id.map_or_else(|| slug(&text), CowStr::into_string));
                }
                _ => {}
            }
        }
        page.links.extend(undefined.into_iter().map(|(at, name)| (line(text, at), name)));
        page
    }

    /// Adds the id of a heading; with a number if an earlier heading has it, as `mdbook` and GitHub do.
    fn add_anchor(&mut self, id: String) {
        let numbered = (1..).map(|number| format!("{id}-{number}"));
        let mut ids = std::iter::once(id.clone()).chain(numbered);
        let unused = ids.find(|id| !self.anchors.contains(id)).expect("there is a number for each");
        self.anchors.insert(unused);
    }
}

/// The id that `mdbook` makes of a heading.
fn slug(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || c.is_whitespace() || "_-".contains(*c));
    kept.map(|c| if c.is_whitespace() { '-' } else { c }).collect()
}

fn line(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// Returns the path that a link of a file leads to: relative to the workspace, if it is inside.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in Path::new(target).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()?),
            Component::Normal(name) => parts.push(name.to_str()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// The names of greenroom's public items by kind, and of its functions.
#[derive(Default)]
struct Items {
    items: BTreeSet<(String, String)>,
    functions: BTreeSet<String>,
}

impl Items {
    fn read<'a>(sources: impl IntoIterator<Item = &'a str>) -> Self {
        let mut found = Self::default();
        for text in sources {
            let code = source::code(text);
            for words in code.windows(2) {
                if let ["struct" | "enum" | "trait" | "fn" | "type", name] = words {
                    found.items.insert((words[0].to_owned(), (*name).to_owned()));
                }
                if words[0] == "fn" {
                    found.functions.insert(words[1].to_owned());
                }
            }
            for words in code.windows(3).filter(|words| words[0] == "macro_rules") {
                found.items.insert(("macro".to_owned(), words[2].to_owned()));
            }
        }
        found
    }

    /// Returns true if the path of rustdoc, such as `struct.Node.html#method.upgrade`, leads to an item.
    fn has(&self, path: &str) -> bool {
        let (page, anchor) = path.split_once('#').map_or((path, None), |(page, anchor)| (page, Some(anchor)));
        let page = page.rsplit('/').next().unwrap_or_default();
        let item = match page.strip_suffix(".html").and_then(|page| page.split_once('.')) {
            // Procedural macros are functions.
            Some(("attr" | "macro", name)) => self.functions.contains(name) || self.item("macro", name),
            Some((kind, name)) => self.item(kind, name),
            None => page.is_empty() || page == "index.html",
        };
        let function = anchor.and_then(|anchor| anchor.strip_prefix("method.").or(anchor.strip_prefix("tymethod.")));
        item && function.is_none_or(|name| self.functions.contains(name))
    }

    fn item(&self, kind: &str, name: &str) -> bool {
        self.items.contains(&(kind.to_owned(), name.to_owned()))
    }
}

/// Returns the links of pages that lead nowhere: path, line, target and the reason.
fn broken(pages: &Files, items: &Items, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let parsed: BTreeMap<_, _> =
        pages.iter().map(|(path, text)| (path.as_str(), Page::parse(&included(path, text, pages)))).collect();
    let rendered: BTreeSet<_> = parsed.get("book/src/SUMMARY.md").map_or_else(BTreeSet::new, |summary| {
        summary.links.iter().filter_map(|(_, target)| resolve("book/src/SUMMARY.md", target)).collect()
    });
    let mut broken = Vec::new();
    for (path, page) in &parsed {
        let in_book = path.starts_with(BOOK);
        for (line, target) in &page.links {
            let (file, anchor) =
                target.split_once('#').map_or((&**target, None), |(file, anchor)| (file, Some(anchor)));
            let reason = if let Some(item) = target.strip_prefix(ADDRESS) {
                (!items.has(item)).then_some("greenroom has no such item")
            } else if target.starts_with('[') {
                Some("the name has no definition")
            } else if target.contains("://") || target.starts_with("mailto:") {
                None
            } else {
                let found = if file.is_empty() { Some((*path).to_owned()) } else { resolve(path, file) };
                match found {
                    None => Some("the path is outside of the repository"),
                    Some(file) if in_book && !file.starts_with(BOOK) => Some("the file is outside of the book"),
                    Some(file)
                        if in_book
                            && file.ends_with(".md")
                            && *path != "book/src/SUMMARY.md"
                            && !rendered.contains(&file) =>
                    {
                        Some("the page is not in SUMMARY.md")
                    }
                    Some(file) if !parsed.contains_key(&*file) => (!exists(&file)).then_some("there is no such file"),
                    Some(file) => {
                        let anchors = &parsed[&*file].anchors;
                        anchor.is_some_and(|anchor| !anchors.contains(anchor)).then_some("there is no such heading")
                    }
                }
            };
            broken.extend(reason.map(|reason| format!("{path}:{line}: {target}: {reason}")));
        }
    }
    broken
}

/// Returns a page of the book with the files that it includes.
fn included(path: &str, text: &str, pages: &Files) -> String {
    let mut parts = text.split("{{#include ");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (file, rest) = part.split_once("}}").expect("an include has an end");
        whole += resolve(path, file).and_then(|file| pages.get(&file)).map_or("", |text| text.trim_end());
        whole += rest;
    }
    whole
}

/// Returns the pages of a workspace: those at its root, of the book, the crates, the template and the examples.
fn pages(root: &Path) -> Files {
    let folders = ["book/src", "examples", "macros", "runtime", "template", "tests"];
    let mut files: Vec<_> = folders
        .iter()
        .flat_map(|folder| {
            let files = source::files(&root.join(folder), &["md"]).into_iter();
            files.map(move |file| (format!("{folder}/{}", file.path), file.text))
        })
        // The documentation of an item.
        .filter(|(path, _)| path.starts_with(BOOK) || !path.contains("/src/"))
        .collect();
    for entry in std::fs::read_dir(root).expect("the workspace is a folder") {
        let name = entry.expect("it is readable").file_name().into_string().expect("a name is UTF-8");
        if name.ends_with(".md") {
            let text = std::fs::read_to_string(root.join(&name)).expect("it is text");
            files.push((name, text));
        }
    }
    files.into_iter().collect()
}

fn sources() -> Vec<source::File> {
    ["macros/src", "runtime/src", "runtime/core/src", "runtime/etcd/src"]
        .iter()
        .flat_map(|folder| {
            let files = source::files(&source::workspace().join(folder), &["rs"]).into_iter();
            files.map(move |file| source::File { path: format!("{folder}/{}", file.path), ..file })
        })
        .collect()
}

#[test]
fn each_link_of_a_page_leads_somewhere() {
    let root = source::workspace();
    let pages = pages(&root);
    let links: usize = pages.values().map(|text| Page::parse(text).links.len()).sum();
    assert!(pages.len() > 80 && links > 500, "{links} links on {} pages", pages.len());
    let broken = broken(&pages, &ITEMS, |file| root.join(file).exists());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn each_page_of_the_book_is_in_its_summary() {
    let pages = pages(&source::workspace());
    let summary = Page::parse(&pages["book/src/SUMMARY.md"]);
    let listed: BTreeSet<_> = summary.links.iter().map(|(_, target)| format!("{BOOK}{target}")).collect();
    let included = |path: &str| path.starts_with("book/src/performance/") || path.ends_with("/SUMMARY.md");
    let book = pages.keys().filter(|path| path.starts_with(BOOK) && !included(path));
    let missing: Vec<_> = book.filter(|path| !listed.contains(*path)).collect();
    assert!(missing.is_empty(), "not in book/src/SUMMARY.md: {missing:?}");
}

/// rustdoc checks the links to items by their names, and not those to its own files.
#[test]
fn each_link_of_the_documentation_to_a_file_of_rustdoc_leads_to_an_item() {
    let (mut found, mut broken) = (0, Vec::new());
    for file in &*SOURCES {
        let comments = source::lex(&file.text).into_iter().filter(|token| token.kind == Kind::Comment);
        let docs = comments.filter_map(|token| token.text.strip_prefix("///").or(token.text.strip_prefix("//!")));
        for (_, target) in Page::parse(&docs.collect::<Vec<_>>().join("\n")).links {
            let item = target.strip_prefix(ADDRESS).or_else(|| {
                let page = target.split('#').next().unwrap_or_default();
                (page.ends_with(".html") && !target.contains("://")).then_some(&*target)
            });
            found += usize::from(item.is_some());
            broken.extend(item.filter(|item| !ITEMS.has(item)).map(|_| format!("{}: {target}", file.path)));
        }
    }
    assert!(found > 5, "the documentation has such links");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_broken_link_is_found() {
    let items = Items::read(["pub struct Node; impl Node { pub fn stop(&self) {} } macro_rules! show { () => {} }"]);
    let other = "# The *log* of `Node::stop`, twice\n## Own {#named}\n## Own\n## Own";
    let check = |path: &str, text: &str, expected: &[&str]| {
        let pages = [
            ("book/src/SUMMARY.md", "[a](a.md) [b](b/other.md)"),
            ("book/src/a.md", ""),
            ("book/src/b/other.md", other),
            ("book/src/hidden.md", ""),
            ("README.md", "# Own"),
            (path, text),
        ];
        let pages = pages.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
        let found = broken(&pages, &items, |file| ["book/src/a.png", "examples/chat"].contains(&file));
        let reasons: Vec<_> = found.iter().map(|found| found.rsplit(": ").next().unwrap_or_default()).collect();
        assert_eq!(reasons, expected, "{text}: {found:?}");
    };
    for text in [
        "[x](b/other.md) ![x](a.png) <https://example.org> [x](https://example.org/a.md#b)",
        "[x](b/other.md#the-log-of-nodestop-twice) [x](b/other.md#named) [x](b/other.md#own-1)",
        "# A\n[x](#a)",
        "`[x](none.md)`\n```\n[x](none.md)\n```\n[x] [x][] a[0]",
        "[x][y]\n\n[y]: b/other.md",
        "{{#include b/other.md}}\n[x](#named)",
        "[x](https://docs.rs/greenroom/latest/greenroom/struct.Node.html#method.stop)",
        "[x](https://docs.rs/greenroom/latest/greenroom/macro.show.html)",
    ] {
        check("book/src/a.md", text, &[]);
    }
    check("CONTRIBUTING.md", "[x](book/src/b/other.md#named) [x](examples/chat) [x](README.md#own)", &[]);
    for (path, text, reason) in [
        ("book/src/a.md", "[x](none.md)", "the page is not in SUMMARY.md"),
        ("book/src/a.md", "[x](hidden.md)", "the page is not in SUMMARY.md"),
        ("book/src/a.md", "![x](none.png)", "there is no such file"),
        ("book/src/a.md", "[x](b/other.md#none)", "there is no such heading"),
        ("book/src/a.md", "[x](#none)", "there is no such heading"),
        ("book/src/a.md", "[x](../../README.md)", "the file is outside of the book"),
        ("book/src/b/other.md", "| a |\n|---|\n| [x](a.png) |", "there is no such file"),
        ("book/src/a.md", "[x][y]\n\n[z]: b/other.md", "the name has no definition"),
        (
            "book/src/a.md",
            "[x](https://docs.rs/greenroom/latest/greenroom/struct.Edon.html)",
            "greenroom has no such item",
        ),
        (
            "book/src/a.md",
            "[x](https://docs.rs/greenroom/latest/greenroom/enum.Node.html)",
            "greenroom has no such item",
        ),
        (
            "book/src/a.md",
            "[x](https://docs.rs/greenroom/latest/greenroom/struct.Node.html#method.go)",
            "greenroom has no such item",
        ),
        ("README.md", "[x](examples/none)", "there is no such file"),
        ("README.md", "[x](../README.md)", "the path is outside of the repository"),
        ("README.md", "[x](/README.md)", "the path is outside of the repository"),
        ("README.md", "[x](#none)", "there is no such heading"),
    ] {
        check(path, text, &[reason]);
    }
}
