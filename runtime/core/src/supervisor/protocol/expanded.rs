use std::any::Any;
use std::sync::Arc;
use crate::base::{Down, ExitSignal, Pid};
use crate::call::{Recipient, Reply};
use crate::supervisor::child::UnboundSpec;
use crate::supervisor::plan::PendingRetry;
use crate::supervisor::protocol::local_only::LocalOnly;
use crate::supervisor::{
    ChildCount, ChildError, ChildEvent, ChildId, ChildInfo, SupervisorInfo,
};
/// The protocol of every supervisor.
///
/// [`TreeStub`](crate::TreeStub) has a method for each request. After OTP's
/// [`supervisor`](https://www.erlang.org/doc/apps/stdlib/supervisor.html).
pub enum Supervision {
    /// Lists the children in start order, as OTP's `which_children`.
    Children {
        /// Receives the children.
        reply: Reply<Vec<ChildInfo>>,
    },
    /// Counts the children, as OTP's `count_children`.
    Count {
        /// Receives the numbers.
        reply: Reply<ChildCount>,
    },
    /// Describes the supervisor and its children. [`TreeStub::describe`](crate::TreeStub::describe) describes a whole
    /// tree.
    Info {
        /// Receives the description.
        reply: Reply<SupervisorInfo>,
    },
    /// Sends the events of the children to a process.
    #[doc(hidden)]
    Subscribe {
        /// The process.
        subscriber: Recipient<ChildEvent>,
        /// Receives the result.
        reply: Reply<Result<(), ChildError>>,
    },
    /// Stops a child. Its spec is kept, unless the child is temporary.
    Terminate {
        /// The child.
        child: ChildId,
        /// Receives the result when the child is gone.
        reply: Reply<Result<(), ChildError>>,
    },
    /// Starts a child that is down.
    Restart {
        /// The child.
        child: ChildId,
        /// Receives the process, or `None` if the child ended normally in its `init`.
        reply: Reply<Result<Option<Pid>, ChildError>>,
    },
    /// Removes a child that is down.
    Delete {
        /// The child.
        child: ChildId,
        /// Receives the result.
        reply: Reply<Result<(), ChildError>>,
    },
    /// Looks up the cell of a child.
    #[doc(hidden)]
    Find {
        /// The child.
        child: ChildId,
        /// Receives the cell.
        reply: Reply<Result<LocalOnly<Arc<dyn Any + Send + Sync>>, ChildError>>,
    },
    /// Adds a child and starts it.
    #[doc(hidden)]
    Add {
        /// Makes the child's spec.
        unbound: LocalOnly<UnboundSpec>,
        /// Receives the process, or `None` if the child ended normally in its `init`.
        reply: Reply<Result<Option<Pid>, ChildError>>,
    },
    /// Retries a restart. The supervisor sends it to itself.
    #[doc(hidden)]
    Retry {
        /// The restart.
        retry: LocalOnly<PendingRetry>,
    },
    /// Reports the exit of a child, or of the supervisor's parent.
    Exit(ExitSignal),
    /// Reports the exit of a subscriber.
    Down(Down),
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::greenroom::__private::Protocol for Supervision {
    const NAME: &'static str = "Supervision";
    const IS_SUPERVISION: bool = true;
    const VARIANTS: &'static [::greenroom::__private::Variant] = &[
        ::greenroom::__private::Variant {
            name: "Children",
            call: true,
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
            name: "Info",
            call: true,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Subscribe",
            call: true,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Terminate",
            call: true,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Restart",
            call: true,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Delete",
            call: true,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Find",
            call: true,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Add",
            call: true,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Retry",
            call: false,
            system: false,
            priority: false,
        },
        ::greenroom::__private::Variant {
            name: "Exit",
            call: false,
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
            Self::Children { .. } => 0,
            Self::Count { .. } => 1,
            Self::Info { .. } => 2,
            Self::Subscribe { .. } => 3,
            Self::Terminate { .. } => 4,
            Self::Restart { .. } => 5,
            Self::Delete { .. } => 6,
            Self::Find { .. } => 7,
            Self::Add { .. } => 8,
            Self::Retry { .. } => 9,
            Self::Exit { .. } => 10,
            Self::Down { .. } => 11,
        }
    }
    fn from_system(
        __system: &mut ::greenroom::__private::System<'_>,
    ) -> ::core::option::Option<Self> {
        if let ::core::option::Option::Some(__message) = ::greenroom::__private::System::take::<
            ExitSignal,
        >(__system) {
            return ::core::option::Option::Some(Self::Exit { 0: __message });
        }
        if let ::core::option::Option::Some(__message) = ::greenroom::__private::System::take::<
            Down,
        >(__system) {
            return ::core::option::Option::Some(Self::Down { 0: __message });
        }
        ::core::option::Option::None
    }
    fn as_system(&self) -> ::core::option::Option<&dyn ::core::any::Any> {
        match self {
            Self::Children { .. } => ::core::option::Option::None,
            Self::Count { .. } => ::core::option::Option::None,
            Self::Info { .. } => ::core::option::Option::None,
            Self::Subscribe { .. } => ::core::option::Option::None,
            Self::Terminate { .. } => ::core::option::Option::None,
            Self::Restart { .. } => ::core::option::Option::None,
            Self::Delete { .. } => ::core::option::Option::None,
            Self::Find { .. } => ::core::option::Option::None,
            Self::Add { .. } => ::core::option::Option::None,
            Self::Retry { .. } => ::core::option::Option::None,
            Self::Exit { 0: __message } => ::core::option::Option::Some(__message),
            Self::Down { 0: __message } => ::core::option::Option::Some(__message),
        }
    }
    #[allow(unreachable_patterns)]
    fn mark_taken(&self) {
        match self {
            Self::Children { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            Self::Count { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            Self::Info { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            Self::Subscribe { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            Self::Terminate { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            Self::Restart { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            Self::Delete { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            Self::Find { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            Self::Add { reply: __reply, .. } => {
                ::greenroom::__private::Reply::mark_taken(__reply)
            }
            _ => {}
        }
    }
    fn show(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        #[allow(unused_imports)]
        use ::greenroom::__private::FieldWithoutDebug as _;
        match self {
            Self::Children { reply: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(
                    __f,
                    "Children",
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
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
            Self::Info { reply: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Info");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Subscribe { subscriber: __field0, reply: __field1 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(
                    __f,
                    "Subscribe",
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "subscriber",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
                    ::greenroom::__private::FieldDebug(__field1).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Terminate { child: __field0, reply: __field1 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(
                    __f,
                    "Terminate",
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "child",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
                    ::greenroom::__private::FieldDebug(__field1).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Restart { child: __field0, reply: __field1 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Restart");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "child",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
                    ::greenroom::__private::FieldDebug(__field1).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Delete { child: __field0, reply: __field1 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Delete");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "child",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
                    ::greenroom::__private::FieldDebug(__field1).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Find { child: __field0, reply: __field1 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Find");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "child",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
                    ::greenroom::__private::FieldDebug(__field1).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Add { unbound: __field0, reply: __field1 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Add");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "unbound",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "reply",
                    ::greenroom::__private::FieldDebug(__field1).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Retry { retry: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_struct(__f, "Retry");
                ::core::fmt::DebugStruct::field(
                    &mut __builder,
                    "retry",
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugStruct::finish(&mut __builder)
            }
            Self::Exit { 0: __field0 } => {
                let mut __builder = ::core::fmt::Formatter::debug_tuple(__f, "Exit");
                ::core::fmt::DebugTuple::field(
                    &mut __builder,
                    ::greenroom::__private::FieldDebug(__field0).__debug(),
                );
                ::core::fmt::DebugTuple::finish(&mut __builder)
            }
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
            Self::Children { reply: __field0 } => {
                <Reply<
                    Vec<ChildInfo>,
                > as ::greenroom::__private::RemoteField>::write(__field0, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Count { reply: __field0 } => {
                <Reply<
                    ChildCount,
                > as ::greenroom::__private::RemoteField>::write(__field0, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Info { reply: __field0 } => {
                <Reply<
                    SupervisorInfo,
                > as ::greenroom::__private::RemoteField>::write(__field0, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Subscribe { subscriber: __field0, reply: __field1 } => {
                <Recipient<
                    ChildEvent,
                > as ::greenroom::__private::RemoteField>::write(__field0, __encoder)?;
                <Reply<
                    Result<(), ChildError>,
                > as ::greenroom::__private::RemoteField>::write(__field1, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Terminate { child: __field0, reply: __field1 } => {
                <ChildId as ::greenroom::__private::RemoteField>::write(
                    __field0,
                    __encoder,
                )?;
                <Reply<
                    Result<(), ChildError>,
                > as ::greenroom::__private::RemoteField>::write(__field1, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Restart { child: __field0, reply: __field1 } => {
                <ChildId as ::greenroom::__private::RemoteField>::write(
                    __field0,
                    __encoder,
                )?;
                <Reply<
                    Result<Option<Pid>, ChildError>,
                > as ::greenroom::__private::RemoteField>::write(__field1, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Delete { child: __field0, reply: __field1 } => {
                <ChildId as ::greenroom::__private::RemoteField>::write(
                    __field0,
                    __encoder,
                )?;
                <Reply<
                    Result<(), ChildError>,
                > as ::greenroom::__private::RemoteField>::write(__field1, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Find { child: __field0, reply: __field1 } => {
                <ChildId as ::greenroom::__private::RemoteField>::write(
                    __field0,
                    __encoder,
                )?;
                <Reply<
                    Result<LocalOnly<Arc<dyn Any + Send + Sync>>, ChildError>,
                > as ::greenroom::__private::RemoteField>::write(__field1, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Add { unbound: __field0, reply: __field1 } => {
                <LocalOnly<
                    UnboundSpec,
                > as ::greenroom::__private::RemoteField>::write(__field0, __encoder)?;
                <Reply<
                    Result<Option<Pid>, ChildError>,
                > as ::greenroom::__private::RemoteField>::write(__field1, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Retry { retry: __field0 } => {
                <LocalOnly<
                    PendingRetry,
                > as ::greenroom::__private::RemoteField>::write(__field0, __encoder)?;
                ::core::result::Result::Ok(())
            }
            Self::Exit { .. } => {
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
            0 => {
                ::core::result::Result::Ok(Self::Children {
                    reply: <Reply<
                        Vec<ChildInfo>,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            1 => {
                ::core::result::Result::Ok(Self::Count {
                    reply: <Reply<
                        ChildCount,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            2 => {
                ::core::result::Result::Ok(Self::Info {
                    reply: <Reply<
                        SupervisorInfo,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            3 => {
                ::core::result::Result::Ok(Self::Subscribe {
                    subscriber: <Recipient<
                        ChildEvent,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                    reply: <Reply<
                        Result<(), ChildError>,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            4 => {
                ::core::result::Result::Ok(Self::Terminate {
                    child: <ChildId as ::greenroom::__private::RemoteField>::read(
                        __decoder,
                    )?,
                    reply: <Reply<
                        Result<(), ChildError>,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            5 => {
                ::core::result::Result::Ok(Self::Restart {
                    child: <ChildId as ::greenroom::__private::RemoteField>::read(
                        __decoder,
                    )?,
                    reply: <Reply<
                        Result<Option<Pid>, ChildError>,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            6 => {
                ::core::result::Result::Ok(Self::Delete {
                    child: <ChildId as ::greenroom::__private::RemoteField>::read(
                        __decoder,
                    )?,
                    reply: <Reply<
                        Result<(), ChildError>,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            7 => {
                ::core::result::Result::Ok(Self::Find {
                    child: <ChildId as ::greenroom::__private::RemoteField>::read(
                        __decoder,
                    )?,
                    reply: <Reply<
                        Result<LocalOnly<Arc<dyn Any + Send + Sync>>, ChildError>,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            8 => {
                ::core::result::Result::Ok(Self::Add {
                    unbound: <LocalOnly<
                        UnboundSpec,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                    reply: <Reply<
                        Result<Option<Pid>, ChildError>,
                    > as ::greenroom::__private::RemoteField>::read(__decoder)?,
                })
            }
            9 => {
                ::core::result::Result::Ok(Self::Retry {
                    retry: <LocalOnly<
                        PendingRetry,
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
            ::greenroom::__private::DefinitionRecorder::variant(
                __recorder,
                &["Children"],
            );
            <Reply<
                Vec<ChildInfo>,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["reply"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Count"]);
            <Reply<
                ChildCount,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["reply"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Info"]);
            <Reply<
                SupervisorInfo,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["reply"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(
                __recorder,
                &["Subscribe"],
            );
            <Recipient<
                ChildEvent,
            > as ::greenroom::__private::RemoteField>::record(
                __recorder,
                &["subscriber"],
            );
            <Reply<
                Result<(), ChildError>,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["reply"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(
                __recorder,
                &["Terminate"],
            );
            <ChildId as ::greenroom::__private::RemoteField>::record(
                __recorder,
                &["child"],
            );
            <Reply<
                Result<(), ChildError>,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["reply"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(
                __recorder,
                &["Restart"],
            );
            <ChildId as ::greenroom::__private::RemoteField>::record(
                __recorder,
                &["child"],
            );
            <Reply<
                Result<Option<Pid>, ChildError>,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["reply"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Delete"]);
            <ChildId as ::greenroom::__private::RemoteField>::record(
                __recorder,
                &["child"],
            );
            <Reply<
                Result<(), ChildError>,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["reply"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Find"]);
            <ChildId as ::greenroom::__private::RemoteField>::record(
                __recorder,
                &["child"],
            );
            <Reply<
                Result<LocalOnly<Arc<dyn Any + Send + Sync>>, ChildError>,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["reply"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Add"]);
            <LocalOnly<
                UnboundSpec,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["unbound"]);
            <Reply<
                Result<Option<Pid>, ChildError>,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["reply"]);
        }
        {
            ::greenroom::__private::DefinitionRecorder::variant(__recorder, &["Retry"]);
            <LocalOnly<
                PendingRetry,
            > as ::greenroom::__private::RemoteField>::record(__recorder, &["retry"]);
        }
        ::greenroom::__private::DefinitionRecorder::local_variant(__recorder, &["Exit"]);
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
                    "Children" => {
                        Self::Children {
                            reply: <Reply<
                                Vec<ChildInfo>,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["reply"],
                            )?,
                        }
                    }
                    "Count" => {
                        Self::Count {
                            reply: <Reply<
                                ChildCount,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["reply"],
                            )?,
                        }
                    }
                    "Info" => {
                        Self::Info {
                            reply: <Reply<
                                SupervisorInfo,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["reply"],
                            )?,
                        }
                    }
                    "Subscribe" => {
                        Self::Subscribe {
                            subscriber: <Recipient<
                                ChildEvent,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["subscriber"],
                            )?,
                            reply: <Reply<
                                Result<(), ChildError>,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["reply"],
                            )?,
                        }
                    }
                    "Terminate" => {
                        Self::Terminate {
                            child: <ChildId as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["child"],
                            )?,
                            reply: <Reply<
                                Result<(), ChildError>,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["reply"],
                            )?,
                        }
                    }
                    "Restart" => {
                        Self::Restart {
                            child: <ChildId as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["child"],
                            )?,
                            reply: <Reply<
                                Result<Option<Pid>, ChildError>,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["reply"],
                            )?,
                        }
                    }
                    "Delete" => {
                        Self::Delete {
                            child: <ChildId as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["child"],
                            )?,
                            reply: <Reply<
                                Result<(), ChildError>,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["reply"],
                            )?,
                        }
                    }
                    "Find" => {
                        Self::Find {
                            child: <ChildId as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["child"],
                            )?,
                            reply: <Reply<
                                Result<LocalOnly<Arc<dyn Any + Send + Sync>>, ChildError>,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["reply"],
                            )?,
                        }
                    }
                    "Add" => {
                        Self::Add {
                            unbound: <LocalOnly<
                                UnboundSpec,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["unbound"],
                            )?,
                            reply: <Reply<
                                Result<Option<Pid>, ChildError>,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["reply"],
                            )?,
                        }
                    }
                    "Retry" => {
                        Self::Retry {
                            retry: <LocalOnly<
                                PendingRetry,
                            > as ::greenroom::__private::RemoteField>::take(
                                __fields,
                                &["retry"],
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
#[diagnostic::do_not_recommend]
impl ::core::convert::From<ExitSignal> for Supervision {
    fn from(value: ExitSignal) -> Self {
        Self::Exit { 0: value }
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::greenroom::__private::Receives<ExitSignal> for Supervision {
    const __ONLY_PROTOCOL_IMPLEMENTS_IT: () = ();
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::core::convert::From<Down> for Supervision {
    fn from(value: Down) -> Self {
        Self::Down { 0: value }
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::greenroom::__private::Receives<Down> for Supervision {
    const __ONLY_PROTOCOL_IMPLEMENTS_IT: () = ();
}
/// Stub of a process with the protocol [`Supervision`], on this node or another.
///
/// The protocol of every supervisor.
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct SupervisionRef(::greenroom::__private::Address<Supervision>);
#[allow(
    dead_code,
    private_interfaces,
    unreachable_pub,
    unused_qualifications,
    clippy::too_many_arguments
)]
impl SupervisionRef {
    /// Lists the children in start order, as OTP's `which_children`.
    #[inline]
    pub fn children(&self) -> ::greenroom::__private::Call<Vec<ChildInfo>> {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <Supervision as ::greenroom::__private::Protocol>::NAME,
                    message: "Supervision::children",
                }
            },
            |__reply| Supervision::Children {
                reply: __reply,
            },
        )
    }
    /// Counts the children, as OTP's `count_children`.
    #[inline]
    pub fn count(&self) -> ::greenroom::__private::Call<ChildCount> {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <Supervision as ::greenroom::__private::Protocol>::NAME,
                    message: "Supervision::count",
                }
            },
            |__reply| Supervision::Count {
                reply: __reply,
            },
        )
    }
    /// Describes the supervisor and its children. [`TreeStub::describe`](crate::TreeStub::describe) describes a whole
    /// tree.
    #[inline]
    pub fn info(&self) -> ::greenroom::__private::Call<SupervisorInfo> {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <Supervision as ::greenroom::__private::Protocol>::NAME,
                    message: "Supervision::info",
                }
            },
            |__reply| Supervision::Info {
                reply: __reply,
            },
        )
    }
    /// Sends the events of the children to a process.
    #[doc(hidden)]
    #[inline]
    pub fn subscribe(
        &self,
        subscriber: Recipient<ChildEvent>,
    ) -> ::greenroom::__private::Call<Result<(), ChildError>> {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <Supervision as ::greenroom::__private::Protocol>::NAME,
                    message: "Supervision::subscribe",
                }
            },
            move |__reply| Supervision::Subscribe {
                subscriber: subscriber,
                reply: __reply,
            },
        )
    }
    /// Stops a child. Its spec is kept, unless the child is temporary.
    #[inline]
    pub fn terminate(
        &self,
        child: ChildId,
    ) -> ::greenroom::__private::Call<Result<(), ChildError>> {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <Supervision as ::greenroom::__private::Protocol>::NAME,
                    message: "Supervision::terminate",
                }
            },
            move |__reply| Supervision::Terminate {
                child: child,
                reply: __reply,
            },
        )
    }
    /// Starts a child that is down.
    #[inline]
    pub fn restart(
        &self,
        child: ChildId,
    ) -> ::greenroom::__private::Call<Result<Option<Pid>, ChildError>> {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <Supervision as ::greenroom::__private::Protocol>::NAME,
                    message: "Supervision::restart",
                }
            },
            move |__reply| Supervision::Restart {
                child: child,
                reply: __reply,
            },
        )
    }
    /// Removes a child that is down.
    #[inline]
    pub fn delete(
        &self,
        child: ChildId,
    ) -> ::greenroom::__private::Call<Result<(), ChildError>> {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <Supervision as ::greenroom::__private::Protocol>::NAME,
                    message: "Supervision::delete",
                }
            },
            move |__reply| Supervision::Delete {
                child: child,
                reply: __reply,
            },
        )
    }
    /// Looks up the cell of a child.
    #[doc(hidden)]
    #[inline]
    pub fn find(
        &self,
        child: ChildId,
    ) -> ::greenroom::__private::Call<
        Result<LocalOnly<Arc<dyn Any + Send + Sync>>, ChildError>,
    > {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <Supervision as ::greenroom::__private::Protocol>::NAME,
                    message: "Supervision::find",
                }
            },
            move |__reply| Supervision::Find {
                child: child,
                reply: __reply,
            },
        )
    }
    /// Adds a child and starts it.
    #[doc(hidden)]
    #[inline]
    pub fn add(
        &self,
        unbound: LocalOnly<UnboundSpec>,
    ) -> ::greenroom::__private::Call<Result<Option<Pid>, ChildError>> {
        ::greenroom::__private::Address::call(
            &self.0,
            const {
                &::greenroom::__private::CallName {
                    protocol: <Supervision as ::greenroom::__private::Protocol>::NAME,
                    message: "Supervision::add",
                }
            },
            move |__reply| Supervision::Add {
                unbound: unbound,
                reply: __reply,
            },
        )
    }
    /// Retries a restart. The supervisor sends it to itself.
    #[doc(hidden)]
    #[inline]
    pub fn retry(&self, retry: LocalOnly<PendingRetry>) -> ::greenroom::__private::Cast {
        ::greenroom::__private::Address::cast(
            &self.0,
            move || Supervision::Retry { retry: retry },
        )
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::greenroom::__private::Stub for SupervisionRef
where
    for<'m> Supervision: ::greenroom::__private::SendMessage<'m>,
{
    type Protocol = Supervision;
    fn __new(__address: ::greenroom::__private::Address<Self::Protocol>) -> Self {
        Self(__address)
    }
    fn __address(&self) -> &::greenroom::__private::Address<Self::Protocol> {
        &self.0
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::greenroom::__private::Stubbed for Supervision
where
    for<'m> Supervision: ::greenroom::__private::SendMessage<'m>,
{
    type Ref = SupervisionRef;
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::core::clone::Clone for SupervisionRef {
    fn clone(&self) -> Self {
        Self(::core::clone::Clone::clone(&self.0))
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::core::cmp::PartialEq for SupervisionRef {
    fn eq(&self, other: &Self) -> bool {
        ::core::cmp::PartialEq::eq(&self.0, &other.0)
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::core::cmp::Eq for SupervisionRef {}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::core::hash::Hash for SupervisionRef {
    fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
        ::core::hash::Hash::hash(&self.0, state);
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::core::fmt::Debug for SupervisionRef {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::fmt::Formatter::debug_tuple(f, "SupervisionRef").field(&self.0).finish()
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl ::greenroom::__private::Serialize for SupervisionRef {
    fn serialize<S: ::greenroom::__private::Serializer>(
        &self,
        serializer: S,
    ) -> ::core::result::Result<S::Ok, S::Error> {
        ::greenroom::__private::Serialize::serialize(&self.0, serializer)
    }
}
#[automatically_derived]
#[diagnostic::do_not_recommend]
impl<'de> ::greenroom::__private::Deserialize<'de> for SupervisionRef {
    fn deserialize<D: ::greenroom::__private::Deserializer<'de>>(
        deserializer: D,
    ) -> ::core::result::Result<Self, D::Error> {
        ::core::result::Result::map(
            ::greenroom::__private::Deserialize::deserialize(deserializer),
            Self,
        )
    }
}
