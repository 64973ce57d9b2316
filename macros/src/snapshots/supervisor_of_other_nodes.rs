struct Farm {
    worker: NodeName,
}
/// Stub of the tree [`Farm`], with a stub for each child.
#[allow(dead_code, private_interfaces, unreachable_pub)]
struct FarmRef {
    #[doc(hidden)]
    __supervisor: ::greenroom::__private::SupervisorRef,
    #[doc(hidden)]
    preview: ::greenroom::__private::StoredStub,
    #[doc(hidden)]
    jobs: ::greenroom::__private::Dynamic<
        Render,
        ::greenroom::__private::Elsewhere<::greenroom::__private::OneShot>,
    >,
}
#[allow(dead_code, private_interfaces, unreachable_pub)]
impl FarmRef {
    /// The stub of the child `preview`. It follows the child across restarts.
    fn preview(&self) -> ::greenroom::__private::ChildStub<Render> {
        ::greenroom::__private::StoredStub::get(&self.preview)
    }
    /// The stub of the child `jobs`. It follows the child across restarts.
    fn jobs(
        &self,
    ) -> ::greenroom::__private::Dynamic<
        Render,
        ::greenroom::__private::Elsewhere<::greenroom::__private::OneShot>,
    > {
        ::core::clone::Clone::clone(&self.jobs)
    }
}
#[automatically_derived]
impl ::core::clone::Clone for FarmRef {
    fn clone(&self) -> Self {
        Self {
            __supervisor: ::core::clone::Clone::clone(&self.__supervisor),
            preview: ::core::clone::Clone::clone(&self.preview),
            jobs: ::core::clone::Clone::clone(&self.jobs),
        }
    }
}
#[automatically_derived]
impl ::core::fmt::Debug for FarmRef {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        let mut __builder = ::core::fmt::Formatter::debug_struct(f, "FarmRef");
        __builder.field("preview", &self.preview);
        __builder.field("jobs", &self.jobs);
        __builder.finish()
    }
}
#[automatically_derived]
impl ::greenroom::__private::TreeStub for FarmRef {
    fn supervisor(&self) -> &::greenroom::__private::SupervisorRef {
        &self.__supervisor
    }
}
#[automatically_derived]
#[allow(clippy::needless_update)]
impl ::greenroom::__private::Tree for Farm {
    type Ref = FarmRef;
    const NAME: &'static str = "Farm";
    const OPTIONS: ::greenroom::__private::SupervisorOptions = ::greenroom::__private::SupervisorOptions {
        ..::greenroom::__private::SupervisorOptions::DEFAULT
    };
    fn stubs(__cells: &::greenroom::__private::ChildCells) -> FarmRef {
        FarmRef {
            __supervisor: ::greenroom::__private::ChildCells::supervisor(__cells),
            preview: <Render as ::greenroom::__private::Child>::stored_stub(
                __cells,
                "preview",
            ),
            jobs: ::greenroom::__private::Dynamic::<
                Render,
                ::greenroom::__private::Elsewhere<::greenroom::__private::OneShot>,
            >::__new(
                __cells,
                "jobs",
                ::greenroom::__private::ChildOptions {
                    restart: ::greenroom::__private::Restart::Temporary,
                    ..::greenroom::__private::ChildOptions::DEFAULT
                },
            ),
        }
    }
    fn add_children(
        __this: &::std::sync::Arc<Self>,
        __children: &mut ::greenroom::__private::Children,
    ) {
        <Render as ::greenroom::__private::Child>::add_constructed(
            __children,
            "preview",
            ::greenroom::__private::ChildOptions {
                ..::greenroom::__private::ChildOptions::DEFAULT
            },
            __this,
            Self::__start_preview,
        );
        <Render as ::greenroom::__private::Child>::add_dynamic(
            __children,
            "jobs",
            ::greenroom::__private::SupervisorOptions {
                ..::greenroom::__private::SupervisorOptions::DEFAULT
            },
        );
        ::greenroom::__private::need_net! {
            "`on`"::greenroom::__private::Children::place(__children, "jobs", __this,
            Self::__on_jobs)
        };
    }
}
#[allow(clippy::unused_self)]
impl Farm {
    #[doc(hidden)]
    #[allow(unused_variables)]
    fn __start_preview(
        &self,
        __cells: &::greenroom::__private::ChildCells,
    ) -> impl ::greenroom::__private::Constructor<Actor = Render> + use<> {
        ::greenroom::__private::need_net! {
            "`on`" { let __node = self.__on_preview(); ::greenroom::__private::placed:: <
            Render > (__node, { #[allow(unused_imports)] use ::greenroom::__private:: {
            DefaultProbeChild as _, DefaultProbeOther as _ }; (&
            ::greenroom::__private::DefaultProbe:: < Render > ::NEW).__make() }) }
        }
    }
    #[doc(hidden)]
    fn __on_preview(&self) -> ::std::string::String {
        ::greenroom::__private::need_net! {
            "`on`"::greenroom::__private::child_node(self.worker.clone())
        }
    }
    #[doc(hidden)]
    fn __on_jobs(&self) -> ::std::string::String {
        ::greenroom::__private::need_net! {
            "`on`"::greenroom::__private::child_node(least_loaded())
        }
    }
}
::greenroom::__private::if_net! {
    #[automatically_derived] #[doc(hidden)] impl ::greenroom::__private::Export for Farm
    where for < 'a > Farm : ::greenroom::__private::ExportedTree < 'a >, { fn __export <
    __E : ::greenroom::__private::AddExport > (exports : & mut __E) {
    ::greenroom::__private::export_tree:: < Self > (exports); } }
}
