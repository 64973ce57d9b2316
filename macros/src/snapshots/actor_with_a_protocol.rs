/// Sorts letters by priority.
struct Sorter {
    urgent: u8,
}
#[automatically_derived]
#[allow(clippy::needless_update)]
#[doc(hidden)]
impl ::greenroom::__private::DeclaredActor for Sorter {
    type ProtocolGiven = ::greenroom::__private::ProtocolGiven;
    type Cast = ::greenroom::__private::Cast;
    const OPTIONS: ::greenroom::__private::Options = ::greenroom::__private::Options {
        kind: "Sorter",
        name: ::core::option::Option::Some("sorter"),
        trap_exit: true,
        mailbox: ::core::option::Option::Some(1024),
        overflow: ::greenroom::__private::Overflow::DropOldest,
        ..::greenroom::__private::Options::DEFAULT
    };
}
#[automatically_derived]
impl ::greenroom::__private::Actor for Sorter {
    type Protocol = Mail;
    #[doc(hidden)]
    const OPTIONS: ::greenroom::__private::Options = ::greenroom::__private::traps_exit::<
        Mail,
    >(<Self as ::greenroom::__private::DeclaredActor>::OPTIONS);
    fn __name(&self) -> ::core::option::Option<::std::string::String> {
        <Self as ::greenroom::__private::DeclaredActor>::name(self)
    }
}
::greenroom::__private::if_net! {
    #[automatically_derived] #[doc(hidden)] impl ::greenroom::__private::Export for
    Sorter { fn __export < __E : ::greenroom::__private::AddExport > (exports : & mut
    __E) { #[allow(unused_imports)] use ::greenroom::__private:: { NoConstructors as _,
    NotExported as _ }; ::greenroom::__private::ExportProbe:: < Self > ::new()
    .__export(exports); < Self > ::__export_constructors(exports); } }
}
