struct Counter {
    count: u64,
}
#[automatically_derived]
#[allow(clippy::needless_update)]
#[doc(hidden)]
impl ::greenroom::__private::DeclaredActor for Counter {
    type ProtocolGiven = ();
    type Cast = ::greenroom::__private::Cast;
    const OPTIONS: ::greenroom::__private::Options = ::greenroom::__private::Options {
        kind: "Counter",
        ..::greenroom::__private::Options::DEFAULT
    };
}
::greenroom::__private::if_net! {
    #[automatically_derived] #[doc(hidden)] impl ::greenroom::__private::Export for
    Counter { fn __export < __E : ::greenroom::__private::AddExport > (exports : & mut
    __E) { #[allow(unused_imports)] use ::greenroom::__private:: { NoConstructors as _,
    NotExported as _ }; ::greenroom::__private::ExportProbe:: < Self > ::new()
    .__export(exports); < Self > ::__export_constructors(exports); } }
}
impl Counter {
    /// Adds `n`.
    pub fn add(&mut self, n: u64) {
        self.count += n;
    }
    async fn set(&mut self, to: u64, cx: &mut Context<Self>) -> Result<(), Exit> {
        self.check(to, cx).await
    }
    /// Returns the count.
    fn count(&self) -> u64 {
        self.count
    }
    fn later(&mut self, at: u64, reply: Reply<u64>) {
        self.waiting.push((at, reply));
    }
    fn plain(&self) {}
    async fn open(&mut self) -> std::io::Result<()> {
        self.file().await
    }
    fn warm(&mut self) {}
    async fn flush(&mut self, cx: &mut Context<Self>) {}
    fn rest(&mut self) {}
    fn close(&mut self, reason: &Exit) {}
    fn ended(&mut self, down: Down) {}
    fn exit(&mut self, signal: ExitSignal) {}
    fn node(&mut self, event: NodeEvent) {}
}
/// The messages of the actor [`Counter`].
#[allow(
    missing_docs,
    dead_code,
    private_interfaces,
    unreachable_pub,
    rustdoc::private_intra_doc_links
)]
pub enum CounterMessage {
    /// Adds `n`.
    Add { n: u64 },
    /// Handled by `Counter::set`.
    Set { to: u64 },
    /// Returns the count.
    Count { reply: ::greenroom::__private::Reply<u64> },
    /// Handled by `Counter::later`.
    Later { at: u64, reply: ::greenroom::__private::Reply<u64> },
    /// Handled by `Counter::ended`.
    Down(::greenroom::__private::Down),
    /// Handled by `Counter::exit`.
    Exit(::greenroom::__private::ExitSignal),
    /// Handled by `Counter::node`.
    Node(::greenroom::__private::NodeEvent),
}
#[automatically_derived]
impl ::greenroom::__private::Protocol for CounterMessage {
    const NAME: &'static str = "CounterMessage";
    const VARIANTS: &'static [::greenroom::__private::Variant] = &[
        ::greenroom::__private::Variant {
            name: "Add",
            call: false,
            system: false,
            priority: true,
        },
        ::greenroom::__private::Variant {
            name: "Set",
            call: false,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Count",
            call: true,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Later",
            call: true,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Down",
            call: false,
            system: true,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Exit",
            call: false,
            system: true,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Node",
            call: false,
            system: true,
            priority: false,
        },
    ];
    fn variant(&self) -> usize {
        match self {
            Self::Add { .. } => 0,
            Self::Set { .. } => 1,
            Self::Count { .. } => 2,
            Self::Later { .. } => 3,
            Self::Down { .. } => 4,
            Self::Exit { .. } => 5,
            Self::Node { .. } => 6,
        }
    }
    fn from_system(
        __system: &mut ::greenroom::__private::System<'_>,
    ) -> ::core::option::Option<Self> {
        if let ::core::option::Option::Some(__message) = ::greenroom::__private::System::take::<
            ::greenroom::__private::Down,
        >(__system) {
            return ::core::option::Option::Some(Self::Down { 0: __message });
        }
        if let ::core::option::Option::Some(__message) = ::greenroom::__private::System::take::<
            ::greenroom::__private::ExitSignal,
        >(__system) {
            return ::core::option::Option::Some(Self::Exit { 0: __message });
        }
        if let ::core::option::Option::Some(__message) = ::greenroom::__private::System::take::<
            ::greenroom::__private::NodeEvent,
        >(__system) {
            return ::core::option::Option::Some(Self::Node { 0: __message });
        }
        ::core::option::Option::None
    }
    fn as_system(&self) -> ::core::option::Option<&dyn ::core::any::Any> {
        match self {
            Self::Add { .. } => ::core::option::Option::None,
            Self::Set { .. } => ::core::option::Option::None,
            Self::Count { .. } => ::core::option::Option::None,
            Self::Later { .. } => ::core::option::Option::None,
            Self::Down { 0: __message } => ::core::option::Option::Some(__message),
            Self::Exit { 0: __message } => ::core::option::Option::Some(__message),
            Self::Node { 0: __message } => ::core::option::Option::Some(__message),
        }
    }
    #[allow(unreachable_patterns)]
    fn mark_taken(&self) {
        match self {
            Self::Count { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            Self::Later { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            _ => {}
        }
    }
    fn show(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        #[allow(unused_imports)]
        use ::greenroom::__private::FieldWithoutDebug as _;
        match self {
            Self::Add { n: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Add");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "n",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Set { to: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Set");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "to",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Count { reply: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Count");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Later { at: __field0, reply: __field1 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Later");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "at",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
                    ::greenroom::__private::FieldDebug(__field1).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Down { 0: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_tuple(__f, "Down");
                ::core::fmt::DebugTuple::field(
                    &mut __builder,
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugTuple::finish(&mut __builder)
            }
            Self::Exit { 0: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_tuple(__f, "Exit");
                ::core::fmt::DebugTuple::field(
                    &mut __builder,
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugTuple::finish(&mut __builder)
            }
            Self::Node { 0: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_tuple(__f, "Node");
                ::core::fmt::DebugTuple::field(
                    &mut __builder,
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugTuple::finish(&mut __builder)
            }
        }
    }
    fn encode(
        &self,
        __encoder: &mut ::greenroom::__private::Encoder<'_>,
    ) -> ::core::result::Result<(), ::greenroom::__private::EncodeError> {
        match self {
            Self::Add { n: __field0 } => {
                <u64 as ::greenroom::__private::RemoteField>::write(
                    __field0,
                    __encoder,
                )?;
                ::core::result::Result::Ok(())
            }
            Self::Set { to: __field0 } => {
                <u64 as ::greenroom::__private::RemoteField>::write(
                    __field0,
                    __encoder,
                )?;
                ::core::result::Result::Ok(())
            }
            Self::Count { reply: __field0 } => {
                <::greenroom::__private::Reply<
                    u64,
                > as ::greenroom::__private::RemoteField>::write(__field0, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Later { at: __field0, reply: __field1 } => {
                <u64 as ::greenroom::__private::RemoteField>::write(
                    __field0,
                    __encoder,
                )?;
                <::greenroom::__private::Reply<
                    u64,
                > as ::greenroom::__private::RemoteField>::write(__field1, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Down { .. } => {
                ::core::result::Result::Err(::greenroom::__private::EncodeError::Local)
            }
            Self::Exit { .. } => {
                ::core::result::Result::Err(::greenroom::__private::EncodeError::Local)
            }
            Self::Node { .. } => {
                ::core::result::Result::Err(::greenroom::__private::EncodeError::Local)
            }
        }
    }
    fn decode(
        __variant: usize,
        __decoder: &mut ::greenroom::__private::Decoder<'_>,
    ) -> ::core::result::Result<Self, ::greenroom::__private::DecodeError> {
        match __variant {
            0 => {
                ::core::result::Result::Ok(Self::Add {
                    n: <u64 as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            1 => {
                ::core::result::Result::Ok(Self::Set {
                    to: <u64 as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            2 => {
                ::core::result::Result::Ok(Self::Count {
                    reply: <::greenroom::__private::Reply<
                        u64,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            3 => {
                ::core::result::Result::Ok(Self::Later {
                    at: <u64 as ::greenroom::__private::RemoteField>::read(__decoder)?,
                    reply: <::greenroom::__private::Reply<
                        u64,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            _ => {
                ::core::result::Result::Err(
                    ::greenroom::__private::DecodeError::Variant(
                        <u32 as ::core::convert::TryFrom<usize>>::try_from(__variant)
                            .unwrap_or(u32::MAX),
                    ),
                )
            }
        }
    }
    fn definition() -> ::core::option::Option<
        &'static ::greenroom::__private::DefinitionCell,
    > {
        static DEFINITION: ::greenroom::__private::DefinitionCell = ::greenroom::__private::DefinitionCell::new();
        ::core::option::Option::Some(&DEFINITION)
    }
    fn record(__recorder: &mut ::greenroom::__private::DefinitionRecorder) {
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Add"]);
            <u64 as ::greenroom::__private::RemoteField>::record(__recorder, &["n"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Set"]);
            <u64 as ::greenroom::__private::RemoteField>::record(__recorder, &["to"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Count"]);
            <::greenroom::__private::Reply<
                u64,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["reply"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Later"]);
            <u64 as ::greenroom::__private::RemoteField>::record(__recorder, &["at"]);
            <::greenroom::__private::Reply<
                u64,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["reply"]);
        }
        ::greenroom::__private::DefinitionRecorder::local_variant(__recorder, &["Down"]);
        ::greenroom::__private::DefinitionRecorder::local_variant(__recorder, &["Exit"]);
        ::greenroom::__private::DefinitionRecorder::local_variant(__recorder, &["Node"]);
    }
    fn resolve(
        __name: &str,
        __fields: &mut ::greenroom::__private::Fields<'_>,
    ) -> ::core::result::Result<
        ::core::option::Option<Self>,
        ::greenroom::__private::FieldError,
    > {
        ::core::result::Result::Ok(
            ::core::option::Option::Some(
                match __name {
                    "Add" => {
                        Self::Add {
                            n: <u64 as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["n"],
                            )?,
                        }
                    }
                    "Set" => {
                        Self::Set {
                            to: <u64 as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["to"],
                            )?,
                        }
                    }
                    "Count" => {
                        Self::Count {
                            reply: <::greenroom::__private::Reply<
                                u64,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["reply"],
                            )?,
                        }
                    }
                    "Later" => {
                        Self::Later {
                            at: <u64 as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["at"],
                            )?,
                            reply: <::greenroom::__private::Reply<
                                u64,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["reply"],
                            )?,
                        }
                    }
                    _ => return ::core::result::Result::Ok(::core::option::Option::None),
                },
            ),
        )
    }
}
#[automatically_derived]
impl ::core::convert::From<::greenroom::__private::Down> for CounterMessage {
    fn from(value: ::greenroom::__private::Down) -> Self {
        Self::Down { 0: value }
    }
}
#[automatically_derived]
impl ::greenroom::__private::Receives<::greenroom::__private::Down> for CounterMessage {
    const __ONLY_PROTOCOL_IMPLEMENTS_IT: () = ();
}
#[automatically_derived]
impl ::core::convert::From<::greenroom::__private::ExitSignal> for CounterMessage {
    fn from(value: ::greenroom::__private::ExitSignal) -> Self {
        Self::Exit { 0: value }
    }
}
#[automatically_derived]
impl ::greenroom::__private::Receives<::greenroom::__private::ExitSignal>
for CounterMessage {
    const __ONLY_PROTOCOL_IMPLEMENTS_IT: () = ();
}
#[automatically_derived]
impl ::core::convert::From<::greenroom::__private::NodeEvent> for CounterMessage {
    fn from(value: ::greenroom::__private::NodeEvent) -> Self {
        Self::Node { 0: value }
    }
}
#[automatically_derived]
impl ::greenroom::__private::Receives<::greenroom::__private::NodeEvent>
for CounterMessage {
    const __ONLY_PROTOCOL_IMPLEMENTS_IT: () = ();
}
/// Stub of the actor [`Counter`], on this node or another.
#[allow(rustdoc::private_intra_doc_links)]
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct CounterRef(::greenroom::__private::Address<CounterMessage>);
#[allow(
    dead_code,
    private_interfaces,
    unreachable_pub,
    unused_qualifications,
    clippy::too_many_arguments
)]
impl CounterRef {
    /// Adds `n`.
    #[inline]
    pub fn add(
        &self,
        n: u64,
    ) -> <Counter as ::greenroom::__private::DeclaredActor>::Cast {
        ::core::convert::From::from(
            ::greenroom::__private::Address::cast(
                &self.0,
                move || CounterMessage::Add { n: n },
            ),
        )
    }
    /// Handled by `Counter::set`.
    #[inline]
    fn set(&self, to: u64) -> <Counter as ::greenroom::__private::DeclaredActor>::Cast {
        ::core::convert::From::from(
            ::greenroom::__private::Address::cast(
                &self.0,
                move || CounterMessage::Set { to: to },
            ),
        )
    }
    /// Returns the count.
    #[inline]
    fn count(&self) -> ::greenroom::__private::Call<u64> {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <CounterMessage as ::greenroom::__private::Protocol>::NAME,
                    message: "Counter::count",
                }
            },
            |__reply| CounterMessage::Count {
                reply: __reply,
            },
        )
    }
    /// Handled by `Counter::later`.
    #[inline]
    fn later(&self, at: u64) -> ::greenroom::__private::Call<u64> {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <CounterMessage as ::greenroom::__private::Protocol>::NAME,
                    message: "Counter::later",
                }
            },
            move |__reply| CounterMessage::Later {
                at: at,
                reply: __reply,
            },
        )
    }
}
#[automatically_derived]
impl ::greenroom::__private::Stub for CounterRef
where
    for<'m> CounterMessage: ::greenroom::__private::SendMessage<'m>,
{
    type Protocol = CounterMessage;
    fn __new(__address: ::greenroom::__private::Address<Self::Protocol>) -> Self {
        Self(__address)
    }
    fn __address(&self) -> &::greenroom::__private::Address<Self::Protocol> {
        &self.0
    }
}
#[automatically_derived]
impl ::greenroom::__private::Stubbed for CounterMessage
where
    for<'m> CounterMessage: ::greenroom::__private::SendMessage<'m>,
{
    type Ref = CounterRef;
}
#[automatically_derived]
impl ::core::clone::Clone for CounterRef {
    fn clone(&self) -> Self {
        Self(::core::clone::Clone::clone(&self.0))
    }
}
#[automatically_derived]
impl ::core::cmp::PartialEq for CounterRef {
    fn eq(&self, other: &Self) -> bool {
        ::core::cmp::PartialEq::eq(&self.0, &other.0)
    }
}
#[automatically_derived]
impl ::core::cmp::Eq for CounterRef {}
#[automatically_derived]
impl ::core::hash::Hash for CounterRef {
    fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
        ::core::hash::Hash::hash(&self.0, state);
    }
}
#[automatically_derived]
impl ::core::fmt::Debug for CounterRef {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::fmt::Formatter::debug_tuple(f, "CounterRef").field(&self.0).finish()
    }
}
#[automatically_derived]
impl ::greenroom::__private::Serialize for CounterRef {
    fn serialize<S: ::greenroom::__private::Serializer>(
        &self,
        serializer: S,
    ) -> ::core::result::Result<S::Ok, S::Error> {
        ::greenroom::__private::Serialize::serialize(&self.0, serializer)
    }
}
#[automatically_derived]
impl<'de> ::greenroom::__private::Deserialize<'de> for CounterRef {
    fn deserialize<D: ::greenroom::__private::Deserializer<'de>>(
        deserializer: D,
    ) -> ::core::result::Result<Self, D::Error> {
        ::core::result::Result::map(
            ::greenroom::__private::Deserialize::deserialize(deserializer),
            Self,
        )
    }
}
#[automatically_derived]
impl ::greenroom::__private::Actor for Counter
where
    for<'m> CounterMessage: ::greenroom::__private::SendMessage<'m>,
{
    type Protocol = CounterMessage;
    #[doc(hidden)]
    const OPTIONS: ::greenroom::__private::Options = ::greenroom::__private::no_protocol_given::<
        <Counter as ::greenroom::__private::DeclaredActor>::ProtocolGiven,
    >(<Counter as ::greenroom::__private::DeclaredActor>::OPTIONS);
    fn __name(&self) -> ::core::option::Option<::std::string::String> {
        <Counter as ::greenroom::__private::DeclaredActor>::name(self)
    }
}
#[automatically_derived]
#[allow(
    deprecated,
    private_interfaces,
    unreachable_code,
    unreachable_patterns,
    unused_qualifications
)]
#[doc(hidden)]
impl ::greenroom::__private::Handle for Counter {
    const STATE: ::core::option::Option<::greenroom::__private::StateFn<Self>> = <Counter as ::greenroom::__private::DeclaredActor>::STATE;
    async fn continue_with(
        &mut self,
        cx: &mut ::greenroom::__private::Context<Self>,
    ) -> ::core::result::Result<(), ::greenroom::__private::Exit> {
        ::greenroom::__private::Outcome::into_outcome(Self::warm(self))
    }
    const IDLE: ::core::option::Option<::core::time::Duration> = ::core::option::Option::Some(
        ::core::time::Duration::from_millis(60000u64),
    );
    async fn idle(
        &mut self,
        cx: &mut ::greenroom::__private::Context<Self>,
    ) -> ::core::result::Result<(), ::greenroom::__private::Exit> {
        ::greenroom::__private::Outcome::into_outcome(Self::rest(self))
    }
    const EVERY: &'static [::core::time::Duration] = &[
        ::core::time::Duration::from_millis(30000u64),
    ];
    #[allow(unused_mut, unused_assignments, unused_variables)]
    async fn every(
        &mut self,
        cx: &mut ::greenroom::__private::Context<Self>,
        mut __index: usize,
    ) -> ::core::result::Result<(), ::greenroom::__private::Exit>
    where
        for<'cx> Self: ::greenroom::__private::SendActor<'cx>,
    {
        {
            if __index == 0 {
                return ::greenroom::__private::Outcome::into_outcome({
                    #[allow(unused_imports)]
                    use ::greenroom::__private::NotSend as _;
                    ::greenroom::__private::HandlerFuture::<
                        (),
                    >::require_send(Self::flush(self, cx))
                        .await
                });
            }
            __index -= 1;
        }
        ::core::result::Result::Ok(())
    }
    fn handle_now(
        &mut self,
        cx: &mut ::greenroom::__private::Context<Self>,
        __message: CounterMessage,
    ) -> ::core::result::Result<
        ::core::result::Result<(), ::greenroom::__private::Exit>,
        CounterMessage,
    > {
        ::core::result::Result::Ok(
            match __message {
                CounterMessage::Add { n: __field0 } => {
                    ::greenroom::__private::Outcome::into_outcome(
                        Self::add(self, __field0),
                    )
                }
                CounterMessage::Count { reply: __reply } => {
                    let __answer = Self::count(self);
                    ::greenroom::__private::Reply::send(__reply, __answer);
                    ::core::result::Result::Ok(())
                }
                CounterMessage::Later { at: __field0, reply: __reply } => {
                    Self::later(self, __field0, __reply);
                    ::core::result::Result::Ok(())
                }
                CounterMessage::Down(__event) => {
                    ::greenroom::__private::Outcome::into_outcome(
                        Self::ended(self, __event),
                    )
                }
                CounterMessage::Exit(__event) => {
                    ::greenroom::__private::Outcome::into_outcome(
                        Self::exit(self, __event),
                    )
                }
                CounterMessage::Node(__event) => {
                    ::greenroom::__private::Outcome::into_outcome(
                        Self::node(self, __event),
                    )
                }
                __other => return ::core::result::Result::Err(__other),
            },
        )
    }
    async fn handle(
        &mut self,
        cx: &mut ::greenroom::__private::Context<Self>,
        __message: CounterMessage,
    ) -> ::core::result::Result<(), ::greenroom::__private::Exit>
    where
        for<'cx> Self: ::greenroom::__private::SendActor<'cx>,
    {
        match __message {
            CounterMessage::Set { to: __field0 } => {
                <Result<
                    (),
                    Exit,
                > as ::greenroom::__private::Outcome>::into_outcome({
                    #[allow(unused_imports)]
                    use ::greenroom::__private::NotSend as _;
                    ::greenroom::__private::HandlerFuture::<
                        (u64,),
                    >::require_send(Self::set(self, __field0, cx))
                        .await
                })
            }
            _ => ::core::result::Result::Ok(()),
        }
    }
}
#[automatically_derived]
#[allow(deprecated)]
impl ::greenroom::__private::Process for Counter {
    const SERVER: bool = true;
    const TERMINATE_AFTER_PANIC: bool = true;
    const TRAP_EXIT: bool = true;
    const NODE_EVENTS: bool = true;
    async fn init(
        &mut self,
        cx: &mut ::greenroom::__private::Context<Self>,
    ) -> ::core::result::Result<(), ::greenroom::__private::Exit>
    where
        for<'cx> Self: ::greenroom::__private::SendActor<'cx>,
    {
        <std::io::Result<
            (),
        > as ::greenroom::__private::Outcome>::into_outcome({
            #[allow(unused_imports)]
            use ::greenroom::__private::NotSend as _;
            ::greenroom::__private::HandlerFuture::<()>::require_send(Self::open(self))
                .await
        })
    }
    fn run(
        &mut self,
        cx: &mut ::greenroom::__private::Context<Self>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<(), ::greenroom::__private::Exit>,
    > + ::core::marker::Send
    where
        for<'cx> Self: ::greenroom::__private::SendActor<'cx>,
    {
        ::greenroom::__private::serve(self, cx)
    }
    async fn terminate(
        &mut self,
        cx: &mut ::greenroom::__private::Context<Self>,
        reason: &::greenroom::__private::Exit,
    ) {
        let _ = ::greenroom::__private::Outcome::into_outcome(Self::close(self, reason));
    }
}
