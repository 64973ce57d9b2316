enum Mail<'a> {
    Post { body: &'a str },
}
#[doc(hidden)]
#[allow(dead_code)]
struct MailRef(::core::marker::PhantomData<fn() -> ()>);
#[allow(dead_code)]
impl MailRef {
    fn post<__Part0>(&self, _: __Part0) -> ::greenroom::__private::Cast {
        ::core::unreachable!()
    }
}
::core::compile_error!(
    "a protocol cannot borrow: it outlives every lifetime; own the data, or share it by `Arc`",
)
