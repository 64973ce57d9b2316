//! Who may ask: pages of this server, and programs that call it by its address.
//!
//! A page from elsewhere must not read what goes on here. It cannot by its own name, since answers carry no leave for
//! other origins; and it cannot by a name of its own that it lets point here (DNS rebinding), since `Host` must then be
//! that name, and only addresses and `localhost` are answered.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName, header};

/// Whether a request with these headers, for this path, came from here.
pub(crate) fn is_ours(headers: &HeaderMap, path: &str, port: u16) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let Some(host) = text(header::HOST).filter(|host| is_address(host, port)) else { return false };
    let origin = text(header::ORIGIN).is_none_or(|origin| origin.strip_prefix("http://") == Some(host));
    // A link to the page may stand anywhere; what the page asks for is asked by the page.
    let site = text(HeaderName::from_static("sec-fetch-site"));
    origin && (path == "/" || site.is_none_or(|site| site == "same-origin" || site == "none"))
}

fn is_address(host: &str, port: u16) -> bool {
    let (name, given) = match host.rsplit_once(':') {
        Some((name, given)) if !given.ends_with(']') => (name, given.parse().ok()),
        // A browser leaves out the port that goes without saying.
        _ => (host, Some(80)),
    };
    let v6 = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let address = v6.is_some_and(|name| name.parse::<Ipv6Addr>().is_ok()) || name.parse::<Ipv4Addr>().is_ok();
    given == Some(port) && (address || name == "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_from_here_is_answered() {
        let own = "127.0.0.1:9090";
        for (host, origin, site, path, ours) in [
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
            assert_eq!(is_ours(&headers, path, 9090), ours, "{headers:?} {path}");
        }
        assert!(!is_ours(&HeaderMap::new(), "/", 9090));
        assert!(is_address("localhost", 80) && is_address("[::1]", 80));
    }
}
