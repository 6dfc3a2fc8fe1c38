//! What can be registered as an issuer: its name, where its keys are, and the resource that its tokens are for.

use url::{Host, Url};

/// Longest name of an issuer, in characters: names of principals have room for as much again.
pub const MAX_ISSUER: usize = 128;
/// Longest address of a key set, and longest audience, in characters.
pub const MAX_ADDRESS: usize = 1024;
/// Longest name of a claim, in characters.
pub const MAX_CLAIM: usize = 128;

/// What an issuer has to be, in words.
pub const ISSUER_IN_WORDS: &str =
    "an https URL without user, password, query or fragment, at most 128 characters; http for a loopback host alone";
/// What the address of a key set has to be, in words.
pub const ADDRESS_IN_WORDS: &str = "an https URL without user, password or fragment; http for a loopback host alone";
/// What an audience has to be, in words.
pub const AUDIENCE_IN_WORDS: &str = "the resource's canonical URI: absolute, without a fragment";

/// Whether this can be an issuer: it stands as it is in the tokens' `iss` (RFC 8414, section 2).
pub fn is_issuer(text: &str) -> bool {
    let url = address(text, MAX_ISSUER);
    url.is_some_and(|url| url.query().is_none()) && !text.contains('?')
}

/// The host of a key set's address, in lower case, without brackets and port; nothing where it is none.
pub fn key_set_host(text: &str) -> Option<String> {
    let url = address(text, MAX_ADDRESS)?;
    Some(url.host_str()?.trim_matches(['[', ']']).trim_end_matches('.').to_owned()).filter(|host| !host.is_empty())
}

/// Whether this can be an audience (RFC 8707, section 2).
pub fn is_audience(text: &str) -> bool {
    is_plain(text, MAX_ADDRESS) && Url::parse(text).is_ok_and(|url| url.fragment().is_none())
}

/// An address that is asked without a secret, over a connection that nobody else writes to.
fn address(text: &str, most: usize) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| is_plain(text, most))?;
    let is_private = match url.scheme() {
        "https" => true,
        "http" => is_loopback(url.host()?),
        _ => false,
    };
    let has_no_more = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (is_private && has_no_more && url.host().is_some()).then_some(url)
}

fn is_loopback(host: Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Printable ASCII: readers of URLs throw other characters away, and would compare what nobody sees.
fn is_plain(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_reached_over_tls_or_on_this_machine() {
        for good in
            ["https://idp.example", "https://idp.example:8443/realms/a", "http://127.0.0.1:9000", "http://[::1]/a"]
        {
            assert!(is_issuer(good), "{good}");
        }
        for bad in [
            "",
            "idp.example",
            "http://idp.example",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "ftp://idp.example",
            "https://user@idp.example",
            "https://user:secret@idp.example",
            "https://idp.example/?tenant=a",
            "https://idp.example/?",
            "https://idp.example/#a",
            "https://idp.example/\n",
            "https://idp.example/ü",
            "https://",
            "javascript:alert(1)",
        ] {
            assert!(!is_issuer(bad), "{bad}");
        }
        assert!(!is_issuer(&format!("https://idp.example/{}", "a".repeat(MAX_ISSUER))));
    }

    #[test]
    fn the_host_of_a_key_set_is_the_one_that_is_asked() {
        for (address, host) in [
            ("https://IDP.example:8443/keys?v=1", Some("idp.example")),
            ("https://2130706433/keys", Some("127.0.0.1")),
            ("https://[::ffff:10.0.0.1]/keys", Some("::ffff:a00:1")),
            ("http://localhost:80/keys", Some("localhost")),
            ("http://10.0.0.1/keys", None),
            ("https://idp.example/keys#a", None),
            ("file:///etc/passwd", None),
        ] {
            assert_eq!(key_set_host(address).as_deref(), host, "{address}");
        }
    }

    #[test]
    fn an_audience_is_one_resource() {
        for good in ["https://gateway.example/mcp", "https://gateway.example/mcp?tenant=a", "urn:example:tools"] {
            assert!(is_audience(good), "{good}");
        }
        for bad in ["", "gateway", "/mcp", "https://gateway.example/mcp#a", "https://gateway.example/ mcp"] {
            assert!(!is_audience(bad), "{bad}");
        }
    }
}
