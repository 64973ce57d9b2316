fn main() -> ::std::process::ExitCode {
    async fn main() -> greenroom::Result {
        run().await
    }
    ::greenroom::__private::main(main())
}
#[::core::prelude::v1::test]
#[should_panic]
fn counts() {
    async fn counts() {}
    ::greenroom::__private::test(::greenroom::__private::TestClock::Real, counts());
}
