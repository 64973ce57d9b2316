use super::*;

/// A table and a time in seconds. Each step returns the effects in short: `+b` joined, `-b` left, `>b` keep, `!b` announce.
struct Table {
    members: Members,
    start: Instant,
    now: u64,
}

fn name(letter: &str) -> NodeName {
    NodeName::new(format!("{letter}@test")).unwrap()
}

fn id(letter: &str, incarnation: u64) -> NodeId {
    NodeId { name: name(letter), incarnation }
}

fn record(letter: &str, incarnation: u64) -> MemberRecord {
    MemberRecord {
        id: id(letter, incarnation),
        has_left: false,
        address: Some(format!("{letter}:9100")),
        metadata: Metadata::new(),
    }
}

fn left(letter: &str, incarnation: u64) -> MemberRecord {
    MemberRecord { has_left: true, ..record(letter, incarnation) }
}

fn hello(letter: &str, incarnation: u64) -> Hello {
    let MemberRecord { id: node, address: advertise, metadata, .. } = record(letter, incarnation);
    Hello { node, advertise, instance: 0, metadata, mesh: MeshKind::Full, reads_contexts: true }
}

impl Table {
    /// Returns the table of the node `m`.
    fn new(mesh: MeshKind) -> Table {
        Table { members: Members::new(name("m"), mesh, 8), start: Instant::now(), now: 0 }
    }

    fn at(&self) -> Instant {
        self.start + Duration::from_secs(self.now)
    }

    #[track_caller]
    fn expect(&mut self, expected: &str, step: impl FnOnce(&mut Members, Instant) -> Vec<Effect>) {
        let now = self.at();
        let short = |name: &NodeName| name.as_str().trim_end_matches("@test").to_owned();
        let effects = step(&mut self.members, now).into_iter().map(|effect| match effect {
            Effect::Joined(member) => format!("+{}{}", short(member.name()), member.id.incarnation),
            Effect::Left(member) => format!("-{}{}", short(member.name()), member.id.incarnation),
            Effect::Keep(name, pause) => format!(">{}{}", short(&name), if pause.is_zero() { "" } else { " late" }),
            Effect::Announce(record) => format!("!{}", short(&record.id.name)),
        });
        assert_eq!(effects.collect::<Vec<_>>().join(", "), expected);
    }

    fn up(&mut self, expected: &str, letter: &str, incarnation: u64) {
        self.expect(expected, |members, _| members.up(&hello(letter, incarnation), false));
    }

    fn learn(&mut self, expected: &str, from: &str, record: MemberRecord) {
        self.expect(expected, |members, now| members.learn(&name(from), vec![record], now));
    }

    fn down(&mut self, expected: &str, letter: &str, incarnation: u64) {
        self.expect(expected, |members, now| members.down(&id(letter, incarnation), now));
    }
}

#[test]
fn a_member_is_announced_once_and_dialled_until_it_is_connected() {
    let mut table = Table::new(MeshKind::Full);
    table.learn("+b1, !b, >b", "a", record("b", 1));
    table.learn("", "c", record("b", 1));
    assert_eq!(table.members.next_address(&name("b")).as_deref(), Some("b:9100"));
    table.up("", "b", 1);
    assert_eq!(table.members.next_address(&name("b")), None);
    // The smaller name dials at once, the greater one yields.
    table.down("", "b", 2);
    table.down(">b late", "b", 1);
    table.up("+x1, !x", "x", 1);
    table.down(">x", "x", 1);
    table.learn("", "a", record("m", 7));
}

#[test]
fn a_later_incarnation_replaces_an_earlier_one() {
    let mut table = Table::new(MeshKind::Full);
    table.up("+b1, !b", "b", 1);
    table.learn("", "a", record("b", 2));
    table.down(">b late", "b", 1);
    table.learn("-b1, +b2, !b", "a", record("b", 2));
    table.learn("", "a", record("b", 1));
    table.up("-b2, +b3, !b", "b", 3);
    table.up("", "b", 3);
}

#[test]
fn a_connected_member_leaves_only_by_its_own_word() {
    let mut table = Table::new(MeshKind::Full);
    table.up("+b1, !b", "b", 1);
    table.learn("", "a", left("b", 1));
    table.learn("-b1, !b", "b", left("b", 1));
    table.learn("", "b", left("b", 1));
    table.down("", "b", 1);
    // An older announcement does not bring it back.
    table.now += 3599;
    table.expect("", Members::forget);
    table.learn("", "a", record("b", 1));
    assert_eq!(table.members.list(), []);
    // One that is apart leaves by the word of any member.
    table.learn("+c1, !c, >c", "a", record("c", 1));
    table.learn("-c1, !c", "a", left("c", 1));
    table.learn("+c2, !c", "a", record("c", 2));
    table.learn("", "a", left("d", 1));
}

