use super::*;
use crate::line::Id;

fn line(room: &str, id: &str) -> Line {
    let id: Id = Text::new(id).unwrap();
    Line { room: Text::new(room).unwrap(), id, nick: Text::new("ann").unwrap(), words: Text::new("hm").unwrap() }
}

fn room(name: &str) -> Room {
    Text::new(name).unwrap()
}

fn mark(term: u64, position: u64) -> Mark {
    Mark { term: Term(term), position }
}

fn placed(position: u64, number: u64) -> Placed {
    Placed { position, number }
}

/// Returns a log in memory that may vote.
fn voter() -> Store {
    let store = Store::in_memory();
    assert!(store.recover(Term(0), mark(0, 0)).unwrap());
    store
}

/// Writes a term of one writer: its first record, and these lines of the lobby.
fn write(store: &Store, term: u64, ids: &[&str]) {
    store.promise(Term(term)).unwrap().unwrap();
    store.begin(Term(term)).unwrap().unwrap();
    let lines: Vec<Line> = ids.iter().map(|id| line("lobby", id)).collect();
    store.propose(Term(term), &lines, 7, 0).unwrap().unwrap();
}

/// Copies the log from this position on, as the writer of a term.
fn copy(from: &Store, to: &Store, term: u64, after: u64) -> Result<Stored, Refusal> {
    let batch = Batch { term: Term(term), span: from.read(after).unwrap(), committed: 0 };
    to.append(&batch, None).unwrap()
}

/// Returns the terms and ids of a log.
fn log(store: &Store) -> Vec<(u64, String)> {
    let id = |record: &Record| record.entry.as_ref().map_or(String::new(), |entry| entry.line.id.to_string());
    store.read(0).unwrap().records.iter().map(|record| (record.term.0, id(record))).collect()
}

