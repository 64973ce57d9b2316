//! In which order applications start that are given together: a pure function of names.

use super::ApplicationError;

/// A name, and those that it comes after.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) after: &'a [String],
}

/// The indices of `entries` in an order in which each comes after those that it needs, and otherwise as they were
/// given. `up` says who is running already.
pub(super) fn order(entries: &[Entry<'_>], up: impl Fn(&str) -> bool) -> Result<Vec<usize>, ApplicationError> {
    let find = |name: &str| entries.iter().position(|entry| entry.name == name);
    for (index, entry) in entries.iter().enumerate() {
        if find(entry.name) != Some(index) {
            return Err(ApplicationError::Twice(entry.name.to_owned()));
        }
        if let Some(missing) = entry.after.iter().find(|name| find(name).is_none() && !up(name)) {
            return Err(ApplicationError::NotStarted {
                application: entry.name.to_owned(),
                dependency: missing.clone(),
            });
        }
    }
    let mut order = Vec::new();
    // In each round the first that waits for nobody left.
    while order.len() < entries.len() {
        let waits = |index: &usize| {
            let needed = entries[*index].after.iter().filter_map(|name| find(name));
            needed.clone().find(|needed| !order.contains(needed))
        };
        let left: Vec<usize> = (0..entries.len()).filter(|index| !order.contains(index)).collect();
        match left.iter().find(|index| waits(index).is_none()) {
            Some(next) => order.push(*next),
            None => return Err(ApplicationError::Cycle(cycle(entries, left[0], waits))),
        }
    }
    Ok(order)
}

/// Follows who waits for whom until somebody comes twice.
fn cycle(entries: &[Entry<'_>], start: usize, waits: impl Fn(&usize) -> Option<usize>) -> Vec<String> {
    let mut path = vec![start];
    loop {
        let Some(next) = path.last().and_then(&waits) else { return Vec::new() };
        if let Some(begin) = path.iter().position(|index| *index == next) {
            return path[begin..].iter().map(|index| entries[*index].name.to_owned()).collect();
        }
        path.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each word is `name` or `name<dependency,dependency`; `u1` and `u2` are up.
    #[track_caller]
    fn check(given: &str, expected: &str) {
        let parsed: Vec<(&str, Vec<String>)> = given
            .split_whitespace()
            .map(|word| match word.split_once('<') {
                Some((name, after)) => (name, after.split(',').map(str::to_owned).collect()),
                None => (word, Vec::new()),
            })
            .collect();
        let entries: Vec<_> = parsed.iter().map(|(name, after)| Entry { name, after }).collect();
        let found = match order(&entries, |name| matches!(name, "u1" | "u2")) {
            Ok(order) => order.iter().map(|index| entries[*index].name).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{given}");
    }

    #[test]
    fn each_comes_after_those_it_needs_and_otherwise_as_given() {
        check("", "");
        check("b a c", "b a c");
        check("chat<storage storage", "storage chat");
        check("d<b,c c<a b<a a", "a c b d");
        check("web<u1 log web2<web,u2", "web log web2");
    }

    #[test]
    fn what_cannot_be_ordered_says_why() {
        check("a b a", "two applications are called `a`");
        check("a b<c", "application `b` comes after `c`, which is not running");
        check("a<a", "applications come after each other: `a` after `a`");
        check("x<a a<b b<c c<a", "applications come after each other: `a` after `b` after `c` after `a`");
    }
}
