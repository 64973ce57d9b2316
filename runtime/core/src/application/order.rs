//! The start order of applications that start together: a pure function of their names.

use super::ApplicationError;

/// An application's name and its dependencies.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) after: &'a [String],
}

/// Returns the indices of `entries` in an order in which each entry follows its dependencies. Apart from that the order
/// stays as given. `is_up` returns whether an application is running already.
pub(super) fn start_order(entries: &[Entry<'_>], is_up: impl Fn(&str) -> bool) -> Result<Vec<usize>, ApplicationError> {
    let find = |name: &str| entries.iter().position(|entry| entry.name == name);
    for (index, entry) in entries.iter().enumerate() {
        if find(entry.name) != Some(index) {
            return Err(ApplicationError::DuplicateName(entry.name.to_owned()));
        }
        if let Some(missing) = entry.after.iter().find(|name| find(name).is_none() && !is_up(name)) {
            return Err(ApplicationError::NotStarted {
                application: entry.name.to_owned(),
                dependency: missing.clone(),
            });
        }
    }
    let mut order = Vec::new();
    // Each round adds the first entry without an unmet dependency.
    while order.len() < entries.len() {
        let unmet = |index: &usize| {
            let dependencies = entries[*index].after.iter().filter_map(|name| find(name));
            dependencies.clone().find(|dependency| !order.contains(dependency))
        };
        let remaining: Vec<usize> = (0..entries.len()).filter(|index| !order.contains(index)).collect();
        match remaining.iter().find(|index| unmet(index).is_none()) {
            Some(next) => order.push(*next),
            None => return Err(ApplicationError::Cycle(cycle(entries, remaining[0], unmet))),
        }
    }
    Ok(order)
}

/// Follows unmet dependencies from `start` until an entry repeats, and returns the names on the cycle.
fn cycle(entries: &[Entry<'_>], start: usize, unmet: impl Fn(&usize) -> Option<usize>) -> Vec<String> {
    let mut path = vec![start];
    loop {
        let Some(next) = path.last().and_then(&unmet) else { return Vec::new() };
        if let Some(begin) = path.iter().position(|index| *index == next) {
            return path[begin..].iter().map(|index| entries[*index].name.to_owned()).collect();
        }
        path.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the order, or the error. Each word of `applications` is `name` or `name<dependency,dependency`; `u1` and
    /// `u2` are up.
    #[track_caller]
    fn check(applications: &str, expected: &str) {
        let parsed: Vec<(&str, Vec<String>)> = applications
            .split_whitespace()
            .map(|word| match word.split_once('<') {
                Some((name, after)) => (name, after.split(',').map(str::to_owned).collect()),
                None => (word, Vec::new()),
            })
            .collect();
        let entries: Vec<_> = parsed.iter().map(|(name, after)| Entry { name, after }).collect();
        let actual = match start_order(&entries, |name| matches!(name, "u1" | "u2")) {
            Ok(order) => order.iter().map(|index| entries[*index].name).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        };
        assert_eq!(actual, expected, "{applications}");
    }

    #[test]
    fn each_application_follows_its_dependencies() {
        check("", "");
        check("b a c", "b a c");
        check("chat<storage storage", "storage chat");
        check("d<b,c c<a b<a a", "a c b d");
        check("web<u1 log web2<web,u2", "web log web2");
    }

    #[test]
    fn impossible_orders_are_errors() {
        check("a b a", "two applications have the name `a`");
        check("a b<c", "application `b` depends on `c`, which is not running: start it first");
        check("a<a", "applications depend on each other in a cycle: `a` starts after `a`");
        check(
            "x<a a<b b<c c<a",
            "applications depend on each other in a cycle: \
             `a` starts after `b`, `b` starts after `c`, `c` starts after `a`",
        );
    }
}
