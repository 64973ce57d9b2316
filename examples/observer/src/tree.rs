//! The supervision tree of the observer.

use std::net::SocketAddr;

use greenroom::prelude::*;

use crate::attach::Addresses;
use crate::watch::Observer;
use crate::web::Web;

/// The observer's processes. After a crash of the observer the web restarts too, so the clients connect again.
#[supervisor(strategy = rest_for_one, intensity = 5, period = "10s")]
pub struct ObserverTree {
    address: SocketAddr,
    /// The addresses of a cluster that the observer is attached to, and whether it changes anything there.
    cluster: Option<(Addresses, bool)>,
    #[child(start = observer(&self.cluster))]
    observer: Observer,
    #[child(start = Web::at(self.address))]
    web: Web,
}

impl ObserverTree {
    /// Creates an observer of its own node and of those that are connected to it, with a page at this address. It only
    /// looks. The page shows messages, so the address should be 127.0.0.1.
    pub fn at(address: SocketAddr) -> ObserverTree {
        ObserverTree { address, cluster: None }
    }

    /// Creates an observer of the nodes that its own node is connected to: see [`Observer::of_cluster`].
    pub fn of_cluster(address: SocketAddr, addresses: Addresses, actions: bool) -> ObserverTree {
        ObserverTree { address, cluster: Some((addresses, actions)) }
    }
}

fn observer(cluster: &Option<(Addresses, bool)>) -> Observer {
    match cluster {
        Some((addresses, actions)) => Observer::of_cluster(addresses.clone(), *actions),
        None => Observer::of_own_node(),
    }
}
