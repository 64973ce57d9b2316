enum Job {
    Run(Box<dyn FnOnce() + Send>),
}
#[automatically_derived]
impl ::greenroom::__private::Protocol for Job {
    const NAME: &'static str = "Job";
    const VARIANTS: &'static [::greenroom::__private::Variant] = &[
        ::greenroom::__private::Variant {
            name: "Run",
            call: false,
            system: false,
            priority: false,
        },
    ];
    fn variant(&self) -> usize {
        match self {
            Self::Run { .. } => 0,
        }
    }
    fn show(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        #[allow(unused_imports)]
        use ::greenroom::__private::FieldWithoutDebug as _;
        match self {
            Self::Run { 0: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_tuple(__f, "Run");
                ::core::fmt::DebugTuple::field(
                    &mut __builder,
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugTuple::finish(&mut __builder)
            }
        }
    }
}
/// Stub of a process with the protocol [`Job`], on this node or another.
#[allow(dead_code, private_interfaces, unreachable_pub)]
struct JobRef(::greenroom::__private::Address<Job>);
#[allow(
    dead_code,
    private_interfaces,
    unreachable_pub,
    unused_qualifications,
    clippy::too_many_arguments
)]
impl JobRef {
    /// Sends [`Job::Run`].
    #[inline]
    fn run(&self, value: Box<dyn FnOnce() + Send>) -> ::greenroom::__private::Cast {
        ::greenroom::__private::Address::cast(&self.0, move || Job::Run { 0: value })
    }
}
#[automatically_derived]
impl ::greenroom::__private::Stub for JobRef
where
    for<'m> Job: ::greenroom::__private::SendMessage<'m>,
{
    type Protocol = Job;
    fn __new(__address: ::greenroom::__private::Address<Self::Protocol>) -> Self {
        Self(__address)
    }
    fn __address(&self) -> &::greenroom::__private::Address<Self::Protocol> {
        &self.0
    }
}
#[automatically_derived]
impl ::greenroom::__private::Stubbed for Job
where
    for<'m> Job: ::greenroom::__private::SendMessage<'m>,
{
    type Ref = JobRef;
}
#[automatically_derived]
impl ::core::clone::Clone for JobRef {
    fn clone(&self) -> Self {
        Self(::core::clone::Clone::clone(&self.0))
    }
}
#[automatically_derived]
impl ::core::cmp::PartialEq for JobRef {
    fn eq(&self, other: &Self) -> bool {
        ::core::cmp::PartialEq::eq(&self.0, &other.0)
    }
}
#[automatically_derived]
impl ::core::cmp::Eq for JobRef {}
#[automatically_derived]
impl ::core::hash::Hash for JobRef {
    fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
        ::core::hash::Hash::hash(&self.0, state);
    }
}
#[automatically_derived]
impl ::core::fmt::Debug for JobRef {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::fmt::Formatter::debug_tuple(f, "JobRef").field(&self.0).finish()
    }
}
#[automatically_derived]
impl ::greenroom::__private::Serialize for JobRef {
    fn serialize<S: ::greenroom::__private::Serializer>(
        &self,
        serializer: S,
    ) -> ::core::result::Result<S::Ok, S::Error> {
        ::greenroom::__private::Serialize::serialize(&self.0, serializer)
    }
}
#[automatically_derived]
impl<'de> ::greenroom::__private::Deserialize<'de> for JobRef {
    fn deserialize<D: ::greenroom::__private::Deserializer<'de>>(
        deserializer: D,
    ) -> ::core::result::Result<Self, D::Error> {
        ::core::result::Result::map(
            ::greenroom::__private::Deserialize::deserialize(deserializer),
            Self,
        )
    }
}
