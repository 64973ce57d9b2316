//! The supervision tree of the observer.

use std::net::SocketAddr;

use greenroom::prelude::*;

use crate::{Watcher, Web};

/// The observer's processes. After a crash of the watcher the web restarts too, so the clients connect again.
#[supervisor(strategy = rest_for_one, intensity = 5, period = "10s")]
pub struct ObserverTree {
    address: SocketAddr,
    #[child]
    watcher: Watcher,
    #[child(start = Web::at(self.address))]
    web: Web,
}

impl ObserverTree {
    /// Creates an observer whose page is at this address. The page shows messages, so the address should be
    /// 127.0.0.1.
    pub fn at(address: SocketAddr) -> ObserverTree {
        ObserverTree { address }
    }
}
