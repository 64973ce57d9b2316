/// The messages of a mail sorter.
///
/// In two paragraphs.
pub enum Mail {
    /// Adds a letter.
    Post { priority: u8, body: String },
    Forward(MailRef, String),
    /// Removes and returns all letters.
    Collect { reply: Reply<Vec<String>> },
    Move,
    /// A monitored process has exited.
    Down(Down),
}
#[automatically_derived]
impl ::greenroom::__private::Protocol for Mail {
    const NAME: &'static str = "Mail";
    const VERSION: u32 = 2;
    const VARIANTS: &'static [::greenroom::__private::Variant] = &[
        ::greenroom::__private::Variant {
            name: "Post",
            call: false,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Forward",
            call: false,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Collect",
            call: true,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Move",
            call: false,
            system: false,
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
            Self::Forward { .. } => 1,
            Self::Collect { .. } => 2,
            Self::Move { .. } => 3,
            Self::Down { .. } => 4,
        }
    }
    fn from_system(
        __system: &mut ::greenroom::__private::System<'_>,
    ) -> ::core::option::Option<Self> {
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
            Self::Forward { .. } => ::core::option::Option::None,
            Self::Collect { .. } => ::core::option::Option::None,
            Self::Move { .. } => ::core::option::Option::None,
            Self::Down { 0: __message } => ::core::option::Option::Some(__message),
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
            Self::Post { priority: __field0, body: __field1 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Post");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "priority",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "body",
                    ::greenroom::__private::FieldDebug(__field1).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Forward { 0: __field0, 1: __field1 } => {
                let mut __builder = ::core::fmt::Formatter::debug_tuple(__f, "Forward");
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
            Self::Collect { reply: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Collect");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Move { .. } => ::core::fmt::Formatter::write_str(__f, "Move"),
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
            Self::Post { priority: __field0, body: __field1 } => {
                <u8 as ::greenroom::__private::RemoteField>::write(__field0, __encoder)?;
                <String as ::greenroom::__private::RemoteField>::write(
                    __field1,
                    __encoder,
                )?;
                ::core::result::Result::Ok(())
            }
            Self::Forward { 0: __field0, 1: __field1 } => {
                <MailRef as ::greenroom::__private::RemoteField>::write(
                    __field0,
                    __encoder,
                )?;
                <String as ::greenroom::__private::RemoteField>::write(
                    __field1,
                    __encoder,
                )?;
                ::core::result::Result::Ok(())
            }
            Self::Collect { reply: __field0 } => {
                <Reply<
                    Vec<String>,
                > as ::greenroom::__private::RemoteField>::write(__field0, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Move {} => ::core::result::Result::Ok(()),
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
            0 => {
                ::core::result::Result::Ok(Self::Post {
                    priority: <u8 as ::greenroom::__private::RemoteField>::read(
                        __decoder,
                    )?,
                    body: <String as ::greenroom::__private::RemoteField>::read(
                        __decoder,
                    )?,
                })
            }
            1 => {
                ::core::result::Result::Ok(Self::Forward {
                    0: <MailRef as ::greenroom::__private::RemoteField>::read(
                        __decoder,
                    )?,
                    1: <String as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            2 => {
                ::core::result::Result::Ok(Self::Collect {
                    reply: <Reply<
                        Vec<String>,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            3 => ::core::result::Result::Ok(Self::Move {}),
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
            <u8 as ::greenroom::__private::RemoteField>::record(
                __recorder,
                &["priority"],
            );
            <String as ::greenroom::__private::RemoteField>::record(
                __recorder,
                &["body"],
            );
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(
                __recorder,
                &["Forward"],
            );
            <MailRef as ::greenroom::__private::RemoteField>::record(__recorder, &["0"]);
            <String as ::greenroom::__private::RemoteField>::record(__recorder, &["1"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(
                __recorder,
                &["Collect"],
            );
            <Reply<
                Vec<String>,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["reply"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Move"]);
        }
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
                            priority: <u8 as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["priority"],
                            )?,
                            body: <String as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["body"],
                            )?,
                        }
                    }
                    "Forward" => {
                        Self::Forward {
                            0: <MailRef as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["0"],
                            )?,
                            1: <String as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["1"],
                            )?,
                        }
                    }
                    "Collect" => {
                        Self::Collect {
                            reply: <Reply<
                                Vec<String>,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["reply"],
                            )?,
                        }
                    }
                    "Move" => Self::Move {},
                    _ => return ::core::result::Result::Ok(::core::option::Option::None),
                },
            ),
        )
    }
}
#[automatically_derived]
impl ::core::convert::From<Down> for Mail {
    fn from(value: Down) -> Self {
        Self::Down { 0: value }
    }
}
#[automatically_derived]
impl ::greenroom::__private::Receives<Down> for Mail {
    const __ONLY_PROTOCOL_IMPLEMENTS_IT: () = ();
}
/// Stub of a process with the protocol [`Mail`], on this node or another.
///
/// The messages of a mail sorter.
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct MailRef(::greenroom::__private::Address<Mail>);
#[allow(
    dead_code,
    private_interfaces,
    unreachable_pub,
    unused_qualifications,
    clippy::too_many_arguments
)]
impl MailRef {
    /// Adds a letter.
    #[inline]
    pub fn post(&self, priority: u8, body: String) -> ::greenroom::__private::Cast {
        ::greenroom::__private::Address::cast(
            &self.0,
            move || Mail::Post {
                priority: priority,
                body: body,
            },
        )
    }
    /// Sends [`Mail::Forward`].
    #[inline]
    pub fn forward(&self, arg0: MailRef, arg1: String) -> ::greenroom::__private::Cast {
        ::greenroom::__private::Address::cast(
            &self.0,
            move || Mail::Forward { 0: arg0, 1: arg1 },
        )
    }
    /// Removes and returns all letters.
    #[inline]
    pub fn collect(&self) -> ::greenroom::__private::Call<Vec<String>> {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <Mail as ::greenroom::__private::Protocol>::NAME,
                    message: "Mail::collect",
                }
            },
            |__reply| Mail::Collect { reply: __reply },
        )
    }
    /// Sends [`Mail::Move`].
    #[inline]
    pub fn r#move(&self) -> ::greenroom::__private::Cast {
        ::greenroom::__private::Address::cast(&self.0, move || Mail::Move {})
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
