async fn run(&mut self, cx: &mut Context<Self>) {
    {
        let __after: ::core::option::Option<::core::time::Duration> = ::core::option::Option::Some(
            ::greenroom::__private::AfterTime::remaining(
                Duration::ZERO,
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
                    priority,
                    body,
                } if ::core::option::Option::is_none(&__matched)
                    && (priority > self.urgent)
                    && {
                        __matched = ::core::option::Option::Some(0usize);
                        false
                    } => ::core::unreachable!(),
                #[allow(unused_variables, unused_mut)]
                Mail::Collect {
                    reply,
                } if ::core::option::Option::is_none(&__matched)
                    && {
                        __matched = ::core::option::Option::Some(1usize);
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
                &["Post", "Collect"],
            );
        }
        match (__matched, __message) {
            (
                ::core::option::Option::Some(0usize),
                ::core::option::Option::Some(Mail::Post { priority, body }),
            ) if {
                let _ = &priority;
                true
            } => letters.push(body),
            (
                ::core::option::Option::Some(1usize),
                ::core::option::Option::Some(Mail::Collect { reply }),
            ) => return reply,
            (::core::option::Option::None, ::core::option::Option::None) => break,
            _ => ::core::unreachable!(),
        }
    }
}
