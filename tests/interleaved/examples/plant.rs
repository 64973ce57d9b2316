fn main() {
    let name = std::env::args().nth(1).unwrap();
    let all: &[(&str, fn())] = &[
        ("rings1", greenroom_interleaved::rings::a_ring_of_calls_is_always_found),
        ("rings2", greenroom_interleaved::rings::a_reply_on_its_way_opens_a_ring),
        ("rings3", greenroom_interleaved::rings::a_word_from_elsewhere_opens_a_ring),
    ];
    for (n, f) in all {
        if n.starts_with(&name) {
            f();
            println!("{n} passed");
        }
    }
}