#[test]
fn a_member_that_is_not_reached_for_an_hour_is_forgotten() {
    let mut table = Table::new(MeshKind::Full);
    table.up("+b1, !b", "b", 1);
    table.down(">b late", "b", 1);
    assert_eq!(table.members.records(), []);
    table.now += 3599;
    table.expect("", Members::forget);
    table.now += 1;
    table.expect("-b1", Members::forget);
    assert_eq!(table.members.next_address(&name("b")), None);
    table.learn("", "a", record("b", 1));
    // A connection counts for more.
    table.up("+b1, !b", "b", 1);
    table.learn("-b1, !b", "b", left("b", 1));
    table.now += 3600;
    table.expect("", Members::forget);
    table.learn("+b1, !b, >b", "a", record("b", 1));
}

#[test]
fn a_parted_member_is_dialled_only_for_a_message() {
    let mut table = Table::new(MeshKind::Full);
    table.up("+b1, !b", "b", 1);
    table.members.part(&name("b"));
    assert_eq!(table.members.dial_for_message(&name("b"), table.at()), None, "it is connected");
    table.down("", "b", 1);
    assert!(table.members.is_parted(&name("b")));
    let dialled = table.members.dial_for_message(&name("b"), table.at());
    assert_eq!(dialled, Some((id("b", 1), "b:9100".to_owned())));
    // After a failure the next message waits.
    table.members.failed(&name("b"), table.at());
    assert_eq!(table.members.dial_for_message(&name("b"), table.at()), None);
    table.now += 1;
    assert!(table.members.dial_for_message(&name("b"), table.at()).is_some());
    table.up("", "b", 1);
    assert!(!table.members.is_parted(&name("b")));
    table.down(">b late", "b", 1);
}

#[test]
fn only_a_full_mesh_dials_by_itself() {
    let mut table = Table::new(MeshKind::OnDemand);
    table.learn("+b1, !b", "a", record("b", 1));
    assert!(table.members.dial_for_message(&name("b"), table.at()).is_some());
    table.up("", "b", 1);
    table.down("", "b", 1);
    let mut hidden = Table::new(MeshKind::Hidden);
    hidden.learn("", "a", record("b", 1));
    hidden.up("", "b", 1);
    let mut table = Table::new(MeshKind::Full);
    table.expect("", |members, _| members.up(&Hello { mesh: MeshKind::Hidden, ..hello("b", 1) }, false));
    table.learn("+c1, !c", "a", MemberRecord { address: None, ..record("c", 1) });
    assert_eq!(table.members.dial_for_message(&name("c"), table.at()), None);
}

#[test]
fn a_seed_is_dialled_by_its_own_task() {
    let mut table = Table::new(MeshKind::Full);
    table.members.add_seed("b:9100");
    table.learn("+b1, !b", "a", record("b", 1));
    table.expect("+c1, !c", |members, _| members.up(&hello("c", 1), true));
    table.down("", "c", 1);
    table.expect(">c", |members, _| members.remove_seed("10.0.0.3:9100", Some(&name("c"))));
    table.expect(">b", |members, _| members.remove_seed("b:9100", Some(&name("b"))));
    table.members.leave();
    assert_eq!(table.members.next_address(&name("b")), None);
    assert_eq!(table.members.dial_for_message(&name("b"), table.at()), None);
}

#[test]
fn announced_members_are_bounded() {
    let mut table = Table::new(MeshKind::OnDemand);
    for number in 0..20 {
        let record = record(&format!("n{number}"), 1);
        let expected = if number < 8 { format!("+n{number}1, !n{number}") } else { String::new() };
        table.expect(&expected, |members, now| members.learn(&name("a"), vec![record], now));
    }
    assert_eq!(table.members.list().len(), 8);
}

#[test]
fn two_nodes_that_know_the_same_members_have_the_same_digest() {
    let digest = |own: &str, others: &[(&str, u64)]| {
        let mut members = Members::new(name(own), MeshKind::Full, 8);
        others.iter().for_each(|(letter, incarnation)| drop(members.up(&hello(letter, *incarnation), false)));
        members.digest(&record(own, 1))
    };
    let first = digest("a", &[("b", 1), ("c", 1)]);
    assert_eq!(digest("b", &[("c", 1), ("a", 1)]), first);
    assert_ne!(digest("b", &[("c", 2), ("a", 1)]), first);
    assert_ne!(digest("b", &[("a", 1)]), first);
}
