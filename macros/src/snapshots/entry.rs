fn main() -> ::std::process::ExitCode {
    async fn main() -> greenroom::Result {
        run().await
    }
    ::greenroom::__private::main(
        ::greenroom::__private::DEFAULT_SHUTDOWN,
        ::greenroom::__private::node_from_environment(),
        main(),
        |outcome| {
            #[allow(unused_imports)]
            use ::greenroom::__private::{
                OtherOutcome as _, OutcomeOfBoxedError as _, OutcomeOfError as _,
            };
            (&&&::greenroom::__private::MainOutcome(outcome)).with_causes()
        },
    )
}
fn main() -> ::std::process::ExitCode {
    async fn main() {}
    ::greenroom::__private::main(
        ::greenroom::__private::Shutdown::After(
            ::core::time::Duration::from_millis(10000u64),
        ),
        ::greenroom::__private::node_from_environment(),
        main(),
        |outcome| {
            #[allow(unused_imports)]
            use ::greenroom::__private::{
                OtherOutcome as _, OutcomeOfBoxedError as _, OutcomeOfError as _,
            };
            (&&&::greenroom::__private::MainOutcome(outcome)).with_causes()
        },
    )
}
#[::core::prelude::v1::test]
#[should_panic]
fn counts() {
    async fn counts() {}
    ::greenroom::__private::test(
        ::greenroom::__private::TestOptions {
            clock: ::greenroom::__private::TestClock::Real,
            expect_crash: false,
            time_limit: ::core::option::Option::None,
        },
        counts(),
    );
}
