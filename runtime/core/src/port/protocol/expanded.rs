/// The protocol of every port: see [`Port`](crate::Port).
pub enum PortMessage {
    /// Writes bytes to the program's standard input: [`PortRef::send`].
    #[doc(hidden)]
    Write {
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Closes the program's standard input after the writes that were sent before. Later writes are lost, and counted.
    ///
    /// A program that reads its input to the end, such as `sort`, writes its result then and exits. Erlang's ports have no
    /// counterpart.
    CloseInput,
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::greenroom::__private::Protocol for PortMessage {
    const NAME: &'static str = "PortMessage";
    const VARIANTS: &'static [::greenroom::__private::Variant] = &[
        ::greenroom::__private::Variant {
            name: "Write",
            call: false,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "CloseInput",
            call: false,
            system: false,
            priority: false,
        },
    ];
    fn variant(&self) -> usize {
        match self {
            Self::Write { .. } => 0,
            Self::CloseInput { .. } => 1,
        }
    }
    fn show(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        #[allow(unused_imports)]
        use ::greenroom::__private::FieldWithoutDebug as _;
        match self {
            Self::Write { bytes: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Write");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "bytes",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::CloseInput { .. } => {
                ::core::fmt::Formatter::write_str(__f, "CloseInput")
            }
        }
    }
    fn encode(
        &self,
        __encoder: &mut ::greenroom::__private::Encoder<'_>,
    ) -> ::core::result::Result<(), ::greenroom::__private::EncodeError> {
        match self {
            Self::Write { bytes: __field0 } => {
                <Vec<
                    u8,
                > as ::greenroom::__private::RemoteField>::write(__field0, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::CloseInput {} => ::core::result::Result::Ok(()),
        }
    }
    fn decode(
        __variant: usize,
        __decoder: &mut ::greenroom::__private::Decoder<'_>,
    ) -> ::core::result::Result<Self, ::greenroom::__private::DecodeError> {
        match __variant {
            0 => {
                ::core::result::Result::Ok(Self::Write {
                    bytes: <Vec<
                        u8,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            1 => ::core::result::Result::Ok(Self::CloseInput {}),
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
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Write"]);
            <Vec<
                u8,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["bytes"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(
                __recorder,
                &["CloseInput"],
            );
        }
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
                    "Write" => {
                        Self::Write {
                            bytes: <Vec<
                                u8,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["bytes"],
                            )?,
                        }
                    }
                    "CloseInput" => Self::CloseInput {},
                    _ => return ::core::result::Result::Ok(::core::option::Option::None),
                },
            ),
        )
    }
}
/// Stub of a process with the protocol [`PortMessage`], on this node or another.
///
/// The protocol of every port: see [`Port`](crate::Port).
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct PortRef(::greenroom::__private::Address<PortMessage>);
#[allow(
    dead_code,
    private_interfaces,
    unreachable_pub,
    unused_qualifications,
    clippy::too_many_arguments
)]
impl PortRef {
    /// Writes bytes to the program's standard input: [`PortRef::send`].
    #[doc(hidden)]
    #[inline]
    pub fn write(&self, bytes: Vec<u8>) -> ::greenroom::__private::Cast {
        ::greenroom::__private::Address::cast(
            &self.0,
            move || PortMessage::Write { bytes: bytes },
        )
    }
    /// Closes the program's standard input after the writes that were sent before. Later writes are lost, and counted.
    ///
    /// A program that reads its input to the end, such as `sort`, writes its result then and exits. Erlang's ports have no
    /// counterpart.
    #[inline]
    pub fn close_input(&self) -> ::greenroom::__private::Cast {
        ::greenroom::__private::Address::cast(
            &self.0,
            move || PortMessage::CloseInput {},
        )
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::greenroom::__private::Stub for PortRef
where
    for<'m> PortMessage: ::greenroom::__private::SendMessage<'m>,
{
    type Protocol = PortMessage;
    fn __new(__address: ::greenroom::__private::Address<Self::Protocol>) -> Self {
        Self(__address)
    }
    fn __address(&self) -> &::greenroom::__private::Address<Self::Protocol> {
        &self.0
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::greenroom::__private::Stubbed for PortMessage
where
    for<'m> PortMessage: ::greenroom::__private::SendMessage<'m>,
{
    type Ref = PortRef;
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::core::clone::Clone for PortRef {
    fn clone(&self) -> Self {
        Self(::core::clone::Clone::clone(&self.0))
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::core::cmp::PartialEq for PortRef {
    fn eq(&self, other: &Self) -> bool {
        ::core::cmp::PartialEq::eq(&self.0, &other.0)
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::core::cmp::Eq for PortRef {}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::core::hash::Hash for PortRef {
    fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
        ::core::hash::Hash::hash(&self.0, state);
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::core::fmt::Debug for PortRef {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::fmt::Formatter::debug_tuple(f, "PortRef").field(&self.0).finish()
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::greenroom::__private::Serialize for PortRef {
    fn serialize<S: ::greenroom::__private::Serializer>(
        &self,
        serializer: S,
    ) -> ::core::result::Result<S::Ok, S::Error> {
        ::greenroom::__private::Serialize::serialize(&self.0, serializer)
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl<'de> ::greenroom::__private::Deserialize<'de> for PortRef {
    fn deserialize<D: ::greenroom::__private::Deserializer<'de>>(
        deserializer: D,
    ) -> ::core::result::Result<Self, D::Error> {
        ::core::result::Result::map(
            ::greenroom::__private::Deserialize::deserialize(deserializer),
            Self,
        )
    }
}
