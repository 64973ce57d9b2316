//! The demo's script: a text file with a line `nick: words` for each chat line.

use std::path::Path;

use crate::line::{Line, Room};
use crate::text::Text;

/// Reads a whole file, without its blank lines.
pub(super) fn read(path: &Path, room: &Room) -> Result<Vec<Line>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    parse(&text, room).map_err(|error| format!("{}, {error}", path.display()))
}

fn parse(text: &str, room: &Room) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (index, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let number = index + 1;
        let (nick, words) = text.split_once(": ").ok_or_else(|| format!("line {number}: expected `nick: words`"))?;
        let nick = Text::new(nick).map_err(|invalid| format!("line {number}: the name {invalid}"))?;
        let words = Text::new(words).map_err(|invalid| format!("line {number}: the text {invalid}"))?;
        let id = Text::new(&format!("line-{number}")).map_err(|invalid| format!("line {number}: its id {invalid}"))?;
        lines.push(Line { room: room.clone(), id, nick, words });
    }
    if lines.is_empty() { Err("the file has no lines".to_owned()) } else { Ok(lines) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_nicks_and_words() {
        let room = Text::new("demo").unwrap();
        let lines = parse("Ann: hello\n\nBob: so: hello, Ann\r\nAnn: hello\n", &room).unwrap();
        let read: Vec<_> = lines.iter().map(|l| (l.id.as_str(), l.nick.as_str(), l.words.as_str())).collect();
        assert_eq!(read, [("line-1", "Ann", "hello"), ("line-3", "Bob", "so: hello, Ann"), ("line-4", "Ann", "hello")]);
        for (text, expected) in [
            ("", "the file has no lines"),
            ("Ann: hi\nhello", "line 2: expected `nick: words`"),
            (" : hello", "line 1: the name is empty"),
            ("Ann:  \t", "line 1: the text is empty"),
        ] {
            assert_eq!(parse(text, &room).unwrap_err(), expected, "{text:?}");
        }
    }
}
