//! The spans that the two nodes print.

use std::collections::BTreeMap;
use std::process::Command;

/// The values of a line, by their names.
fn values(line: &str) -> BTreeMap<&str, &str> {
    line.split(' ').filter_map(|value| value.split_once('=')).collect()
}

#[test]
fn each_message_is_handled_in_a_span_that_is_linked_to_that_of_its_sender() {
    let output = Command::new(env!("CARGO_BIN_EXE_traced_order")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("7 pieces are left"), "{text}");
    let find = |start: &str| {
        let mut found = text.lines().filter(|line| line.starts_with(start));
        let line = found.next().unwrap_or_else(|| panic!("no line starts with {start}: {text}"));
        assert_eq!(found.next(), None, "one span: {text}");
        values(line)
    };
    let request = find("orders@localhost \"request\"");
    let order = find("orders@localhost \"process OrdersMessage::Order\"");
    let reserve = find("stock@localhost \"process StockMessage::Reserve\"");
    let shelf = find("stock@localhost \"shelf\"");
    // The ids of the first node have come to the second one.
    assert_eq!((request.get("link"), order.get("link")), (None, request.get("span")), "{text}");
    assert_eq!(reserve.get("link"), order.get("span"), "{text}");
    // Linked, and not nested.
    assert_eq!([request["parent"], order["parent"], reserve["parent"]], ["0000000000000000"; 3], "{text}");
    assert_eq!(
        reserve["span"].split_once('-'),
        Some((shelf["span"].split('-').next().unwrap(), shelf["parent"])),
        "{text}"
    );
    assert_eq!(text.matches("span=").count(), 4, "other messages have no spans: {text}");
}
