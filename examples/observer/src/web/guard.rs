//! The check of requests: allows pages of this server, and programs that use its address.
//!
//! A page from another site must not read this node's state. With its own origin it cannot, since the answers do not
//! allow other origins. With a host name of its own that resolves to this address (DNS rebinding) it cannot either:
//! `Host` then has that name, and only addresses and `localhost` are accepted.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName, header};

/// Returns whether a request with these headers, for this path, comes from this machine's own pages or programs.
pub(crate) fn is_allowed(headers: &HeaderMap, is_post: bool, path: &str, port: u16) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let Some(host) = text(header::HOST).filter(|host| is_address(host, port)) else { return false };
    // A browser sends the origin with each request that may change something.
    let origin = match text(header::ORIGIN) {
        Some(origin) => origin.strip_prefix("http://") == Some(host),
        None => !is_post,
    };
    // Any site may link to the page. Requests for data must come from the page.
    let site = text(HeaderName::from_static("sec-fetch-site"));
    origin && (path == "/" || site.is_none_or(|site| site == "same-origin" || site == "none"))
}

/// Returns whether the value of a `Host` header is an address of this machine or `localhost`, at this port.
pub fn is_address(host: &str, port: u16) -> bool {
    let (name, parsed_port) = match host.rsplit_once(':') {
        Some((name, parsed_port)) if !parsed_port.ends_with(']') => (name, parsed_port.parse().ok()),
        // A browser omits the default port.
        _ => (host, Some(80)),
    };
    let v6 = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let address = v6.is_some_and(|name| name.parse::<Ipv6Addr>().is_ok()) || name.parse::<Ipv4Addr>().is_ok();
    parsed_port == Some(port) && (address || name == "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_other_sites_are_refused() {
        let own = "127.0.0.1:9090";
        for (host, origin, site, path, allowed) in [
            (own, "", "", "/", true),
            (own, "", "", "/events", true),
            ("localhost:9090", "http://localhost:9090", "same-origin", "/events", true),
            ("[::1]:9090", "", "none", "/events", true),
            (own, "", "cross-site", "/", true),
            (own, "", "cross-site", "/trace/3", false),
            (own, "", "same-site", "/trace/3", false),
            (own, "http://evil.example", "", "/events", false),
            (own, "http://127.0.0.1:8080", "", "/events", false),
            (own, "null", "", "/events", false),
            ("evil.example:9090", "", "", "/", false),
            ("evil.example:9090", "http://evil.example:9090", "same-origin", "/events", false),
            ("127.0.0.1.evil.example:9090", "", "", "/", false),
            ("127.0.0.1:9091", "", "", "/", false),
            ("127.0.0.1", "", "", "/", false),
            ("", "", "", "/", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
                if !value.is_empty() {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            assert_eq!(is_allowed(&headers, false, path, 9090), allowed, "{headers:?} {path}");
            // An action needs the origin, which the page has.
            let may_act = allowed && !origin.is_empty();
            assert_eq!(is_allowed(&headers, true, path, 9090), may_act, "{headers:?} {path}");
        }
        assert!(!is_allowed(&HeaderMap::new(), false, "/", 9090));
        assert!(is_address("localhost", 80) && is_address("[::1]", 80));
    }
}
