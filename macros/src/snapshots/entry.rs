fn main() -> ::std::process::ExitCode {
    async fn main() -> greenroom::Result {
        run().await
    }
    ::greenroom::__private::main(::greenroom::__private::DEFAULT_SHUTDOWN, main())
}
fn main() -> ::std::process::ExitCode {
    async fn main() {}
    ::greenroom::__private::main(
        ::greenroom::__private::Shutdown::After(
            ::core::time::Duration::from_millis(10000u64),
        ),
        main(),
    )
}
#[::core::prelude::v1::test]
#[should_panic]
fn counts() {
    async fn counts() {}
    ::greenroom::__private::test(::greenroom::__private::TestClock::Real, counts());
}
