//! The messages of the first release, whose shape is in a file.

use upgrade_protocol::{first, second};

#[test]
fn the_first_release_is_the_one_in_the_file() {
    greenroom::assert_compatible!(first::Desk, "shapes/desk-first.shape");
}

/// Without the alias of `buyer` this fails: "the field `buyer` was not sent, and has no default".
#[test]
fn the_second_release_reads_the_orders_of_the_first() {
    greenroom::assert_compatible!(second::Desk, "shapes/desk-first.shape");
}
