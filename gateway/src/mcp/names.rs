//! Names at the address that has every server: `{prompt}__{server}` as with tools, and `{server}+{uri}` for resources. At the
//! address of one server everything has the name that the server gives it.

/// A prompt's name at the address of all servers.
pub fn prompt(name: &str, server: &str) -> String {
    format!("{name}__{server}")
}

/// The prompt and the server of such a name. No server's name begins with `_` or has `__` in it.
pub fn prompt_parts(name: &str) -> Option<(&str, &str)> {
    let (prompt, server) = name.rsplit_once("__")?;
    (!prompt.is_empty() && !server.is_empty()).then_some((prompt, server))
}

/// A resource's URI at the address of all servers.
pub fn uri(uri: &str, server: &str) -> String {
    format!("{server}+{uri}")
}

/// The server and the URI of such a one. No server's name has a `+` in it.
pub fn uri_parts(uri: &str) -> Option<(&str, &str)> {
    let (server, uri) = uri.split_once('+')?;
    (!server.is_empty() && !uri.is_empty()).then_some((server, uri))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_lead_back_to_what_they_name(name in ".{1,80}", server in "[a-zA-Z0-9]([a-zA-Z0-9-]|_[a-zA-Z0-9]){0,7}") {
            let seen = prompt(&name, &server);
            prop_assert_eq!(prompt_parts(&seen), Some((name.as_str(), server.as_str())));
            let seen = uri(&name, &server);
            prop_assert_eq!(uri_parts(&seen), Some((server.as_str(), name.as_str())));
        }
    }
}
