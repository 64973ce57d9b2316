//! The terminal version: draws the cluster once a second, and at each key.

mod draw;
mod screen;

use std::io;
use std::time::Duration;

use greenroom::{Exit, prelude::*};
use observer::{Addresses, Observer, ObserverRef, Target};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::{DefaultTerminal, Terminal};
use tokio::sync::mpsc;

use screen::{Key, Reaction, Screen};

/// The time between two views.
const PERIOD: Duration = Duration::from_secs(1);
/// The time limit for a view of a node.
const VIEW_LIMIT: Duration = Duration::from_secs(15);

/// Draws the cluster until `q` is pressed.
pub(crate) async fn run(target: &Target) -> greenroom::Result {
    let addresses = Addresses::default();
    let node = target.attach(&addresses).await?;
    let done = node.scope(show(addresses)).await;
    node.stop().await;
    done
}

async fn show(addresses: Addresses) -> greenroom::Result {
    let observer = Observer::of_cluster(addresses, false).start().await.map_err(Exit::error)?;
    // Restores the terminal also after a panic.
    let mut terminal = ratatui::try_init()?;
    let done = draw_until_quit(&observer, &mut terminal).await;
    ratatui::restore();
    done
}

async fn draw_until_quit(observer: &ObserverRef, terminal: &mut DefaultTerminal) -> greenroom::Result {
    let (mut screen, mut keys) = (Screen::default(), keys());
    loop {
        refresh(observer, &mut screen).await?;
        let next = tokio::time::sleep(PERIOD);
        tokio::pin!(next);
        loop {
            draw(terminal, &screen)?;
            let key = tokio::select! {
                () = &mut next => break,
                key = keys.recv() => key,
            };
            match key.map(|key| screen.press(key)) {
                None | Some(Reaction::Quit) => return Ok(()),
                Some(Reaction::Request) => break,
                Some(Reaction::Draw) => {}
            }
        }
    }
}

fn draw<B: ratatui::backend::Backend<Error = io::Error>>(
    terminal: &mut Terminal<B>,
    screen: &Screen,
) -> io::Result<()> {
    terminal.draw(|frame| draw::draw(frame, screen)).map(drop)
}

/// Requests what the screen shows.
async fn refresh(observer: &ObserverRef, screen: &mut Screen) -> Result<(), CallError> {
    screen.show_overview(observer.overview(true).await?);
    let query = screen.query();
    if let Some(watcher) = observer.watcher(query.node.clone()).await?
        && let Ok(view) = watcher.view(query).within(VIEW_LIMIT).await
    {
        screen.view = view;
    }
    Ok(())
}

/// Reads the keys on a thread, which ends with the program.
fn keys() -> mpsc::Receiver<Key> {
    let (sender, keys) = mpsc::channel(16);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            let Event::Key(key) = event else { continue };
            let key = match key.code {
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Key::Quit,
                _ if key.kind != KeyEventKind::Press => continue,
                KeyCode::Char(character) => Key::Text(character),
                KeyCode::Up => Key::Up,
                KeyCode::Down => Key::Down,
                KeyCode::Left => Key::Left,
                KeyCode::Right => Key::Right,
                KeyCode::Tab => Key::Tab,
                KeyCode::Enter => Key::Enter,
                KeyCode::Esc => Key::Escape,
                KeyCode::Backspace => Key::Backspace,
                _ => continue,
            };
            if sender.blocking_send(key).is_err() {
                return;
            }
        }
    });
    keys
}
