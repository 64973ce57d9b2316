//! Two nodes with one name.

use greenroom::prelude::Cookie;

use super::program::Config;

/// A second node of a name is refused while the first one is connected, and comes in when that one is killed. `hub` is the
/// node that both connect to. With `hub_dials` it dials both.
async fn check(hub: &str, twin: &str, hub_dials: bool) {
    let cookie = Cookie::random().unwrap();
    let (hub, twin) = (Config::new(hub, &cookie), [Config::new(twin, &cookie), Config::new(twin, &cookie)]);
    let hub = if hub_dials { hub.seeds(twin.each_ref().map(Config::address)) } else { hub };
    let twin = twin.map(|twin| if hub_dials { twin } else { twin.seeds([hub.address()]) });
    let (mut first, mut hub) = if hub_dials {
        let first = twin[0].start().await;
        (first, hub.start().await)
    } else {
        let hub = hub.start().await;
        (twin[0].start().await, hub)
    };
    let (name, hub_name) = (first.name().to_owned(), hub.name().to_owned());
    hub.up(1, &name).await;
    first.up(1, &hub_name).await;

    let mut second = twin[1].start().await;
    let refused = "another node uses this name and is connected";
    for node in [&second, &hub] {
        node.nth(1, &["log WARN connection refused", refused]).await;
    }
    hub.assert_served_by(&name).await;
    first.assert_served_by(&hub_name).await;
    assert_eq!(second.call("echo", &hub_name, std::time::Duration::from_secs(300)).await, "NoConnection");
    assert_eq!((hub.ups_and_downs(&name), first.ups_and_downs(&hub_name)), ((1, 0), (1, 0)));
    assert_eq!(second.ups_and_downs(&hub_name), (0, 0));

    first.kill().await;
    second.up(1, &hub_name).await;
    hub.up(2, &name).await;
    hub.assert_served_by(&name).await;
    second.assert_served_by(&hub_name).await;
    assert_eq!((hub.ups_and_downs(&name), second.ups_and_downs(&hub_name)), ((2, 1), (1, 0)));
    hub.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn a_namesake_is_refused_until_the_first_node_is_gone() {
    tokio::join!(
        check("a@test", "b@test", false),
        check("a@test", "b@test", true),
        check("b@test", "a@test", false),
        check("b@test", "a@test", true),
    );
}
