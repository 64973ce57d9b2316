async fn run(&mut self, cx: &mut Context<Self>) {
    {
        let __after: ::core::option::Option<::core::time::Duration> = ::core::option::Option::None;
        ::greenroom::__private::Receive::__scan::<
            __Want,
        >(
            {
                use ::greenroom::__private::Receiver as _;
                self.mailbox.__receiver()
            },
            __after,
        );
        let (__matched, __message) = loop {
            let __message = '__found: {
                if let ::core::option::Option::Some(__message) = ::greenroom::__private::Receive::__saved({
                    use ::greenroom::__private::Receiver as _;
                    self.mailbox.__receiver()
                }) {
                    break '__found ::core::option::Option::Some(__message);
                }
                ::greenroom::__private::Receive::__next({
                        use ::greenroom::__private::Receiver as _;
                        self.mailbox.__receiver()
                    })
                    .await
            };
            let ::core::option::Option::Some(__message) = __message else {
                break (::core::option::Option::None, ::core::option::Option::None);
            };
            #[allow(unused_mut)]
            let mut __matched: ::core::option::Option<usize> = ::core::option::Option::None;
            match __message {
                #[cfg(unix)]
                #[allow(unused_variables, unused_mut)]
                Mail::Pair(
                    x,
                    _,
                ) if ::core::option::Option::is_none(&__matched) && (x > 10)
                    && {
                        __matched = ::core::option::Option::Some(0usize);
                        false
                    } => ::core::unreachable!(),
                #[cfg(unix)]
                #[allow(unused_variables, unused_mut)]
                Mail::Pair(
                    _,
                    x,
                ) if ::core::option::Option::is_none(&__matched) && (x > 10)
                    && {
                        __matched = ::core::option::Option::Some(1usize);
                        false
                    } => ::core::unreachable!(),
                #[allow(unused_variables, unused_mut)]
                Mail::Post {
                    body,
                    ..
                } if ::core::option::Option::is_none(&__matched)
                    && let Some(n) = number(&body) && n > 3
                    && {
                        __matched = ::core::option::Option::Some(2usize);
                        false
                    } => ::core::unreachable!(),
                #[allow(unused_variables, unused_mut)]
                message if ::core::option::Option::is_none(&__matched)
                    && {
                        __matched = ::core::option::Option::Some(3usize);
                        false
                    } => ::core::unreachable!(),
                _ => {}
            }
            if ::core::option::Option::is_some(&__matched) {
                ::greenroom::__private::Receive::__take(
                    {
                        use ::greenroom::__private::Receiver as _;
                        self.mailbox.__receiver()
                    },
                    &__message,
                );
                break (__matched, ::core::option::Option::Some(__message));
            }
            ::greenroom::__private::Receive::__skip(
                {
                    use ::greenroom::__private::Receiver as _;
                    self.mailbox.__receiver()
                },
                __message,
            );
        };
        struct __Want;
        #[automatically_derived]
        impl ::greenroom::__private::Want for __Want {
            const NAMES: ::core::option::Option<&'static [&'static str]> = ::core::option::Option::Some(
                &[#[cfg(unix)] "Pair", #[cfg(unix)] "Pair", "Post", "message"],
            );
        }
        match (__matched, __message) {
            #[cfg(unix)]
            (
                ::core::option::Option::Some(0usize),
                ::core::option::Option::Some(Mail::Pair(x, _)),
            )
            | (
                ::core::option::Option::Some(1usize),
                ::core::option::Option::Some(Mail::Pair(_, x)),
            ) if {
                let _ = &x;
                true
            } => x,
            (
                ::core::option::Option::Some(2usize),
                ::core::option::Option::Some(Mail::Post { body, .. }),
            ) if let Some(n) = number(&body) && n > 3 => n,
            (
                ::core::option::Option::Some(3usize),
                ::core::option::Option::Some(message),
            ) => other(message),
            _ => ::core::unreachable!(),
        }
    }
}
