use std::net::SocketAddr;

use greenroom::prelude::*;

use crate::{Watcher, Web};

/// The observer's own processes. If the watcher crashes, those who look begin anew.
#[supervisor(strategy = rest_for_one, intensity = 5, period = "10s")]
pub struct ObserverTree {
    address: SocketAddr,
    #[child]
    watcher: Watcher,
    #[child(start = Web::at(self.address))]
    web: Web,
}

impl ObserverTree {
    /// An observer whose page is at this address. What it shows is nobody else's business: it should be 127.0.0.1.
    pub fn at(address: SocketAddr) -> ObserverTree {
        ObserverTree { address }
    }
}
