enum Mail<'a> {
    Post { body: &'a str },
}
#[doc(hidden)]
#[allow(dead_code)]
struct MailRef(::core::marker::PhantomData<fn() -> ()>);
#[allow(dead_code)]
impl MailRef {
    fn post<__Arg0>(&self, _: __Arg0) -> ::greenroom::__private::Cast {
        ::core::unreachable!()
    }
}
::core::compile_error!(
    "a protocol cannot have a lifetime parameter\n= help: own the data, or share it in an `Arc`",
)
