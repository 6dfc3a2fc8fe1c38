//! Where an MCP server is: a URL, or the name of a server that the gateway starts.

use url::Url;

use crate::name::{MAX_ID, NameRule};

/// What an address has to be, in words.
pub const URL_IN_WORDS: &str = "an http or https URL without user, password or fragment";
pub const LOCAL_IN_WORDS: &str = "the name of a local server, as the gateway's settings have it";

/// The host of a server's URL in lower case, without brackets and port; nothing where it is none.
pub fn host(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    let host = url.host_str()?.trim_matches(['[', ']']).trim_end_matches('.').to_owned();
    (is_plain && !host.is_empty()).then_some(host)
}

/// Whether a person can be sent there: a page of the web.
pub fn is_web(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Whether this can be the name of a server that the gateway starts.
pub fn is_local(address: &str) -> bool {
    NameRule::Id.admits(address) && address.len() <= MAX_ID
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_host_and_brings_nothing_that_is_logged() {
        for (address, expected) in [
            ("https://Tools.Example.com:8443/mcp?tenant=a", "tools.example.com"),
            ("http://127.0.0.1:9000/mcp", "127.0.0.1"),
            ("http://[::1]/mcp", "::1"),
            ("http://2130706433/", "127.0.0.1"),
            ("http://shop.internal./mcp", "shop.internal"),
        ] {
            assert_eq!(host(address).as_deref(), Some(expected), "{address}");
        }
        for bad in [
            "",
            "tools.example.com",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://",
            "https://user@example.com/",
            "https://user:secret@example.com/",
            "https://example.com/#fragment",
            "javascript:alert(1)",
            "unix:///run/docker.sock",
        ] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_local_server_is_a_name_and_never_a_command() {
        assert!(is_local("orders-db"));
        for bad in ["", "/bin/sh", "sh -c true", "a;b", "../orders"] {
            assert!(!is_local(bad), "{bad}");
        }
    }
}
