/// The rooms and the log of a chat.
pub struct ChatTree {
    path: PathBuf,
}
/// Stub of the tree [`ChatTree`], with a stub for each child.
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct ChatTreeRef {
    #[doc(hidden)]
    __supervisor: ::greenroom::__private::SupervisorRef,
    #[doc(hidden)]
    log: ::greenroom::__private::StoredStub,
    #[cfg(feature = "rooms")]
    #[doc(hidden)]
    rooms: ::greenroom::__private::StoredStub,
    #[doc(hidden)]
    web: ::greenroom::__private::StoredStub,
}
#[allow(dead_code, private_interfaces, unreachable_pub)]
impl ChatTreeRef {
    /// Writes the log file.
    ///
    /// The stub follows the child across restarts.
    pub fn log(&self) -> ::greenroom::__private::ChildStub<Log> {
        ::greenroom::__private::StoredStub::get(&self.log)
    }
    #[cfg(feature = "rooms")]
    /// The stub of the child `rooms`. It follows the child across restarts.
    pub fn rooms(&self) -> ::greenroom::__private::ChildStub<Rooms> {
        ::greenroom::__private::StoredStub::get(&self.rooms)
    }
    /// The stub of the child `web`. It follows the child across restarts.
    pub fn web(&self) -> ::greenroom::__private::ChildStub<Web> {
        ::greenroom::__private::StoredStub::get(&self.web)
    }
}
#[automatically_derived]
impl ::core::clone::Clone for ChatTreeRef {
    fn clone(&self) -> Self {
        Self {
            __supervisor: ::core::clone::Clone::clone(&self.__supervisor),
            log: ::core::clone::Clone::clone(&self.log),
            #[cfg(feature = "rooms")]
            rooms: ::core::clone::Clone::clone(&self.rooms),
            web: ::core::clone::Clone::clone(&self.web),
        }
    }
}
#[automatically_derived]
impl ::core::fmt::Debug for ChatTreeRef {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        let mut __builder = ::core::fmt::Formatter::debug_struct(f, "ChatTreeRef");
        __builder.field("log", &self.log);
        #[cfg(feature = "rooms")] __builder.field("rooms", &self.rooms);
        __builder.field("web", &self.web);
        __builder.finish()
    }
}
#[automatically_derived]
impl ::greenroom::__private::TreeStub for ChatTreeRef {
    fn supervisor(&self) -> &::greenroom::__private::SupervisorRef {
        &self.__supervisor
    }
}
#[automatically_derived]
#[allow(clippy::needless_update)]
impl ::greenroom::__private::Tree for ChatTree {
    type Ref = ChatTreeRef;
    const NAME: &'static str = "ChatTree";
    const OPTIONS: ::greenroom::__private::SupervisorOptions = ::greenroom::__private::SupervisorOptions {
        strategy: ::greenroom::__private::Strategy::RestForOne,
        intensity: 3,
        period: ::core::time::Duration::from_millis(5000u64),
        ..::greenroom::__private::SupervisorOptions::DEFAULT
    };
    fn stubs(__cells: &::greenroom::__private::ChildCells) -> ChatTreeRef {
        ChatTreeRef {
            __supervisor: ::greenroom::__private::ChildCells::supervisor(__cells),
            log: <Log as ::greenroom::__private::Child>::stored_stub(__cells, "log"),
            #[cfg(feature = "rooms")]
            rooms: <Rooms as ::greenroom::__private::Child>::stored_stub(
                __cells,
                "rooms",
            ),
            web: <Web as ::greenroom::__private::Child>::stored_stub(__cells, "web"),
        }
    }
    fn add_children(
        __this: &::std::sync::Arc<Self>,
        __children: &mut ::greenroom::__private::Children,
    ) {
        <Log as ::greenroom::__private::Child>::add_constructed(
            __children,
            "log",
            ::greenroom::__private::ChildOptions {
                ..::greenroom::__private::ChildOptions::DEFAULT
            },
            __this,
            Self::__start_log,
        );
        #[cfg(feature = "rooms")]
        <Rooms as ::greenroom::__private::Child>::add(
            __children,
            "rooms",
            ::greenroom::__private::ChildOptions {
                restart: ::greenroom::__private::Restart::Transient,
                shutdown: ::greenroom::__private::Shutdown::After(
                    ::core::time::Duration::from_millis(2000u64),
                ),
                ..::greenroom::__private::ChildOptions::DEFAULT
            },
            __this,
            Self::__start_rooms,
        );
        <Web as ::greenroom::__private::Child>::add(
            __children,
            "web",
            ::greenroom::__private::ChildOptions {
                restart: ::greenroom::__private::Restart::Temporary,
                shutdown: ::greenroom::__private::Shutdown::Kill,
                ..::greenroom::__private::ChildOptions::DEFAULT
            },
            __this,
            Self::__start_web,
        );
    }
}
#[allow(clippy::unused_self)]
impl ChatTree {
    #[doc(hidden)]
    #[allow(unused_variables)]
    fn __start_log(
        &self,
        __cells: &::greenroom::__private::ChildCells,
    ) -> impl ::greenroom::__private::Constructor<Actor = Log> + use<> {
        Log::open(self.path.clone())
    }
    #[cfg(feature = "rooms")]
    #[doc(hidden)]
    #[allow(unused_variables)]
    fn __start_rooms(&self, __cells: &::greenroom::__private::ChildCells) -> Rooms {
        #[allow(unused_imports)]
        use ::greenroom::__private::{DefaultProbeChild as _, DefaultProbeOther as _};
        (&::greenroom::__private::DefaultProbe::<Rooms>::NEW).__make()
    }
    #[doc(hidden)]
    #[allow(unused_variables)]
    fn __start_web(&self, __cells: &::greenroom::__private::ChildCells) -> Web {
        #[allow(unused_imports)]
        use ::greenroom::__private::{DefaultProbeChild as _, DefaultProbeOther as _};
        (&::greenroom::__private::DefaultProbe::<Web>::NEW).__make()
    }
}
::greenroom::__private::if_net! {
    #[automatically_derived] #[doc(hidden)] impl ::greenroom::__private::Export for
    ChatTree where for < 'a > ChatTree : ::greenroom::__private::ExportedTree < 'a >, {
    fn __export < __E : ::greenroom::__private::AddExport > (exports : & mut __E) {
    ::greenroom::__private::export_tree:: < Self > (exports); } }
}
