//! Snapshots of the expansions: the files in `snapshots/`.
//!
//! `UPDATE_EXPECT=1 cargo test -p greenroom-macros --lib` writes them.

use expect_test::{ExpectFile, expect_file};
use proc_macro2::TokenStream;
use quote::quote;

fn check(generated: TokenStream, expected: &ExpectFile) {
    let file: syn::File = syn::parse2(generated).expect("the expansion should be a list of items");
    expected.assert_eq(&prettyplease::unparse(&file));
}

/// The runtime cannot use the macros, which are compiled beside it. It contains the expansions of its two protocols.
#[test]
fn protocol_of_supervisors() {
    let written = include_str!("../../runtime/core/src/supervisor/protocol/written.rs");
    let generated = runtime_protocol(written, |item| {
        item.items.insert(
            1,
            syn::parse_quote!(
                const IS_SUPERVISION: bool = true;
            ),
        );
    });
    check(generated, &expect_file!["../../runtime/core/src/supervisor/protocol/expanded.rs"]);
}

/// The stub of `PortMessage` is named like the stub of an actor `Port`.
#[test]
fn protocol_of_ports() {
    let generated = runtime_protocol(include_str!("../../runtime/core/src/port/protocol/written.rs"), |_| {});
    let file: syn::File = syn::parse2(generated).expect("the expansion should be a list of items");
    let text = prettyplease::unparse(&file).replace("PortMessageRef", "PortRef");
    expect_file!["../../runtime/core/src/port/protocol/expanded.rs"].assert_eq(&text);
}

