#[cfg(unix)]
enum Mail {
    Post { body: String, #[cfg(feature = "priorities")] priority: u8 },
    #[cfg(feature = "ticks")]
    #[deprecated]
    Tick,
    #[cfg(feature = "watch")]
    Down(Down),
}
#[cfg(unix)]
#[automatically_derived]
#[allow(deprecated)]
impl ::greenroom::__private::Protocol for Mail {
    const NAME: &'static str = "Mail";
    const VARIANTS: &'static [::greenroom::__private::Variant] = &[
        ::greenroom::__private::Variant {
            name: "Post",
            call: false,
            system: false,
            priority: false,
        },
        #[cfg(feature = "ticks")]
        ::greenroom::__private::Variant {
            name: "Tick",
            call: false,
            system: false,
            priority: false,
        },
        #[cfg(feature = "watch")]
        ::greenroom::__private::Variant {
            name: "Down",
            call: false,
            system: true,
            priority: false,
        },
    ];
    fn variant(&self) -> usize {
        #[allow(dead_code)]
        enum __Index {
            Post,
            #[cfg(feature = "ticks")]
            Tick,
            #[cfg(feature = "watch")]
            Down,
        }
        match self {
            Self::Post { .. } => __Index::Post as usize,
            #[cfg(feature = "ticks")]
            Self::Tick { .. } => __Index::Tick as usize,
            #[cfg(feature = "watch")]
            Self::Down { .. } => __Index::Down as usize,
        }
    }
    fn from_system(
        __system: &mut ::greenroom::__private::System<'_>,
    ) -> ::core::option::Option<Self> {
        #[cfg(feature = "watch")]
        if let ::core::option::Option::Some(__message) = ::greenroom::__private::System::take::<
            Down,
        >(__system) {
            return ::core::option::Option::Some(Self::Down { 0: __message });
        }
        ::core::option::Option::None
    }
    fn as_system(&self) -> ::core::option::Option<&dyn ::core::any::Any> {
        match self {
            Self::Post { .. } => ::core::option::Option::None,
            #[cfg(feature = "ticks")]
            Self::Tick { .. } => ::core::option::Option::None,
            #[cfg(feature = "watch")]
            Self::Down { 0: __message } => ::core::option::Option::Some(__message),
        }
    }
    fn show(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        #[allow(unused_imports)]
        use ::greenroom::__private::FieldWithoutDebug as _;
        match self {
            Self::Post {
                body: __field0,
                #[cfg(feature = "priorities")]
                priority: __field1,
            } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Post");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "body",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                #[cfg(feature = "priorities")]
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "priority",
                    ::greenroom::__private::FieldDebug(__field1).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            #[cfg(feature = "ticks")]
            Self::Tick { .. } => ::core::fmt::Formatter::write_str(__f, "Tick"),
            #[cfg(feature = "watch")]
            Self::Down { 0: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_tuple(__f, "Down");
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
            Self::Post {
                body: __field0,
                #[cfg(feature = "priorities")]
                priority: __field1,
            } => {
                <String as ::greenroom::__private::RemoteField>::write(
                    __field0,
                    __encoder,
                )?;
                #[cfg(feature = "priorities")]
                <u8 as ::greenroom::__private::RemoteField>::write(__field1, __encoder)?;
                ::core::result::Result::Ok(())
            }
            #[cfg(feature = "ticks")]
            Self::Tick {} => ::core::result::Result::Ok(()),
            #[cfg(feature = "watch")]
            Self::Down { .. } => {
                ::core::result::Result::Err(::greenroom::__private::EncodeError::Local)
            }
        }
    }
    fn decode(
        __variant: usize,
        __decoder: &mut ::greenroom::__private::Decoder<'_>,
    ) -> ::core::result::Result<Self, ::greenroom::__private::DecodeError> {
        #[allow(dead_code)]
        enum __Index {
            Post,
            #[cfg(feature = "ticks")]
            Tick,
            #[cfg(feature = "watch")]
            Down,
        }
        match __variant {
            __index if __index == __Index::Post as usize => {
                ::core::result::Result::Ok(Self::Post {
                    body: <String as ::greenroom::__private::RemoteField>::read(
                        __decoder,
                    )?,
                    #[cfg(feature = "priorities")]
                    priority: <u8 as ::greenroom::__private::RemoteField>::read(
                        __decoder,
                    )?,
                })
            }
            #[cfg(feature = "ticks")]
            __index if __index == __Index::Tick as usize => {
                ::core::result::Result::Ok(Self::Tick {})
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
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Post"]);
            <String as ::greenroom::__private::RemoteField>::record(
                __recorder,
                &["body"],
            );
            #[cfg(feature = "priorities")]
            <u8 as ::greenroom::__private::RemoteField>::record(
                __recorder,
                &["priority"],
            );
        }
        #[cfg(feature = "ticks")]
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Tick"]);
        }
        #[cfg(feature = "watch")]
        ::greenroom::__private::DefinitionRecorder::local_variant(__recorder, &["Down"]);
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
                    "Post" => {
                        Self::Post {
                            body: <String as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["body"],
                            )?,
                            #[cfg(feature = "priorities")]
                            priority: <u8 as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["priority"],
                            )?,
                        }
                    }
                    #[cfg(feature = "ticks")]
                    "Tick" => Self::Tick {},
                    _ => return ::core::result::Result::Ok(::core::option::Option::None),
                },
            ),
        )
    }
}
#[cfg(unix)]
#[cfg(feature = "watch")]
#[automatically_derived]
#[allow(deprecated)]
impl ::core::convert::From<Down> for Mail {
    fn from(value: Down) -> Self {
        Self::Down { 0: value }
    }
}
#[cfg(unix)]
#[cfg(feature = "watch")]
#[automatically_derived]
#[allow(deprecated)]
impl ::greenroom::__private::Receives<Down> for Mail {
    const __ONLY_PROTOCOL_IMPLEMENTS_IT: () = ();
}
#[cfg(unix)]
/// Stub of a process with the protocol [`Mail`], on this node or another.
#[allow(dead_code, private_interfaces, unreachable_pub)]
struct MailRef(::greenroom::__private::Address<Mail>);
#[cfg(unix)]
#[allow(
    dead_code,
    private_interfaces,
    unreachable_pub,
    unused_qualifications,
    clippy::too_many_arguments
)]
#[allow(deprecated)]
impl MailRef {
    /// Sends [`Mail::Post`].
    #[inline]
    fn post(
        &self,
        body: String,
        #[cfg(feature = "priorities")]
        priority: u8,
    ) -> ::greenroom::__private::Cast {
        ::greenroom::__private::Address::cast(
            &self.0,
            move || Mail::Post {
                body: body,
                #[cfg(feature = "priorities")]
                priority: priority,
            },
        )
    }
    #[cfg(feature = "ticks")]
    #[deprecated]
    /// Sends [`Mail::Tick`].
    #[inline]
    fn tick(&self) -> ::greenroom::__private::Cast {
        ::greenroom::__private::Address::cast(&self.0, move || Mail::Tick {})
    }
}
#[cfg(unix)]
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
#[cfg(unix)]
#[automatically_derived]
impl ::greenroom::__private::Stubbed for Mail
where
    for<'m> Mail: ::greenroom::__private::SendMessage<'m>,
{
    type Ref = MailRef;
}
#[cfg(unix)]
#[automatically_derived]
impl ::core::clone::Clone for MailRef {
    fn clone(&self) -> Self {
        Self(::core::clone::Clone::clone(&self.0))
    }
}
#[cfg(unix)]
#[automatically_derived]
impl ::core::cmp::PartialEq for MailRef {
    fn eq(&self, other: &Self) -> bool {
        ::core::cmp::PartialEq::eq(&self.0, &other.0)
    }
}
#[cfg(unix)]
#[automatically_derived]
impl ::core::cmp::Eq for MailRef {}
#[cfg(unix)]
#[automatically_derived]
impl ::core::hash::Hash for MailRef {
    fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
        ::core::hash::Hash::hash(&self.0, state);
    }
}
#[cfg(unix)]
#[automatically_derived]
impl ::core::fmt::Debug for MailRef {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::fmt::Formatter::debug_tuple(f, "MailRef").field(&self.0).finish()
    }
}
#[cfg(unix)]
#[automatically_derived]
impl ::greenroom::__private::Serialize for MailRef {
    fn serialize<S: ::greenroom::__private::Serializer>(
        &self,
        serializer: S,
    ) -> ::core::result::Result<S::Ok, S::Error> {
        ::greenroom::__private::Serialize::serialize(&self.0, serializer)
    }
}
#[cfg(unix)]
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
