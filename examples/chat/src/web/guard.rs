//! The checks of requests, by the names that a browser sends.
//!
//! A page of another site cannot use this server: its `Origin` is another one. With a host name of its own that leads
//! to this address it cannot either, since `Host` then has that name.

use axum::http::{HeaderMap, HeaderName, header};

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Returns whether the request is for an address of this server.
pub(super) fn is_own_host(headers: &HeaderMap, port: u16) -> bool {
    text(headers, header::HOST).is_some_and(|host| observer::is_address(host, port))
}

/// Returns whether the request is from a page of this server or of another node of the cluster.
pub(super) fn is_page(headers: &HeaderMap, port: u16, pages: &[String]) -> bool {
    let Some(host) = text(headers, header::ORIGIN).and_then(|origin| origin.strip_prefix("http://")) else {
        return false;
    };
    let ports = pages.iter().filter_map(|page| page.strip_prefix("http://127.0.0.1:")?.parse().ok());
    ports.chain([port]).any(|port| observer::is_address(host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_server_are_its_host() {
        for (host, own) in [
            (Some("127.0.0.1:8080"), true),
            (Some("localhost:8080"), true),
            (Some("localhost:8081"), false),
            (Some("localhost"), false),
            (Some("evil.example:8080"), false),
            (Some("127.0.0.1.evil.example:8080"), false),
            (Some(""), false),
            (None, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(host.map(|host| (header::HOST, host.parse().unwrap())));
            assert_eq!(is_own_host(&headers, 8080), own, "{host:?}");
        }
    }

    #[test]
    fn only_pages_of_the_cluster_may_connect() {
        let check = |origin: Option<&str>, port| {
            let mut headers = HeaderMap::new();
            headers.extend(origin.map(|origin| (header::ORIGIN, origin.parse().unwrap())));
            is_page(&headers, port, &["http://127.0.0.1:8081".to_owned()])
        };
        for (origin, allowed) in [
            (Some("http://127.0.0.1:8080"), true),
            (Some("http://localhost:8080"), true),
            (Some("http://localhost:8081"), true),
            (Some("http://localhost:8082"), false),
            (Some("http://127.0.0.1"), false),
            (Some("https://127.0.0.1:8080"), false),
            (Some("http://127.0.0.1:80800"), false),
            (Some("http://127.0.0.1.evil.example:8080"), false),
            (Some("http://evil.example"), false),
            (Some("null"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(check(origin, 8080), allowed, "{origin:?}");
        }
        assert!(check(Some("http://localhost"), 80));
    }
}
