struct Room<T> {
    topics: Vec<T>,
}
#[automatically_derived]
#[allow(clippy::needless_update)]
#[doc(hidden)]
impl<T> ::greenroom::__private::DeclaredActor for Room<T>
where
    Room<T>: ::greenroom::__private::StateType,
{
    type ProtocolGiven = ::greenroom::__private::ProtocolGiven;
    type Cast = ::greenroom::__private::Cast;
    const OPTIONS: ::greenroom::__private::Options = ::greenroom::__private::Options {
        kind: "Room",
        portability: ::core::option::Option::Some(
            ::greenroom::__private::Portability::of::<
                Self,
            >(::greenroom::__private::Otherwise::Restart),
        ),
        ..::greenroom::__private::Options::DEFAULT
    };
}
#[automatically_derived]
impl<T> ::greenroom::__private::Actor for Room<T>
where
    Room<T>: ::greenroom::__private::StateType,
    T: ::core::marker::Send + 'static,
    Mail: ::greenroom::__private::Stubbed,
{
    type Protocol = Mail;
    #[doc(hidden)]
    const OPTIONS: ::greenroom::__private::Options = <Self as ::greenroom::__private::DeclaredActor>::OPTIONS;
    fn __type_name() -> ::std::string::String {
        ::greenroom::__private::generic_name("Room", &[::core::any::type_name::<T>()])
    }
    fn __name(&self) -> ::core::option::Option<::std::string::String> {
        <Self as ::greenroom::__private::DeclaredActor>::name(self)
    }
}
::greenroom::__private::if_net! {
    #[automatically_derived] #[doc(hidden)] impl < T > ::greenroom::__private::Export for
    Room < T > where Room < T > : ::greenroom::__private::RemoteConstructor < Actor =
    Room < T > > { fn __export < __E : ::greenroom::__private::AddExport > (exports : &
    mut __E) { #[allow(unused_imports)] use ::greenroom::__private:: { NoConstructors as
    _, NotExported as _ }; ::greenroom::__private::ExportProbe:: < Self > ::new()
    .__export(exports); < Self > ::__export_constructors(exports); } }
}
#[automatically_derived]
impl<T> ::greenroom::__private::Portable for Room<T>
where
    Room<T>: ::greenroom::__private::StateType,
{
    fn __name() -> ::std::string::String {
        ::greenroom::__private::generic_name("Room", &[::core::any::type_name::<T>()])
    }
    fn __upgrade(
        __old: &::greenroom::__private::OldState<'_>,
    ) -> ::core::option::Option<
        ::core::result::Result<Self, ::greenroom::__private::Exit>,
    > {
        #[allow(unused_imports)]
        use ::greenroom::__private::NoUpgrade as _;
        <Room<T>>::__upgrade_functions(__old)
    }
}
impl<T> Room<T> {
    fn from_v1(old: RoomV1<T>) -> Result<Self, Exit> {
        Ok(Room { topics: vec![old.topic] })
    }
    #[cfg(feature = "lobby")]
    fn from_lobby(_: Lobby) -> Room<T> {
        Room { topics: vec![] }
    }
}
#[automatically_derived]
impl<T> Room<T>
where
    Room<T>: ::greenroom::__private::DeclaredPortable,
{
    #[doc(hidden)]
    #[allow(dead_code, deprecated)]
    fn __upgrade_functions(
        __old: &::greenroom::__private::OldState<'_>,
    ) -> ::core::option::Option<
        ::core::result::Result<Self, ::greenroom::__private::Exit>,
    > {
        if let ::core::option::Option::Some(__value) = ::greenroom::__private::OldState::read::<
            RoomV1<T>,
        >(__old) {
            return ::core::option::Option::Some(
                <Result<
                    Room<T>,
                    Exit,
                > as ::greenroom::__private::Upgraded<
                    Room<T>,
                >>::into_result(<Room<T>>::from_v1(__value)),
            );
        }
        #[cfg(feature = "lobby")]
        if let ::core::option::Option::Some(__value) = ::greenroom::__private::OldState::read::<
            Lobby,
        >(__old) {
            return ::core::option::Option::Some(
                <Room<
                    T,
                > as ::greenroom::__private::Upgraded<
                    Room<T>,
                >>::into_result(<Room<T>>::from_lobby(__value)),
            );
        }
        ::core::option::Option::None
    }
}
