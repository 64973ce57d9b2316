async fn run(&mut self, cx: &mut Context<Self>) {
    {
        let __after: ::core::option::Option<::core::time::Duration> = ::core::option::Option::Some(
            ::greenroom::__private::AfterTime::remaining(
                ::core::time::Duration::ZERO,
                || ::greenroom::__private::Receive::__now({
                    use ::greenroom::__private::Receiver as _;
                    cx.__receiver()
                }),
            ),
        );
        ::greenroom::__private::Receive::__scan::<
            __Want,
        >(
            {
                use ::greenroom::__private::Receiver as _;
                cx.__receiver()
            },
            __after,
        );
        let (__matched, __message) = loop {
            let __message = '__found: {
                if let ::core::option::Option::Some(__message) = ::greenroom::__private::Receive::__saved({
                    use ::greenroom::__private::Receiver as _;
                    cx.__receiver()
                }) {
                    break '__found ::core::option::Option::Some(__message);
                }
                ::greenroom::__private::Receive::__next({
                        use ::greenroom::__private::Receiver as _;
                        cx.__receiver()
                    })
                    .await
            };
            let ::core::option::Option::Some(__message) = __message else {
                break (::core::option::Option::None, ::core::option::Option::None);
            };
            #[allow(unused_mut)]
            let mut __matched: ::core::option::Option<usize> = ::core::option::Option::None;
            match __message {
                #[allow(unused_variables, unused_mut)]
                Mail::Post {
                    body,
                    ..
                } if ::core::option::Option::is_none(&__matched)
                    && {
                        __matched = ::core::option::Option::Some(0usize);
                        false
                    } => ::core::unreachable!(),
                _ => {}
            }
            if ::core::option::Option::is_some(&__matched) {
                ::greenroom::__private::Receive::__take(
                    {
                        use ::greenroom::__private::Receiver as _;
                        cx.__receiver()
                    },
                    &__message,
                );
                break (__matched, ::core::option::Option::Some(__message));
            }
            ::greenroom::__private::Receive::__skip(
                {
                    use ::greenroom::__private::Receiver as _;
                    cx.__receiver()
                },
                __message,
            );
        };
        struct __Want;
        #[automatically_derived]
        impl ::greenroom::__private::Want for __Want {
            const NAMES: ::core::option::Option<&'static [&'static str]> = ::core::option::Option::Some(
                &["Post"],
            );
        }
        match (__matched, __message) {
            (
                ::core::option::Option::Some(0usize),
                ::core::option::Option::Some(Mail::Post { body, .. }),
            ) => body,
            (::core::option::Option::None, ::core::option::Option::None) => late(),
            _ => {
                ::core::compile_error!(
                    "`after!` must be the last arm\n= help: move it to the end",
                )
                ::core::compile_error!(
                    "`after!` expects a duration\n= help: write `after!(Duration::from_secs(1))`",
                )
                ::core::compile_error!(
                    "a guard cannot contain `.await`\n= help: move it to the body of the arm, or before the `receive!`",
                )
                ::core::unreachable!()
            }
        }
    }
}