/// Runs a test on a new file.
fn with_file(name: &str, test: impl FnOnce(&Path)) {
    let directory = std::env::temp_dir().join(format!("chat-store-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    test(&directory.join("chat.redb"));
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn a_line_sent_twice_is_written_once() {
    with_file("twice", |path| {
        let store = Store::open(path).unwrap();
        let (hello, bye) = (line("lobby", "1"), line("lobby", "2"));
        let propose = |store: &Store, lines: &[Line]| store.propose(Term(256), lines, 7, 0).unwrap().unwrap();
        // Duplicates within a batch and in a later batch.
        let batch = [hello.clone(), hello.clone(), bye.clone()];
        assert_eq!(propose(&store, &batch), [placed(1, 1), placed(1, 1), placed(2, 2)]);
        assert_eq!(propose(&store, &[bye, hello.clone()]), [placed(2, 2), placed(1, 1)]);
        // Each room has its own ids and numbers.
        assert_eq!(propose(&store, &[line("garden", "1")]), [placed(3, 1)]);
        drop(store);
        // The file has the ids too.
        let store = Store::open(path).unwrap();
        assert_eq!(propose(&store, &[hello]), [placed(1, 1)]);
    });
}

#[test]
fn a_promise_outlives_the_process() {
    with_file("promise", |path| {
        let store = Store::open(path).unwrap();
        assert_eq!(store.promise(Term(512)).unwrap(), Err(Refusal::Recovering));
        assert!(store.recover(Term(0), mark(0, 0)).unwrap());
        assert_eq!(store.promise(Term(512)).unwrap(), Ok(mark(0, 0)));
        drop(store);

        let store = Store::open(path).unwrap();
        let refused = Refusal::Promised(Term(512));
        assert_eq!(store.promise(Term(257)).unwrap(), Err(refused));
        assert_eq!(store.begin(Term(257)).unwrap(), Err(refused));
        assert_eq!(store.propose(Term(257), &[line("lobby", "1")], 7, 0).unwrap(), Err(refused));
        let writer = voter();
        write(&writer, 257, &["1"]);
        assert_eq!(copy(&writer, &store, 257, 0), Err(refused));
        assert_eq!(log(&store), []);
        // The same writer may repeat its request.
        assert_eq!(store.promise(Term(512)).unwrap(), Ok(mark(0, 0)));
    });
}

#[test]
fn a_copy_replaces_what_contradicts_it_and_nothing_else() {
    let (a, b) = (voter(), voter());
    write(&a, 256, &["1", "2", "3"]);
    assert_eq!(copy(&a, &b, 256, 0), Ok(Stored { position: 4, may_vote: true }));
    // A batch that arrives again, and one that is shorter than the log, change nothing.
    assert_eq!(copy(&a, &b, 256, 2), Ok(Stored { position: 4, may_vote: true }));
    let mut short = a.read(0).unwrap();
    short.records.truncate(2);
    let batch = Batch { term: Term(256), span: short, committed: 2 };
    assert_eq!(b.append(&batch, None).unwrap(), Ok(Stored { position: 2, may_vote: true }));
    assert_eq!(log(&b), log(&a));

    // Acknowledgements are stored with the next records.
    let empty = |committed| Batch { term: Term(256), span: a.read(4).unwrap(), committed };
    assert_eq!(b.append(&empty(4), None).unwrap(), Ok(Stored { position: 4, may_vote: true }));
    assert_eq!(b.state().unwrap().committed, 2);

    // The writer of term 256 goes on alone, while b writes term 513.
    a.propose(Term(256), &[line("lobby", "lost")], 7, 0).unwrap().unwrap();
    write(&b, 513, &["4"]);
    // A batch behind a record that a does not have, and the position from which on it is needed.
    assert_eq!(copy(&b, &a, 513, 6), Err(Refusal::Behind(0)));
    assert_eq!(copy(&b, &a, 513, 4), Ok(Stored { position: 6, may_vote: true }));
    let expected = [(256, ""), (256, "1"), (256, "2"), (256, "3"), (513, ""), (513, "4")];
    assert_eq!(log(&a), expected.map(|(term, id)| (term, id.to_owned())));
    // The removed line can be written again, and gets the number behind its new place.
    assert_eq!(a.propose(Term(513), &[line("lobby", "lost")], 7, 0).unwrap(), Ok(vec![placed(7, 5)]));
}

#[test]
fn an_empty_database_votes_after_it_has_caught_up() {
    let (a, empty) = (voter(), Store::in_memory());
    write(&a, 256, &["1", "2"]);
    let target = mark(256, 3);
    assert!(!empty.recover(Term(512), target).unwrap());
    assert_eq!(empty.promise(Term(769)).unwrap(), Err(Refusal::Recovering));
    // It takes over the promise, too.
    assert_eq!(copy(&a, &empty, 256, 0), Err(Refusal::Promised(Term(512))));

    let mut span = a.read(0).unwrap();
    span.records.truncate(2);
    let batch = |span| Batch { term: Term(512), span, committed: 0 };
    assert_eq!(empty.append(&batch(span), Some(target)).unwrap(), Ok(Stored { position: 2, may_vote: false }));
    let rest = batch(a.read(2).unwrap());
    assert_eq!(empty.append(&rest, Some(target)).unwrap(), Ok(Stored { position: 3, may_vote: true }));
    assert_eq!(empty.promise(Term(769)).unwrap(), Ok(target));
}

#[test]
fn history_comes_in_pages_of_acknowledged_lines() {
    let store = voter();
    let ids: Vec<String> = (1..=450).map(|n| n.to_string()).collect();
    write(&store, 256, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let page = |page, committed| {
        let numbers: Vec<u64> = store.page(&room("lobby"), page, committed).unwrap().iter().map(|e| e.number).collect();
        numbers.first().copied().zip(numbers.last().copied())
    };
    let all = u64::MAX;
    for (wanted, committed, expected) in [
        (Page::Last, all, Some((251, 450))),
        (Page::After(0), all, Some((1, 200))),
        (Page::After(200), all, Some((201, 400))),
        (Page::After(400), all, Some((401, 450))),
        (Page::After(450), all, None),
        (Page::After(u64::MAX), all, None),
        (Page::Before(251), all, Some((51, 250))),
        (Page::Before(51), all, Some((1, 50))),
        (Page::Before(1), all, None),
        (Page::Before(0), all, None),
        // The first record has no line, so line 300 is at position 301.
        (Page::Last, 301, Some((101, 300))),
        (Page::After(200), 301, Some((201, 300))),
        (Page::Before(400), 301, Some((101, 300))),
        (Page::Last, 0, None),
    ] {
        assert_eq!(page(wanted, committed), expected, "{wanted:?} of {committed}");
    }
    assert_eq!(store.page(&room("garden"), Page::Last, all).unwrap(), []);
}

#[test]
fn rooms_are_listed_with_their_last_acknowledged_lines() {
    let store = voter();
    let lines = [("lobby", "1"), ("garden", "1"), ("lobby", "2"), ("attic", "1"), ("lobby", "3")];
    store.begin(Term(256)).unwrap().unwrap();
    store.propose(Term(256), &lines.map(|(room, id)| line(room, id)), 7, 0).unwrap().unwrap();
    let check = |rooms: &[&str], committed, expected: &[(&str, u64)]| {
        let rooms: Vec<Room> = rooms.iter().map(|name| room(name)).collect();
        let heads = store.heads(&rooms, committed).unwrap();
        let heads: Vec<(&str, u64)> = heads.iter().map(|head| (head.room.as_str(), head.last)).collect();
        assert_eq!(heads, expected);
    };
    check(&[], u64::MAX, &[("attic", 1), ("garden", 1), ("lobby", 3)]);
    check(&["lobby", "nowhere"], 4, &[("garden", 1), ("lobby", 2)]);
    check(&["lobby"], 0, &[]);

    let many: Vec<Line> = (0..300).map(|n| line(&format!("room {n:03}"), "1")).collect();
    store.propose(Term(256), &many, 7, 0).unwrap().unwrap();
    let heads = store.heads(&[room("room 299")], u64::MAX).unwrap();
    assert_eq!((heads.len(), heads[100].room.as_str()), (101, "room 299"));
}

#[test]
fn a_file_in_another_format_is_an_error() {
    with_file("garbage", |path| {
        std::fs::write(path, "other format\n".repeat(1000)).unwrap();
        let error = Store::open(path).err().unwrap().to_string();
        assert!(error.starts_with(&format!("cannot use the database {}: ", path.display())), "{error}");
        assert!(!error.contains('\n'), "{error}");
    });
}
