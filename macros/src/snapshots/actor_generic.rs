struct Store<K, V> {
    entries: Vec<(K, V)>,
}
#[automatically_derived]
#[allow(clippy::needless_update)]
#[doc(hidden)]
impl<K, V> ::greenroom::__private::DeclaredActor for Store<K, V> {
    type ProtocolGiven = ();
    type Cast = ::greenroom::__private::Cast;
    const OPTIONS: ::greenroom::__private::Options = ::greenroom::__private::Options {
        kind: "Store",
        ..::greenroom::__private::Options::DEFAULT
    };
}
::greenroom::__private::if_net! {
    #[automatically_derived] #[doc(hidden)] impl < K, V > ::greenroom::__private::Export
    for Store < K, V > where Store < K, V > : ::greenroom::__private::RemoteConstructor <
    Actor = Store < K, V > > { fn __export < __E : ::greenroom::__private::AddExport >
    (exports : & mut __E) { #[allow(unused_imports)] use ::greenroom::__private:: {
    NoConstructors as _, NotExported as _ }; ::greenroom::__private::ExportProbe:: < Self
    > ::new().__export(exports); < Self > ::__export_constructors(exports); } }
}
impl<K: Ord, V> Store<K, V> {
    fn get(&self, key: K) -> Option<V> {
        self.find(key)
    }
}
/// The messages of the actor [`Store`].
#[allow(
    missing_docs,
    dead_code,
    private_interfaces,
    unreachable_pub,
    rustdoc::private_intra_doc_links
)]
pub(crate) enum StoreMessage<K: Ord, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
{
    /// Handled by `Store::get`.
    Get { key: K, reply: ::greenroom::__private::Reply<Option<V>> },
    #[doc(hidden)]
    __Unused(::core::convert::Infallible, ::core::marker::PhantomData<fn() -> (K, V)>),
}
#[automatically_derived]
impl<K: Ord, V> ::greenroom::__private::Protocol for StoreMessage<K, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
{
    const NAME: &'static str = "StoreMessage";
    const VARIANTS: &'static [::greenroom::__private::Variant] = &[
        ::greenroom::__private::Variant {
            name: "Get",
            call: true,
            system: false,
            priority: false,
        },
    ];
    fn variant(&self) -> usize {
        match self {
            Self::Get { .. } => 0,
            Self::__Unused(__never, _) => match *__never {}
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
            Self::__Unused(__never, _) => match *__never {}
        }
    }
}
/// Stub of the actor [`Store`], on this node or another.
#[allow(rustdoc::private_intra_doc_links)]
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub(crate) struct StoreRef<K: Ord, V>(
    ::greenroom::__private::Address<StoreMessage<K, V>>,
)
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static;
#[allow(
    dead_code,
    private_interfaces,
    unreachable_pub,
    unused_qualifications,
    clippy::too_many_arguments
)]
impl<K: Ord, V> StoreRef<K, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
{
    /// Handled by `Store::get`.
    #[inline]
    fn get(&self, key: K) -> ::greenroom::__private::Call<Option<V>> {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <StoreMessage<
                        K,
                        V,
                    > as ::greenroom::__private::Protocol>::NAME,
                    message: "Store::get",
                }
            },
            move |__reply| StoreMessage::Get {
                key: key,
                reply: __reply,
            },
        )
    }
}
#[automatically_derived]
impl<K: Ord, V> ::greenroom::__private::Stub for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    for<'m> StoreMessage<K, V>: ::greenroom::__private::SendMessage<'m>,
{
    type Protocol = StoreMessage<K, V>;
    fn __new(__address: ::greenroom::__private::Address<Self::Protocol>) -> Self {
        Self(__address)
    }
    fn __address(&self) -> &::greenroom::__private::Address<Self::Protocol> {
        &self.0
    }
}
#[automatically_derived]
impl<K: Ord, V> ::greenroom::__private::Stubbed for StoreMessage<K, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    for<'m> StoreMessage<K, V>: ::greenroom::__private::SendMessage<'m>,
{
    type Ref = StoreRef<K, V>;
}
#[automatically_derived]
impl<K: Ord, V> ::core::clone::Clone for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
{
    fn clone(&self) -> Self {
        Self(::core::clone::Clone::clone(&self.0))
    }
}
#[automatically_derived]
impl<K: Ord, V> ::core::cmp::PartialEq for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
{
    fn eq(&self, other: &Self) -> bool {
        ::core::cmp::PartialEq::eq(&self.0, &other.0)
    }
}
#[automatically_derived]
impl<K: Ord, V> ::core::cmp::Eq for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
{}
#[automatically_derived]
impl<K: Ord, V> ::core::hash::Hash for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
{
    fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
        ::core::hash::Hash::hash(&self.0, state);
    }
}
#[automatically_derived]
impl<K: Ord, V> ::core::fmt::Debug for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
{
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::fmt::Formatter::debug_tuple(f, "StoreRef").field(&self.0).finish()
    }
}
#[automatically_derived]
impl<K: Ord, V> ::greenroom::__private::Serialize for StoreRef<K, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
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
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
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
#[automatically_derived]
impl<K: Ord, V> ::greenroom::__private::Actor for Store<K, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
    for<'m> StoreMessage<K, V>: ::greenroom::__private::SendMessage<'m>,
{
    type Protocol = StoreMessage<K, V>;
    #[doc(hidden)]
    const OPTIONS: ::greenroom::__private::Options = ::greenroom::__private::no_protocol_given::<
        <Store<K, V> as ::greenroom::__private::DeclaredActor>::ProtocolGiven,
    >(<Store<K, V> as ::greenroom::__private::DeclaredActor>::OPTIONS);
    fn __type_name() -> ::std::string::String {
        ::greenroom::__private::generic_name(
            "Store",
            &[::core::any::type_name::<K>(), ::core::any::type_name::<V>()],
        )
    }
    fn __name(&self) -> ::core::option::Option<::std::string::String> {
        <Store<K, V> as ::greenroom::__private::DeclaredActor>::name(self)
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
impl<K: Ord, V> ::greenroom::__private::Handle for Store<K, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
{
    const STATE: ::core::option::Option<::greenroom::__private::StateFn<Self>> = <Store<
        K,
        V,
    > as ::greenroom::__private::DeclaredActor>::STATE;
    fn handle_now(
        &mut self,
        cx: &mut ::greenroom::__private::Context<Self>,
        __message: StoreMessage<K, V>,
    ) -> ::core::result::Result<
        ::core::result::Result<(), ::greenroom::__private::Exit>,
        StoreMessage<K, V>,
    > {
        ::core::result::Result::Ok(
            match __message {
                StoreMessage::Get { key: __field0, reply: __reply } => {
                    let __answer = Self::get(self, __field0);
                    ::greenroom::__private::Reply::send(__reply, __answer);
                    ::core::result::Result::Ok(())
                }
                StoreMessage::__Unused(__never, _) => match __never {}
            },
        )
    }
}
#[automatically_derived]
#[allow(deprecated)]
impl<K: Ord, V> ::greenroom::__private::Process for Store<K, V>
where
    K: ::core::marker::Send + 'static,
    V: ::core::marker::Send + 'static,
{
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
