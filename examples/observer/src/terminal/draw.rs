//! The picture of the screen.

use observer::{EventKind, EventRecord, Flow, Row, Summary, TreeLine};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Row as TableRow, Sparkline, Table};

use super::screen::{Pane, Screen};

/// The most nodes that are listed, and the width of the line of messages.
const MAX_NODES: usize = 8;
const SPARK: u16 = 30;

const FAINT: Style = Style::new().add_modifier(Modifier::DIM);
const BAD: Style = Style::new().fg(Color::Red);
const CHANGED: Style = Style::new().fg(Color::Yellow);
const TITLE: Style = Style::new().add_modifier(Modifier::BOLD);

/// Draws the screen: the nodes, one pane, and the keys.
pub(crate) fn draw(frame: &mut Frame, screen: &Screen) {
    let nodes = screen.overview.nodes.len().clamp(1, MAX_NODES) as u16;
    let alarms = screen.view.alarms.len().min(3) as u16;
    let parts = [
        Constraint::Length(nodes + 1),
        Constraint::Length(alarms),
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(1),
    ];
    let [top, alarm_lines, tabs, pane, keys] = Layout::vertical(parts).areas(frame.area());
    draw_nodes(frame, top, screen);
    let alarms: Vec<_> =
        screen.view.alarms.iter().map(|alarm| Line::styled(format!("! {}", plain(alarm)), BAD)).collect();
    frame.render_widget(Paragraph::new(alarms), alarm_lines);
    frame.render_widget(tab_line(screen), tabs);
    match screen.pane {
        Pane::Processes => draw_processes(frame, pane, screen),
        Pane::Tree => draw_lines(frame, pane, screen.view.trees.iter().skip(screen.scroll).map(tree_line)),
        Pane::Flows => draw_lines(frame, pane, screen.overview.flows.iter().skip(screen.scroll).map(flow_line)),
        Pane::Events => {
            draw_lines(frame, pane, screen.overview.events.iter().rev().skip(screen.scroll).map(event_line));
        }
    }
    let help = "q quit   ← → node   tab pane   ↑ ↓ scroll   s order   / filter";
    let typing = format!("filter: {}_   enter keeps it, esc clears it", screen.filter);
    frame.render_widget(Line::styled(if screen.is_typing { typing } else { help.to_owned() }, FAINT), keys);
}

/// Replaces control characters, so that a name cannot contain terminal commands.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}

fn draw_nodes(frame: &mut Frame, area: Rect, screen: &Screen) {
    let [table, sparks] = Layout::horizontal([Constraint::Min(40), Constraint::Length(SPARK)]).areas(area);
    let header = ["node", "up", "processes", "per sec", "load", "queue", "memory", "restarts", "alarms"];
    let rows = screen.overview.nodes.iter().take(MAX_NODES).map(|node| node_row(node, screen));
    let widths = [Constraint::Min(16)].into_iter().chain([Constraint::Length(9); 8]);
    frame.render_widget(Table::new(rows, widths).header(TableRow::new(header).style(FAINT)), table);
    if screen.overview.nodes.is_empty() {
        let below = Rect { y: area.y + 1, height: 1, ..area };
        frame.render_widget(Line::styled("no node is connected", FAINT), below);
    }
    for (index, node) in screen.overview.nodes.iter().take(MAX_NODES).enumerate() {
        if !node.error.is_empty() {
            let line = Rect { y: table.y + 1 + index as u16, height: 1, ..table };
            let text = format!("  {}: {}", plain(&node.node), plain(&node.error));
            frame.render_widget(Line::styled(text, BAD), line.intersection(frame.area()));
            continue;
        }
        let rates: Vec<u64> = node.history.iter().map(|point| point.rate).collect();
        let shown = &rates[rates.len().saturating_sub(SPARK as usize)..];
        let line = Rect { y: sparks.y + 1 + index as u16, height: 1, ..sparks };
        frame.render_widget(Sparkline::default().data(shown), line.intersection(frame.area()));
    }
}

