use greenroom::prelude::*;

struct Disk;

impl Disk {
    #[remote]
    fn method(&self) -> u64 {
        0
    }
}

#[remote]
fn generic<T>(value: T) {
    drop(value);
}

#[remote]
fn takes_a_reference(path: &str) -> usize {
    path.len()
}

#[remote]
fn takes_anything(value: impl ToString) -> String {
    value.to_string()
}

#[remote]
fn returns_anything() -> impl ToString {
    ""
}

#[remote]
unsafe fn is_unsafe() {}

#[remote(name = "other")]
fn with_options() {}

#[remote]
fn conditional(#[cfg(unix)] path: String) {}

#[remote]
struct NotAFunction;

fn main() {}