/// Expands the protocol in a file of the runtime. `change` changes its `impl Protocol`.
fn runtime_protocol(written: &str, change: impl Fn(&mut syn::ItemImpl)) -> TokenStream {
    let file = syn::parse_file(written).expect("the file should be Rust");
    let generated = file.items.into_iter().map(|item| match item {
        syn::Item::Enum(mut item) => {
            assert!(
                crate::syntax::attr::take(&mut item.attrs, "protocol").is_some(),
                "the enum should have `#[protocol]`"
            );
            let expanded = crate::protocol::protocol(quote!(), quote!(#item));
            let mut expanded: syn::File = syn::parse2(expanded).expect("the expansion should be a list of items");
            for item in &mut expanded.items {
                let syn::Item::Impl(item) = item else { continue };
                let Some((path, _)) = &item.trait_ else { continue };
                let is_protocol = path.segments.last().unwrap().ident == "Protocol";
                // rustc lists the types that implement a trait when another type lacks it. This one would not help.
                item.attrs.push(syn::parse_quote!(#[diagnostic::do_not_recommend]));
                if is_protocol {
                    change(item);
                }
            }
            quote!(#expanded)
        }
        other => quote!(#other),
    });
    generated.collect()
}

#[test]
fn protocol() {
    let item = quote! {
        /// The messages of a mail sorter.
        ///
        /// In two paragraphs.
        pub enum Mail {
            /// Adds a letter.
            Post { priority: u8, body: String },
            Forward(MailRef, String),
            /// Removes and returns all letters.
            Collect { reply: Reply<Vec<String>> },
            Move,
            /// A monitored process has exited.
            #[from]
            Down(Down),
        }
    };
    check(crate::protocol::protocol(quote!(version = 2), item), &expect_file!["snapshots/protocol.rs"]);
}

#[test]
fn protocol_local() {
    let item = quote! {
        enum Job {
            Run(Box<dyn FnOnce() + Send>),
        }
    };
    check(crate::protocol::protocol(quote!(local), item), &expect_file!["snapshots/protocol_local.rs"]);
}

#[test]
fn protocol_generic() {
    let item = quote! {
        pub(crate) enum Store<K: Ord, V> {
            Put { key: K, value: V },
            Get { key: K, reply: Reply<Option<V>> },
        }
    };
    check(crate::protocol::protocol(quote!(), item), &expect_file!["snapshots/protocol_generic.rs"]);
}

#[test]
fn protocol_with_features() {
    let item = quote! {
        #[cfg(unix)]
        enum Mail {
            Post {
                body: String,
                #[cfg(feature = "priorities")]
                priority: u8,
            },
            #[cfg(feature = "ticks")]
            #[deprecated]
            Tick,
            #[cfg(feature = "watch")]
            #[from]
            Down(Down),
        }
    };
    check(crate::protocol::protocol(quote!(), item), &expect_file!["snapshots/protocol_with_features.rs"]);
}

#[test]
fn protocol_with_mistakes() {
    let item = quote! {
        enum Mail {
            Post { body: &str },
            Collect { reply: Reply<u8>, again: Reply<u8> },
            #[from]
            Down(Down, u8),
        }
    };
    check(crate::protocol::protocol(quote!(locale), item), &expect_file!["snapshots/protocol_with_mistakes.rs"]);
}

#[test]
fn protocol_with_lifetimes() {
    let item = quote! {
        enum Mail<'a> {
            Post { body: &'a str },
        }
    };
    check(crate::protocol::protocol(quote!(), item), &expect_file!["snapshots/protocol_with_lifetimes.rs"]);
}

#[test]
fn actor_with_a_protocol() {
    let item = quote! {
        /// Sorts letters by priority.
        struct Sorter {
            urgent: u8,
        }
    };
    check(
        crate::actor::actor(
            quote!(protocol = Mail, name = "sorter", trap_exit, mailbox = 1024, overflow = drop_oldest),
            item,
        ),
        &expect_file!["snapshots/actor_with_a_protocol.rs"],
    );
}

#[test]
fn actor_with_methods() {
    let mut generated = crate::actor::actor(
        quote!(),
        quote!(
            struct Counter {
                count: u64,
            }
        ),
    );
    generated.extend(crate::actor::actor(
        quote!(),
        quote! {
            impl Counter {
                /// Adds `n`.
                #[cast]
                #[priority]
                pub fn add(&mut self, n: u64) {
                    self.count += n;
                }

                #[cast]
                async fn set(&mut self, to: u64, cx: &mut Context<Self>) -> Result<(), Exit> {
                    self.check(to, cx).await
                }

                /// Returns the count.
                #[call]
                fn count(&self) -> u64 {
                    self.count
                }

                #[call]
                fn later(&mut self, at: u64, reply: Reply<u64>) {
                    self.waiting.push((at, reply));
                }

                fn plain(&self) {}

                #[init]
                async fn open(&mut self) -> std::io::Result<()> {
                    self.file().await
                }

                #[continue_with]
                fn warm(&mut self) {}

                #[every("30s")]
                async fn flush(&mut self, cx: &mut Context<Self>) {}

                #[idle("1m")]
                fn rest(&mut self) {}

                #[terminate(after_panic)]
                fn close(&mut self, reason: &Exit) {}

                #[down]
                fn ended(&mut self, down: Down) {}

                #[exit]
                fn exit(&mut self, signal: ExitSignal) {}

                #[node_event]
                fn node(&mut self, event: NodeEvent) {}
            }
        },
    ));
    check(generated, &expect_file!["snapshots/actor_with_methods.rs"]);
}

#[test]
fn actor_generic() {
    let mut generated = crate::actor::actor(
        quote!(),
        quote!(
            struct Store<K, V> {
                entries: Vec<(K, V)>,
            }
        ),
    );
    generated.extend(crate::actor::actor(
        quote!(local),
        quote! {
            impl<K: Ord, V> Store<K, V> {
                #[call]
                fn get(&self, key: K) -> Option<V> {
                    self.find(key)
                }
            }
        },
    ));
    check(generated, &expect_file!["snapshots/actor_generic.rs"]);
}

#[test]
fn actor_with_upgrades() {
    let item = quote! {
        struct Room<T> {
            topics: Vec<T>,
        }
    };
    let mut generated = crate::actor::actor(quote!(protocol = Mail, upgrade), item);
    generated.extend(crate::actor::actor(
        quote!(),
        quote! {
            impl<T> Room<T> {
                #[upgrade]
                fn from_v1(old: RoomV1<T>) -> Result<Self, Exit> {
                    Ok(Room { topics: vec![old.topic] })
                }

                #[cfg(feature = "lobby")]
                #[upgrade]
                fn from_lobby(_: Lobby) -> Room<T> {
                    Room { topics: vec![] }
                }
            }
        },
    ));
    check(generated, &expect_file!["snapshots/actor_with_upgrades.rs"]);
}

#[test]
fn remote_function() {
    let item = quote! {
        /// Returns the bytes that are free on a disk.
        #[cfg(unix)]
        pub(crate) async fn disk_free(path: PathBuf, mut unit: u64) -> Result<u64, String> {
            Ok(unit)
        }
    };
    check(crate::remote::remote(quote!(), item), &expect_file!["snapshots/remote_function.rs"]);
}

#[test]
fn actor_with_mistakes() {
    let item = quote! {
        impl Counter {
            #[cast]
            fn add(&mut self, n: &str) {}

            #[call]
            fn count() -> u64 {
                7
            }
        }
    };
    check(crate::actor::actor(quote!(), item), &expect_file!["snapshots/actor_with_mistakes.rs"]);
}

fn check_receive(block: TokenStream, expected: &ExpectFile) {
    let block = crate::receive::receive(block);
    check(quote!(async fn run(&mut self, cx: &mut Context<Self>) { #block }), expected);
}

#[test]
fn receive() {
    let block = quote! {
        match cx {
            Mail::Post { priority, body } if priority > self.urgent => letters.push(body),
            Mail::Collect { reply } => return reply,
            after!(Duration::ZERO) => break,
        }
    };
    check_receive(block, &expect_file!["snapshots/receive.rs"]);
}

#[test]
fn receive_alternatives() {
    let block = quote! {
        match self.mailbox {
            #[cfg(unix)]
            Mail::Pair(x, _) | Mail::Pair(_, x) if x > 10 => x,
            Mail::Post { body, .. } if let Some(n) = number(&body) && n > 3 => n,
            message => other(message),
        }
    };
    check_receive(block, &expect_file!["snapshots/receive_alternatives.rs"]);
}

#[test]
fn receive_overlapping() {
    let block = quote! {
        match cx {
            Mail::Post { body, .. } => body,
            Mail::Post { priority, .. } if priority > 10 => urgent(),
        }
    };
    check_receive(block, &expect_file!["snapshots/receive_overlapping.rs"]);
}

#[test]
fn receive_with_mistakes() {
    let block = quote! {
        match cx {
            after!() => late(),
            Mail::Post { body, .. } if wanted(&body).await => body,
        }
    };
    check_receive(block, &expect_file!["snapshots/receive_with_mistakes.rs"]);
}

#[test]
fn supervisor() {
    let item = quote! {
        /// The rooms and the log of a chat.
        pub struct ChatTree {
            path: PathBuf,
            /// Writes the log file.
            #[child(start = Log::open(self.path.clone()))]
            log: Log,
            #[cfg(feature = "rooms")]
            #[child(restart = transient, shutdown = "2s")]
            rooms: Rooms,
            #[child(restart = temporary, shutdown = kill)]
            web: Web,
        }
    };
    check(
        crate::supervisor::supervisor(quote!(strategy = rest_for_one, intensity = 3, period = "5s"), item),
        &expect_file!["snapshots/supervisor.rs"],
    );
}

#[test]
fn supervisor_of_other_nodes() {
    let item = quote! {
        struct Farm {
            worker: NodeName,
            #[child(on = self.worker.clone())]
            preview: Render,
            #[child(dynamic, restart = temporary, on = least_loaded())]
            jobs: Render,
        }
    };
    check(crate::supervisor::supervisor(quote!(), item), &expect_file!["snapshots/supervisor_of_other_nodes.rs"]);
}

#[test]
fn entry() {
    let mut generated = crate::entry::main(
        quote!(),
        quote! {
            async fn main() -> greenroom::Result {
                run().await
            }
        },
    );
    generated.extend(crate::entry::main(
        quote!(shutdown = "10s"),
        quote!(
            async fn main() {}
        ),
    ));
    generated.extend(crate::entry::test(
        quote!(clock = real),
        quote! {
            #[should_panic]
            async fn counts() {}
        },
    ));
    check(generated, &expect_file!["snapshots/entry.rs"]);
}
