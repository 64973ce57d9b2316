//! The state of the screen, and what each key changes.

use observer::{Overview, Query, Sort, View};

/// The longest filter, in characters.
const MAX_FILTER: usize = 100;

/// The state of the screen.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    pub(crate) overview: Overview,
    pub(crate) view: View,
    pub(crate) pane: Pane,
    pub(crate) sort: Sort,
    pub(crate) filter: String,
    /// True while the filter is typed.
    pub(crate) is_typing: bool,
    /// The selected node.
    pub(crate) node: String,
    /// The first line of the pane.
    pub(crate) scroll: usize,
}

/// The content of the large pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    #[default]
    Processes,
    Tree,
    Flows,
    Events,
}

/// A key, as far as it has a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Up,
    Down,
    Left,
    Right,
    Tab,
    Enter,
    Escape,
    Backspace,
    Quit,
    Text(char),
}

/// The consequence of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// The screen is drawn again.
    Draw,
    /// A new view is requested, too.
    Request,
    Quit,
}

impl Pane {
    pub(crate) const ALL: [Pane; 4] = [Pane::Processes, Pane::Tree, Pane::Flows, Pane::Events];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Pane::Processes => "processes",
            Pane::Tree => "supervision",
            Pane::Flows => "messages",
            Pane::Events => "events",
        }
    }
}

impl Screen {
    /// Shows another overview. A node is always selected if there is one.
    pub(crate) fn show_overview(&mut self, overview: Overview) {
        self.overview = overview;
        let is_there = self.overview.nodes.iter().any(|node| node.node == self.node);
        if !is_there {
            self.node = self.overview.nodes.first().map(|node| node.node.clone()).unwrap_or_default();
        }
    }

    pub(crate) fn query(&self) -> Query {
        Query { node: self.node.clone(), sort: self.sort, filter: self.filter.clone(), process: None }
    }

    /// Changes the state by a key.
    pub(crate) fn press(&mut self, key: Key) -> Reaction {
        match key {
            Key::Quit => return Reaction::Quit,
            Key::Enter | Key::Escape if self.is_typing => {
                self.is_typing = false;
                if key == Key::Escape {
                    self.filter.clear();
                    return Reaction::Request;
                }
            }
            Key::Backspace if self.is_typing => {
                self.filter.pop();
                return Reaction::Request;
            }
            Key::Text(character) if self.is_typing => {
                if self.filter.chars().count() < MAX_FILTER {
                    self.filter.push(character);
                }
                return Reaction::Request;
            }
            Key::Text('q') => return Reaction::Quit,
            Key::Text('/') => (self.is_typing, self.pane) = (true, Pane::Processes),
            Key::Text('s') => {
                self.sort = match self.sort {
                    Sort::Mailbox => Sort::Rate,
                    Sort::Rate => Sort::Age,
                    Sort::Age => Sort::Memory,
                    Sort::Memory => Sort::Mailbox,
                };
                return Reaction::Request;
            }
            Key::Left => return self.select(-1),
            Key::Right => return self.select(1),
            Key::Tab => {
                let at = Pane::ALL.iter().position(|pane| *pane == self.pane).unwrap_or(0);
                (self.pane, self.scroll) = (Pane::ALL[(at + 1) % Pane::ALL.len()], 0);
            }
            Key::Up => self.scroll = self.scroll.saturating_sub(1),
            Key::Down => self.scroll = (self.scroll + 1).min(self.lines().saturating_sub(1)),
            Key::Enter | Key::Escape | Key::Backspace | Key::Text(_) => {}
        }
        Reaction::Draw
    }

    /// Returns the number of lines of the pane.
    fn lines(&self) -> usize {
        match self.pane {
            Pane::Processes => self.view.rows.len(),
            Pane::Tree => self.view.trees.len(),
            Pane::Flows => self.overview.flows.len(),
            Pane::Events => self.overview.events.len(),
        }
    }

    /// Selects the node so many places behind the selected one.
    fn select(&mut self, by: isize) -> Reaction {
        let nodes = &self.overview.nodes;
        let at = nodes.iter().position(|node| node.node == self.node).unwrap_or(0);
        let Some(node) = at.checked_add_signed(by).and_then(|at| nodes.get(at)) else { return Reaction::Draw };
        self.node = node.node.clone();
        self.scroll = 0;
        Reaction::Request
    }
}

#[cfg(test)]
mod tests {
    use observer::Summary;

    use super::*;

    fn screen() -> Screen {
        let nodes = ["east@shop", "west@shop"].map(|node| Summary { node: node.to_owned(), ..Summary::default() });
        let mut screen = Screen::default();
        screen.show_overview(Overview { nodes: nodes.into(), ..Overview::default() });
        screen
    }

    #[test]
    fn keys_select_a_node_an_order_and_a_pane() {
        let mut screen = screen();
        assert_eq!(screen.query().node, "east@shop");
        assert_eq!((screen.press(Key::Right), screen.query().node), (Reaction::Request, "west@shop".to_owned()));
        assert_eq!((screen.press(Key::Right), screen.query().node), (Reaction::Draw, "west@shop".to_owned()));
        screen.show_overview(Overview::default());
        assert_eq!(screen.query().node, "", "no node is connected");
        assert_eq!((screen.press(Key::Text('s')), screen.query().sort), (Reaction::Request, Sort::Rate));
        let panes: Vec<_> = (0..4).map(|_| (screen.press(Key::Tab), screen.pane).1).collect();
        assert_eq!(panes, [Pane::Tree, Pane::Flows, Pane::Events, Pane::Processes]);
        assert_eq!(screen.press(Key::Text('q')), Reaction::Quit);
    }

    #[test]
    fn a_filter_is_typed_and_cleared() {
        let mut screen = screen();
        for key in "/quis".chars().map(Key::Text).chain([Key::Backspace, Key::Enter]) {
            assert_ne!(screen.press(key), Reaction::Quit, "{key:?}");
        }
        assert_eq!((&*screen.query().filter, screen.is_typing), ("qui", false));
        for key in [Key::Text('/'), Key::Escape] {
            screen.press(key);
        }
        assert_eq!(screen.query().filter, "");
        screen.press(Key::Text('/'));
        for _ in 0..1_000 {
            screen.press(Key::Text('x'));
        }
        assert_eq!(screen.filter.len(), MAX_FILTER);
    }

    #[test]
    fn a_pane_scrolls_as_far_as_its_lines() {
        let mut screen = screen();
        assert_eq!((screen.press(Key::Down), screen.scroll), (Reaction::Draw, 0));
        screen.view.rows = vec![observer::Row::default(); 3];
        for _ in 0..10 {
            screen.press(Key::Down);
        }
        assert_eq!(screen.scroll, 2);
        for _ in 0..10 {
            screen.press(Key::Up);
        }
        assert_eq!(screen.scroll, 0);
    }
}
