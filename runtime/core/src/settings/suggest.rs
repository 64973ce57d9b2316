//! The error text for an unknown key, with a suggestion.

/// Returns the text for the key `name`, which is not among the known keys.
pub(super) fn unknown_key(name: &str, known_keys: &[&str]) -> String {
    let nearest = known_keys.iter().map(|known| (distance(name, known), known)).min();
    match nearest {
        Some((distance, known)) if distance <= name.len().max(known.len()) / 2 => {
            format!("unknown key; did you mean `{known}`?")
        }
        Some(_) => format!("unknown key; expected one of `{}`", known_keys.join("`, `")),
        None => "unknown key".to_owned(),
    }
}

/// Returns the Levenshtein distance of two names, or 0 if one begins with the other.
fn distance(one: &str, other: &str) -> usize {
    if one.len() > 2 && (one.starts_with(other) || other.starts_with(one)) {
        return 0;
    }
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.chars().enumerate() {
            let next = (corner + usize::from(a != b)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row.last().copied().unwrap_or_default()
}
