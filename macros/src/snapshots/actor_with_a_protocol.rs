/// Hands out urgent letters first.
struct Sorter {
    urgent: u8,
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::greenroom::__private::Declared for Sorter {
    const OPTIONS: ::greenroom::__private::Options = ::greenroom::__private::Options {
        kind: "Sorter",
        name: ::core::option::Option::Some("sorter"),
        trap_exit: true,
        ..::greenroom::__private::Options::DEFAULT
    };
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::greenroom::__private::Actor for Sorter {
    type Protocol = Mail;
    const OPTIONS: ::greenroom::__private::Options = <Self as ::greenroom::__private::Declared>::OPTIONS;
}
