impl Counter {
    fn add(&mut self, n: &str) {}
    fn count() -> u64 {
        7
    }
}
/// The messages of the actor [`Counter`].
#[allow(
    missing_docs,
    dead_code,
    private_interfaces,
    unreachable_pub,
    rustdoc::private_intra_doc_links
)]
pub(crate) enum CounterMessage {
    /// Handled by `Counter::add`.
    Add,
    /// Handled by `Counter::count`.
    Count { reply: ::greenroom::__private::Reply<u64> },
}
#[automatically_derived]
impl ::greenroom::__private::Protocol for CounterMessage {
    const NAME: &'static str = "CounterMessage";
    const VARIANTS: &'static [::greenroom::__private::Variant] = &[
        ::greenroom::__private::Variant {
            name: "Add",
            call: false,
            system: true,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Count",
            call: true,
            system: true,
            priority: false,
        },
    ];
    fn variant(&self) -> usize {
        match self {
            Self::Add { .. } => 0,
            Self::Count { .. } => 1,
        }
    }
    #[allow(unreachable_patterns)]
    fn mark_taken(&self) {
        match self {
            Self::Count { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            _ => {}
        }
    }
    fn show(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        #[allow(unused_imports)]
        use ::greenroom::__private::FieldWithoutDebug as _;
        match self {
            Self::Add { .. } => ::core::fmt::Formatter::write_str(__f, "Add"),
            Self::Count { reply: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Count");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
        }
    }
    fn encode(
        &self,
        __encoder: &mut ::greenroom::__private::Encoder<'_>,
    ) -> ::core::result::Result<(), ::greenroom::__private::EncodeError> {
        match self {
            Self::Add { .. } => {
                ::core::result::Result::Err(::greenroom::__private::EncodeError::Local)
            }
            Self::Count { .. } => {
                ::core::result::Result::Err(::greenroom::__private::EncodeError::Local)
            }
        }
    }
    fn decode(
        __variant: usize,
        __decoder: &mut ::greenroom::__private::Decoder<'_>,
    ) -> ::core::result::Result<Self, ::greenroom::__private::DecodeError> {
        match __variant {
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
        ::greenroom::__private::DefinitionRecorder::local_variant(__recorder, &["Add"]);
        ::greenroom::__private::DefinitionRecorder::local_variant(
            __recorder,
            &["Count"],
        );
    }
}
/// Stub of the actor [`Counter`], on this node or another.
#[allow(rustdoc::private_intra_doc_links)]
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub(crate) struct CounterRef(::greenroom::__private::Address<CounterMessage>);
#[allow(
    dead_code,
    private_interfaces,
    unreachable_pub,
    unused_qualifications,
    clippy::too_many_arguments
)]
impl CounterRef {
    fn add<__Arg0>(&self, _: __Arg0) -> ::greenroom::__private::Cast {
        ::core::unreachable!()
    }
    fn count(&self) -> ::greenroom::__private::Call<u64> {
        ::core::unreachable!()
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
                CounterMessage::Add { .. } => ::core::unreachable!(),
                CounterMessage::Count { .. } => ::core::unreachable!(),
            },
        )
    }
}
#[automatically_derived]
#[allow(deprecated)]
impl ::greenroom::__private::Process for Counter {
    const SERVER: bool = true;
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
}
::core::compile_error!(
    "a message cannot contain a reference\n= help: use `String` instead of `&str`",
)
::core::compile_error!(
    "a `#[call]` method needs a `self` parameter\n= help: write `&mut self` or `&self` as the first parameter",
)
