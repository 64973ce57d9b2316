pub(crate) enum Store<K: Ord, V> {
    Put { key: K, value: V },
    Get { key: K, reply: Reply<Option<V>> },
}
#[automatically_derived]
impl<K: Ord, V> ::greenroom::__private::Protocol for Store<K, V>
where
    K: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    V: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
{
    const NAME: &'static str = "Store";
    const VARIANTS: &'static [::greenroom::__private::Variant] = &[
        ::greenroom::__private::Variant {
            name: "Put",
            call: false,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Get",
            call: true,
            system: false,
            priority: false,
        },
    ];
    fn variant(&self) -> usize {
        match self {
            Self::Put { .. } => 0,
            Self::Get { .. } => 1,
        }
    }
    #[allow(unreachable_patterns)]
    fn mark_taken(&self) {
        match self {
            Self::Get { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            _ => {}
        }
    }
    fn show(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        #[allow(unused_imports)]
        use ::greenroom::__private::FieldWithoutDebug as _;
        match self {
            Self::Put { key: __field0, value: __field1 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Put");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "key",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "value",
                    ::greenroom::__private::FieldDebug(__field1).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Get { key: __field0, reply: __field1 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Get");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "key",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
                    ::greenroom::__private::FieldDebug(__field1).__debug(),
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
            Self::Put { key: __field0, value: __field1 } => {
                <K as ::greenroom::__private::RemoteField>::write(__field0, __encoder)?;
                <V as ::greenroom::__private::RemoteField>::write(__field1, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Get { key: __field0, reply: __field1 } => {
                <K as ::greenroom::__private::RemoteField>::write(__field0, __encoder)?;
                <Reply<
                    Option<V>,
                > as ::greenroom::__private::RemoteField>::write(__field1, __encoder)?;
                ::core::result::Result::Ok(())
            }
        }
    }
    fn decode(
        __variant: usize,
        __decoder: &mut ::greenroom::__private::Decoder<'_>,
    ) -> ::core::result::Result<Self, ::greenroom::__private::DecodeError> {
        match __variant {
            0 => {
                ::core::result::Result::Ok(Self::Put {
                    key: <K as ::greenroom::__private::RemoteField>::read(__decoder)?,
                    value: <V as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            1 => {
                ::core::result::Result::Ok(Self::Get {
                    key: <K as ::greenroom::__private::RemoteField>::read(__decoder)?,
                    reply: <Reply<
                        Option<V>,
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
        static DEFINITIONS: ::greenroom::__private::DefinitionCells = ::greenroom::__private::DefinitionCells::new();
        ::core::option::Option::Some(
            ::greenroom::__private::DefinitionCells::of::<Self>(&DEFINITIONS),
        )
    }
    fn record(__recorder: &mut ::greenroom::__private::DefinitionRecorder) {
        ::greenroom::__private::DefinitionRecorder::argument::<K>(__recorder);
        ::greenroom::__private::DefinitionRecorder::argument::<V>(__recorder);
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Put"]);
            <K as ::greenroom::__private::RemoteField>::record(__recorder, &["key"]);
            <V as ::greenroom::__private::RemoteField>::record(__recorder, &["value"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Get"]);
            <K as ::greenroom::__private::RemoteField>::record(__recorder, &["key"]);
            <Reply<
                Option<V>,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["reply"]);
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
                    "Put" => {
                        Self::Put {
                            key: <K as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["key"],
                            )?,
                            value: <V as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["value"],
                            )?,
                        }
                    }
                    "Get" => {
                        Self::Get {
                            key: <K as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["key"],
                            )?,
                            reply: <Reply<
                                Option<V>,
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
/// Stub of a process with the protocol [`Store`], on this node or another.
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub(crate) struct StoreRef<K: Ord, V>(
    ::greenroom::__private::Address<Store<K, V>>,
)
where
    K: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    V: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned;
#[allow(
    dead_code,
    private_interfaces,
    unreachable_pub,
    unused_qualifications,
    clippy::too_many_arguments
)]
impl<K: Ord, V> StoreRef<K, V>
where
    K: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    V: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
{
    /// Sends [`Store::Put`].
    #[inline]
    pub(crate) fn put(&self, key: K, value: V) -> ::greenroom::__private::Cast {
        ::greenroom::__private::Address::cast(
            &self.0,
            move || Store::Put {
                key: key,
                value: value,
            },
        )
    }
    /// Sends [`Store::Get`].
    #[inline]
    pub(crate) fn get(&self, key: K) -> ::greenroom::__private::Call<Option<V>> {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <Store<K, V> as ::greenroom::__private::Protocol>::NAME,
                    message: "Store::get",
                }
            },
            move |__reply| Store::Get {
                key: key,
                reply: __reply,
            },
        )
    }
}
#[automatically_derived]
impl<K: Ord, V> ::greenroom::__private::Stub for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    V: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    for<'m> Store<K, V>: ::greenroom::__private::SendMessage<'m>,
{
    type Protocol = Store<K, V>;
    fn __new(__address: ::greenroom::__private::Address<Self::Protocol>) -> Self {
        Self(__address)
    }
    fn __address(&self) -> &::greenroom::__private::Address<Self::Protocol> {
        &self.0
    }
}
#[automatically_derived]
impl<K: Ord, V> ::greenroom::__private::Stubbed for Store<K, V>
where
    K: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    V: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    for<'m> Store<K, V>: ::greenroom::__private::SendMessage<'m>,
{
    type Ref = StoreRef<K, V>;
}
#[automatically_derived]
impl<K: Ord, V> ::core::clone::Clone for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    V: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
{
    fn clone(&self) -> Self {
        Self(::core::clone::Clone::clone(&self.0))
    }
}
#[automatically_derived]
impl<K: Ord, V> ::core::cmp::PartialEq for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    V: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
{
    fn eq(&self, other: &Self) -> bool {
        ::core::cmp::PartialEq::eq(&self.0, &other.0)
    }
}
#[automatically_derived]
impl<K: Ord, V> ::core::cmp::Eq for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    V: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
{}
#[automatically_derived]
impl<K: Ord, V> ::core::hash::Hash for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    V: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
{
    fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
        ::core::hash::Hash::hash(&self.0, state);
    }
}
#[automatically_derived]
impl<K: Ord, V> ::core::fmt::Debug for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    V: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
{
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::fmt::Formatter::debug_tuple(f, "StoreRef").field(&self.0).finish()
    }
}
#[automatically_derived]
impl<K: Ord, V> ::greenroom::__private::Serialize for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    V: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
{
    fn serialize<S: ::greenroom::__private::Serializer>(
        &self,
        serializer: S,
    ) -> ::core::result::Result<S::Ok, S::Error> {
        ::greenroom::__private::Serialize::serialize(&self.0, serializer)
    }
}
#[automatically_derived]
impl<'de, K: Ord, V> ::greenroom::__private::Deserialize<'de> for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
    V: ::core::marker::Send + 'static + ::greenroom::__private::Serialize
        + ::greenroom::__private::DeserializeOwned,
{
    fn deserialize<D: ::greenroom::__private::Deserializer<'de>>(
        deserializer: D,
    ) -> ::core::result::Result<Self, D::Error> {
        ::core::result::Result::map(
            ::greenroom::__private::Deserialize::deserialize(deserializer),
            Self,
        )
    }
}
