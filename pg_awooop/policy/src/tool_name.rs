//! The names under which agents see the tools of MCP servers, `{tool}__{provider}`, and back.
//!
//! A provider may call its tools anything: with `__`, in any script, two hundred characters long. What agents see is at most
//! 64 characters of what every model accepts, and within a project no two tools share a name: one that is fit to be seen is
//! seen as it is, any other as what is readable of it and 64 bits of its digest. A fit name that looks like one of those is
//! not seen as it is either, so no provider can take the place of another tool's digest. Nor is one that is called as the platform
//! calls a server's resources, prompts or completion ([`Feature`]).

use awooop_contracts::model::text::ToolName;
use sha2::{Digest as _, Sha256};

use crate::feature::Feature;

/// The most characters of a tool's name, as common models take it.
pub const MAX_NAME: usize = 64;
/// The most characters of a provider's name: it leaves room for the tool's.
pub const MAX_PROVIDER: usize = 24;
/// Digits of the digest.
const DIGITS: usize = 16;

/// Whether this can be the name of an MCP server.
pub fn is_provider(name: &str) -> bool {
    name.len() <= MAX_PROVIDER && is_part(name)
}

fn is_part(name: &str) -> bool {
    ToolName::try_from(format!("{name}__a")).is_ok_and(|whole| whole.tool() == name)
}

/// The name under which agents see what `provider` calls `upstream`. The provider's name is one.
pub fn exposed(upstream: &str, provider: &str) -> String {
    let room = MAX_NAME - 2 - provider.len().min(MAX_PROVIDER);
    let is_fit = upstream.len() <= room && is_part(upstream) && !has_digest(upstream) && !is_feature(upstream);
    let tool = if is_fit { upstream.to_owned() } else { digested(upstream, room) };
    format!("{tool}__{provider}")
}

/// The name under which agents use what `provider` offers besides tools; nothing for [`Feature::Tool`].
pub fn of_feature(feature: Feature, provider: &str) -> Option<String> {
    feature.name().map(|name| format!("{name}__{provider}"))
}

fn is_feature(tool: &str) -> bool {
    Feature::OFFERED.iter().any(|feature| feature.name() == Some(tool))
}

/// Tool and provider of a name that agents use.
pub fn parts(name: &str) -> Option<(String, String)> {
    let name = ToolName::try_from(name.to_owned()).ok()?;
    Some((name.tool().to_owned(), name.provider().to_owned()))
}

/// Whether it ends as a name with a digest does.
fn has_digest(tool: &str) -> bool {
    tool.len() > DIGITS
        && tool.as_bytes()[tool.len() - DIGITS - 1] == b'-'
        && tool.bytes().rev().take(DIGITS).all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// What is readable of the name, then its digest.
fn digested(upstream: &str, room: usize) -> String {
    let mut readable = String::new();
    for c in upstream.chars() {
        if readable.len() + DIGITS + 1 >= room {
            break;
        }
        let follows = readable.ends_with(|last: char| last.is_ascii_alphanumeric());
        match c {
            c if c.is_ascii_alphanumeric() => readable.push(c),
            '_' if follows => readable.push('_'),
            _ if follows => readable.push('-'),
            _ => {}
        }
    }
    let readable = readable.trim_end_matches(['-', '_']);
    let readable = if readable.is_empty() { "tool" } else { readable };
    let digest = hex::encode(Sha256::digest(upstream));
    format!("{readable}-{}", &digest[..DIGITS])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn what_is_fit_is_seen_as_it_is_and_everything_else_by_its_digest() {
        assert_eq!(exposed("order_lookup", "shop"), "order_lookup__shop");
        assert_eq!(exposed("orders/lookup", "shop"), "orders-lookup-8f27680ce5134bd7__shop");
        assert_eq!(exposed("__", "shop"), "tool-9911f4d2b18457c4__shop");
        assert_eq!(exposed("查詢訂單", "shop"), "tool-834ad8efcc506013__shop");
        // Not even its own digest form is seen as it is.
        let seen = exposed("orders/lookup", "shop");
        assert_ne!(exposed(parts(&seen).unwrap().0.as_str(), "shop"), seen);
        // Nor is what the platform calls something else.
        assert_eq!(exposed("mcp-resources", "shop"), "mcp-resources-dd9988aad776b445__shop");
    }

    #[test]
    fn a_provider_is_a_part_and_short() {
        for good in ["shop", "shop-eu", "shop_eu", "7"] {
            assert!(is_provider(good), "{good}");
        }
        for bad in ["", "_a", "a_", "a__b", "a.b", "-a", "é", "a234567890123456789012345"] {
            assert!(!is_provider(bad), "{bad}");
        }
    }

    /// Names that providers might use to be taken for others.
    fn hostile() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z_]{1,12}",
            "[a-zA-Z0-9_-]{1,70}",
            "[a-c_]{1,4}__[a-c_]{1,4}",
            "\\PC{1,200}",
            "[a-c]{1,3}-[0-9a-f]{16}",
            "[a-z]{190,200}",
            prop::sample::select(vec!["mcp-resources", "mcp-prompts", "mcp-completion"]).prop_map(str::to_owned),
            "mcp-(resources|prompts|completion)(-[0-9a-f]{16})?",
            // What another name is seen as.
            "[a-c/]{1,3}"
                .prop_map(|name| exposed(&name, "p").split_once("__").map_or(name.clone(), |p| p.0.to_owned())),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn no_two_tools_of_a_project_share_a_name(
            tools in prop::collection::hash_set((hostile(), prop::sample::select(vec!["p", "q", "p_q", "a-b", "a23456789012345678901234"])), 1..40)
        ) {
            let mut seen = HashMap::new();
            for provider in ["p", "q", "p_q", "a-b", "a23456789012345678901234"] {
                for feature in Feature::OFFERED {
                    let name = of_feature(feature, provider).unwrap_or_default();
                    prop_assert_eq!(parts(&name).map(|(_, of)| of), Some(provider.to_owned()));
                    prop_assert!(name.len() <= MAX_NAME);
                    seen.insert(name, (format!("{feature:?}"), provider));
                }
            }
            for (upstream, provider) in tools {
                let name = exposed(&upstream, provider);
                prop_assert!(name.len() <= MAX_NAME, "{name}");
                let (_, of) = parts(&name).unwrap_or_default();
                prop_assert_eq!(&of, provider);
                if let Some(other) = seen.insert(name.clone(), (upstream.clone(), provider)) {
                    prop_assert!(false, "{name} is {other:?} and {upstream:?}");
                }
            }
        }

        #[test]
        fn any_text_is_parsed_to_at_most_one_tool(name in "[a-c_.-]{0,12}") {
            if let Some((tool, provider)) = parts(&name) {
                prop_assert_eq!(format!("{tool}__{provider}"), name);
                prop_assert!(!tool.contains("__") && !provider.contains("__"));
            }
        }
    }
}
