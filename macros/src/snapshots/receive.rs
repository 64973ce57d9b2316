async fn run(&mut self, cx: &mut Context<Self>) {
    {
        let __after: ::core::option::Option<::core::time::Duration> = ::core::option::Option::Some(
            Duration::ZERO,
        );
        {
            use ::greenroom::__private::Receive as _;
            struct __Want;
            #[automatically_derived]
            impl ::greenroom::__private::Want for __Want {
                const NAMES: ::core::option::Option<&'static [&'static str]> = ::core::option::Option::Some(
                    &["Post", "Collect"],
                );
            }
            cx.__scan::<__Want>(__after)
        };
        let (__hit, __message) = loop {
            let __message = {
                use ::greenroom::__private::Receive as _;
                cx.__next().await
            };
            let ::core::option::Option::Some(__message) = __message else {
                break (::core::option::Option::None, ::core::option::Option::None);
            };
            #[allow(unused_mut)]
            let mut __hit: ::core::option::Option<usize> = ::core::option::Option::None;
            match __message {
                #[allow(unused_variables, unused_mut)]
                Mail::Post {
                    priority,
                    body,
                } if ::core::option::Option::is_none(&__hit) && (priority > self.urgent)
                    && {
                        __hit = ::core::option::Option::Some(0usize);
                        false
                    } => ::core::unreachable!(),
                #[allow(unused_variables, unused_mut)]
                Mail::Collect {
                    reply,
                } if ::core::option::Option::is_none(&__hit)
                    && {
                        __hit = ::core::option::Option::Some(1usize);
                        false
                    } => ::core::unreachable!(),
                _ => {}
            }
            if ::core::option::Option::is_some(&__hit) {
                {
                    use ::greenroom::__private::Receive as _;
                    cx.__take(&__message)
                };
                break (__hit, ::core::option::Option::Some(__message));
            }
            {
                use ::greenroom::__private::Receive as _;
                cx.__skip(__message)
            };
        };
        match (__hit, __message) {
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