fn node_row<'a>(node: &Summary, screen: &Screen) -> TableRow<'a> {
    let known = |value: Option<String>| value.unwrap_or_else(|| "?".to_owned());
    let is_selected = node.node == screen.node;
    let name = format!("{} {}", if is_selected { "▸" } else { " " }, plain(&node.node));
    if !node.error.is_empty() {
        // Drawn as one text over the columns.
        return TableRow::new([name]);
    }
    let row = TableRow::new([
        name,
        age(node.uptime),
        node.processes.to_string(),
        node.rate.to_string(),
        known(node.load.map(|load| format!("{:.0} %", load * 100.0))),
        known(node.queue.map(|queue| queue.to_string())),
        known(node.memory.map(bytes)),
        node.restarts.to_string(),
        node.alarms.to_string(),
    ]);
    row.style(if node.alarms > 0 {
        BAD
    } else if is_selected {
        TITLE
    } else {
        Style::new()
    })
}

fn tab_line(screen: &Screen) -> Line<'static> {
    let style = |pane: Pane| if pane == screen.pane { TITLE.add_modifier(Modifier::REVERSED) } else { FAINT };
    let mut line: Vec<_> =
        Pane::ALL.iter().map(|pane| Span::styled(format!(" {} ", pane.name()), style(*pane))).collect();
    let view = &screen.view;
    let mut details = format!("  {}", plain(&view.node));
    if screen.pane == Pane::Processes {
        details += &format!(", {} of {}, by {:?}", view.rows.len(), view.matching, screen.sort).to_lowercase();
        if !screen.filter.is_empty() {
            details += &format!(", with {:?}", screen.filter);
        }
    }
    if !view.error.is_empty() {
        details += &format!(": {}", plain(&view.error));
    }
    line.push(Span::raw(details));
    Line::from(line)
}

fn draw_processes(frame: &mut Frame, area: Rect, screen: &Screen) {
    let header =
        TableRow::new(["name", "type", "state", "waits at", "mailbox", "per sec", "age", "memory"]).style(FAINT);
    let rows = screen.view.rows.iter().skip(screen.scroll).map(process_row);
    let widths = [
        Constraint::Fill(3),
        Constraint::Fill(2),
        Constraint::Length(9),
        Constraint::Fill(2),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(9),
    ];
    frame.render_widget(Table::new(rows, widths).header(header), area);
}

fn process_row<'a>(row: &Row) -> TableRow<'a> {
    let name = [&row.name, &row.path, &row.pid].into_iter().find(|name| !name.is_empty());
    TableRow::new([
        plain(name.map_or("", String::as_str)),
        plain(&row.kind),
        row.state.clone(),
        plain(&row.at),
        row.mailbox.to_string(),
        row.rate.to_string(),
        age(row.age),
        bytes(row.memory),
    ])
}

fn draw_lines<'a>(frame: &mut Frame, area: Rect, lines: impl Iterator<Item = Line<'a>>) {
    frame.render_widget(Paragraph::new(lines.take(area.height as usize).collect::<Vec<_>>()), area);
}

fn tree_line<'a>(line: &TreeLine) -> Line<'a> {
    let depth = line.depth as usize * 2;
    let starts = if line.starts > 1 { format!(", {} starts", line.starts) } else { String::new() };
    let is_up = line.state == "up" || line.state == "more";
    let state = if is_up { "" } else { &*line.state };
    let text = format!("{:depth$}{} {} {}{starts} {state}", "", line.id, line.pid.as_deref().unwrap_or(""), line.note);
    Line::styled(plain(&text), if is_up { Style::new() } else { CHANGED })
}

fn flow_line<'a>(flow: &Flow) -> Line<'a> {
    let Flow { from, to, rate, errors, .. } = flow;
    let is_bad = *errors >= 0.05;
    let failed = if is_bad { format!(", {errors:.1} of them fail") } else { String::new() };
    let text = format!("{rate:>9.1}/s  {} on {} → {} on {}{failed}", from.kind, from.node, to.kind, to.node);
    Line::styled(plain(&text), if is_bad { BAD } else { Style::new() })
}

fn event_line<'a>(event: &EventRecord) -> Line<'a> {
    let style = match event.kind {
        EventKind::Restart => CHANGED,
        EventKind::Crash | EventKind::Alarm | EventKind::Lost => BAD,
        EventKind::Cleared | EventKind::Up => FAINT,
    };
    let times = if event.times > 1 { format!(" ({} times)", event.times) } else { String::new() };
    let second = event.at / 1000 % 86_400;
    let clock = format!("{:02}:{:02}:{:02} UTC", second / 3600, second / 60 % 60, second % 60);
    Line::styled(plain(&format!("{clock}  {}  {}{times}", event.node, event.text)), style)
}

