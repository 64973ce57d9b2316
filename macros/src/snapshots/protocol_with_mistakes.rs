enum Mail {
    Post { body: ::std::string::String },
    Collect { reply: Reply<u8>, again: Reply<u8> },
    Down(Down, u8),
}
#[automatically_derived]
impl ::greenroom::__private::Protocol for Mail {
    const NAME: &'static str = "Mail";
    const VARIANTS: &'static [::greenroom::__private::Variant] = &[
        ::greenroom::__private::Variant {
            name: "Post",
            call: false,
            system: true,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Collect",
            call: true,
            system: true,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Down",
            call: false,
            system: true,
            priority: false,
        },
    ];
    fn variant(&self) -> usize {
        match self {
            Self::Post { .. } => 0,
            Self::Collect { .. } => 1,
            Self::Down { .. } => 2,
        }
    }
    #[allow(unreachable_patterns)]
    fn mark_taken(&self) {
        match self {
            Self::Collect { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            _ => {}
        }
    }
    fn show(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        #[allow(unused_imports)]
        use ::greenroom::__private::FieldWithoutDebug as _;
        match self {
            Self::Post { body: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Post");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "body",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Collect { reply: __field0, again: __field1 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Collect");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "again",
                    ::greenroom::__private::FieldDebug(__field1).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Down { 0: __field0, 1: __field1 } => {
                let mut __builder = ::core::fmt::Formatter::debug_tuple(__f, "Down");
                ::core::fmt::DebugTuple::field(
                    &mut __builder,
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugTuple::field(
                    &mut __builder,
                    ::greenroom::__private::FieldDebug(__field1).__debug(),
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
            Self::Post { .. } => {
                ::core::result::Result::Err(::greenroom::__private::EncodeError::Local)
            }
            Self::Collect { .. } => {
                ::core::result::Result::Err(::greenroom::__private::EncodeError::Local)
            }
            Self::Down { .. } => {
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
        ::greenroom::__private::DefinitionRecorder::local_variant(__recorder, &["Post"]);
        ::greenroom::__private::DefinitionRecorder::local_variant(
            __recorder,
            &["Collect"],
        );
        ::greenroom::__private::DefinitionRecorder::local_variant(__recorder, &["Down"]);
    }
}
/// Stub of a process with the protocol [`Mail`], on this node or another.
#[allow(dead_code, private_interfaces, unreachable_pub)]
struct MailRef(::greenroom::__private::Address<Mail>);
#[allow(
    dead_code,
    private_interfaces,
    unreachable_pub,
    unused_qualifications,
    clippy::too_many_arguments
)]
impl MailRef {
    fn post<__Arg0>(&self, _: __Arg0) -> ::greenroom::__private::Cast {
        ::core::unreachable!()
    }
    fn collect(&self) -> ::greenroom::__private::Call<u8> {
        ::core::unreachable!()
    }
    fn down<__Arg0, __Arg1>(
        &self,
        _: __Arg0,
        _: __Arg1,
    ) -> ::greenroom::__private::Cast {
        ::core::unreachable!()
    }
}
#[automatically_derived]
impl ::greenroom::__private::Stub for MailRef
where
    for<'m> Mail: ::greenroom::__private::SendMessage<'m>,
{
    type Protocol = Mail;
    fn __new(__address: ::greenroom::__private::Address<Self::Protocol>) -> Self {
        Self(__address)
    }
    fn __address(&self) -> &::greenroom::__private::Address<Self::Protocol> {
        &self.0
    }
}
#[automatically_derived]
impl ::greenroom::__private::Stubbed for Mail
where
    for<'m> Mail: ::greenroom::__private::SendMessage<'m>,
{
    type Ref = MailRef;
}
#[automatically_derived]
impl ::core::clone::Clone for MailRef {
    fn clone(&self) -> Self {
        Self(::core::clone::Clone::clone(&self.0))
    }
}
#[automatically_derived]
impl ::core::cmp::PartialEq for MailRef {
    fn eq(&self, other: &Self) -> bool {
        ::core::cmp::PartialEq::eq(&self.0, &other.0)
    }
}
#[automatically_derived]
impl ::core::cmp::Eq for MailRef {}
#[automatically_derived]
impl ::core::hash::Hash for MailRef {
    fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
        ::core::hash::Hash::hash(&self.0, state);
    }
}
#[automatically_derived]
impl ::core::fmt::Debug for MailRef {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::fmt::Formatter::debug_tuple(f, "MailRef").field(&self.0).finish()
    }
}
#[automatically_derived]
impl ::greenroom::__private::Serialize for MailRef {
    fn serialize<S: ::greenroom::__private::Serializer>(
        &self,
        serializer: S,
    ) -> ::core::result::Result<S::Ok, S::Error> {
        ::greenroom::__private::Serialize::serialize(&self.0, serializer)
    }
}
#[automatically_derived]
impl<'de> ::greenroom::__private::Deserialize<'de> for MailRef {
    fn deserialize<D: ::greenroom::__private::Deserializer<'de>>(
        deserializer: D,
    ) -> ::core::result::Result<Self, D::Error> {
        ::core::result::Result::map(
            ::greenroom::__private::Deserialize::deserialize(deserializer),
            Self,
        )
    }
}
::core::compile_error!(
    "unknown option `locale` of `#[protocol]`\n= help: expected `local`, `debug`, `version` or `name`",
)
::core::compile_error!(
    "a message cannot contain a reference\n= help: use `String` instead of `&str`",
)
::core::compile_error!(
    "a call can have only one `Reply`\n= help: send both values in one answer, such as `Reply<(A, B)>`",
)
::core::compile_error!(
    "a `#[from]` variant needs exactly one field\n= help: write `Down(Type)`",
)