fn age(millis: u64) -> String {
    match millis / 1000 {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7200 => format!("{} min", s / 60),
        s @ 7200..172_800 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} B"),
        10_240..10_485_760 => format!("{} KB", bytes / 1024),
        _ => format!("{} MB", bytes / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use observer::{Kind, Overview, Point};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::terminal::screen::Key;

    fn drawn(screen: &Screen, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, screen)).unwrap();
        terminal.backend().to_string()
    }

    fn screen() -> Screen {
        let kind = |kind: &str| Kind { node: "east@shop".to_owned(), kind: kind.to_owned() };
        let summary = |node: &str, error: &str| Summary {
            node: node.to_owned(),
            error: error.to_owned(),
            uptime: 5_000_000,
            processes: 12,
            rate: 340,
            load: Some(0.25),
            memory: Some(20 << 20),
            history: [0, 170, 340].map(|rate| Point { rate, processes: 12, load: 0.2, memory: 0 }).into(),
            ..Summary::default()
        };
        let event = |number, kind, text: &str| EventRecord {
            number,
            at: 3_661_000,
            node: "east@shop".to_owned(),
            kind,
            text: text.to_owned(),
            times: 2,
        };
        let mut screen = Screen::default();
        screen.show_overview(Overview {
            nodes: vec![summary("east@shop", ""), summary("west@shop", "no connection")],
            events: vec![event(1, EventKind::Crash, "the oven burns"), event(2, EventKind::Restart, "desk")],
            flows: vec![Flow {
                from: kind("Customer"),
                to: kind("Desk"),
                protocol: "DeskMessage".to_owned(),
                rate: 19.9,
                errors: 2.0,
            }],
        });
        let line = |depth, id: &str, state: &str, starts| TreeLine {
            depth,
            id: id.to_owned(),
            state: state.to_owned(),
            starts,
            ..TreeLine::default()
        };
        screen.view.node = "east@shop".to_owned();
        screen.view.trees = vec![line(0, "/Shop", "up", 0), line(1, "desk", "restarting", 3)];
        screen.view.rows = vec![Row {
            name: "desk\x1b[2J".to_owned(),
            kind: "shop::Desk".to_owned(),
            state: "waiting".to_owned(),
            at: "shop.rs:41".to_owned(),
            mailbox: 7,
            rate: 20,
            age: 3_000,
            memory: 544,
            ..Row::default()
        }];
        screen.view.matching = 1;
        screen.view.alarms = vec!["a long mailbox\x07".to_owned()];
        screen
    }

    #[test]
    fn the_nodes_and_the_processes_are_drawn() {
        let drawn = drawn(&screen(), 140, 12);
        for text in [
            "▸ east@shop",
            "83 min",
            "340",
            "25 %",
            "20 MB",
            "▄█",
            "west@shop: no connection",
            "! a long mailbox·",
            "desk·[2J",
            "shop::Desk",
            "waiting",
            "shop.rs:41",
            "544 B",
            "1 of 1, by mailbox",
            "q quit",
        ] {
            assert!(drawn.contains(text), "{text}\n{drawn}");
        }
        assert!(!drawn.contains('\x1b'), "{drawn}");
    }

    #[test]
    fn each_pane_is_drawn() {
        let mut screen = screen();
        for expected in [
            "  desk  , 3 starts restarting",
            "19.9/s  Customer on east@shop → Desk on east@shop, 2.0 of them fail",
            "01:01:01 UTC  east@shop  the oven burns (2 times)",
        ] {
            screen.press(Key::Tab);
            let drawn = drawn(&screen, 140, 12);
            assert!(drawn.contains(expected), "{expected}\n{drawn}");
        }
    }

    #[test]
    fn a_small_terminal_and_an_empty_cluster_are_drawn() {
        for (width, height) in [(1, 1), (20, 3), (40, 9), (400, 100)] {
            drawn(&screen(), width, height);
            drawn(&Screen::default(), width, height);
        }
        assert!(drawn(&Screen::default(), 80, 10).contains("no node is connected"));
    }
}
