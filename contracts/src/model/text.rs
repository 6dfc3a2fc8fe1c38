//! Texts of contracts, each with its rule. The rules are written out here and as patterns in the schemas; a test holds
//! the two together.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest id, in characters.
pub const MAX_ID: usize = 64;

/// A text does not follow its rule. It says nothing of the text, which may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAdmitted;

impl fmt::Display for NotAdmitted {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("not admitted")
    }
}

impl std::error::Error for NotAdmitted {}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident if $rule:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAdmitted;

            fn try_from(text: String) -> Result<Self, NotAdmitted> {
                let rule: fn(&str) -> bool = $rule;
                if rule(&text) { Ok(Self(text)) } else { Err(NotAdmitted) }
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }
    )+};
}

texts! {
    /// A project.
    ProjectId if is_id;
    /// An agent.
    AgentId if is_id;
    /// A person or service that holds roles.
    PrincipalId if is_id;
    /// A role of the tenant's own.
    Role if is_id;
    /// A policy contract.
    PolicyName if is_id;
    /// A channel of a project.
    ChannelName if is_id;
    /// What sort of channel it is.
    ChannelType if is_id;
    /// A run contract.
    RunContractName if is_id;
    /// Who runs a model.
    ModelProvider if is_id;
    /// A label's name.
    LabelName if is_id;
    /// A redaction rule of a project.
    RuleId if is_id;
    /// An anomaly counter.
    CounterName if is_id;
    /// A region of the installation.
    Region if |text| text.len() <= 32 && text.split('-').all(|word| is_some_of(word, |b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    /// `{tool}__{provider}`.
    ToolName if |text| text.len() <= MAX_ID && tool_parts(text).is_some();
    /// `k8s://namespace/secret/key`.
    CredentialReference if is_credential_reference;
    /// An address of HTTP or HTTPS.
    Address if is_address;
    /// `sha256:` and 64 digits.
    Sha256 if |text| text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(is_lower_hex));
    /// A zone of the IANA database.
    TimeZone if is_time_zone;
    /// A BCP 47 language tag.
    Locale if is_locale;
    /// A place in a document (RFC 6901), other than the whole.
    JsonPointer if |text| text.chars().count() <= 256 && is_json_pointer(text);
    /// A header of HTTP.
    HeaderName if |text| text.len() <= 64 && starts_with(text, |b| b.is_ascii_alphabetic()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    /// A media type, or a range of one.
    MediaType if is_media_type;
    /// A command of a chat, `/word`.
    Command if |text| text.strip_prefix('/').is_some_and(|word| word.len() <= 32 && is_some_of(word, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
    /// Hours and minutes, `HH:MM`.
    TimeOfDay if is_time_of_day;
}

impl ToolName {
    /// The tool's own name.
    pub fn tool(&self) -> &str {
        tool_parts(&self.0).map_or("", |parts| parts.0)
    }

    /// The MCP server that provides it.
    pub fn provider(&self) -> &str {
        tool_parts(&self.0).map_or("", |parts| parts.1)
    }
}

impl CredentialReference {
    /// Namespace, secret and key.
    pub fn parts(&self) -> (&str, &str, &str) {
        let mut parts = self.0.trim_start_matches("k8s://").splitn(3, '/');
        (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""))
    }
}

/// Text of one line, 1 to `MAX` characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Line<const MAX: usize>(String);

/// Text of several lines, 1 to `MAX` characters; of the control characters only tab and line ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prose<const MAX: usize>(String);

macro_rules! bounded {
    ($name:ident, $admits:expr) => {
        impl<const MAX: usize> $name<MAX> {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<const MAX: usize> TryFrom<String> for $name<MAX> {
            type Error = NotAdmitted;

            fn try_from(text: String) -> Result<Self, NotAdmitted> {
                let fits = !text.is_empty() && text.chars().count() <= MAX && text.chars().all($admits);
                if fits { Ok(Self(text)) } else { Err(NotAdmitted) }
            }
        }

        impl<const MAX: usize> From<$name<MAX>> for String {
            fn from(text: $name<MAX>) -> String {
                text.0
            }
        }
    };
}

bounded!(Line, |c| !c.is_control());
bounded!(Prose, |c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'));

fn starts_with(text: &str, rule: fn(u8) -> bool) -> bool {
    text.bytes().next().is_some_and(rule)
}

fn is_some_of(text: &str, rule: fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(rule)
}

fn is_lower_or_digit(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

fn is_lower_hex(b: u8) -> bool {
    matches!(b, b'0'..=b'9' | b'a'..=b'f')
}

/// The rule of all ids of the platform (`NameRule::Id`).
fn is_id(text: &str) -> bool {
    text.len() <= MAX_ID
        && starts_with(text, |b| b.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// The two parts of a tool's name. Neither holds `__` nor begins or ends with `_`, so there is one way to part it.
fn tool_parts(text: &str) -> Option<(&str, &str)> {
    let (tool, provider) = text.split_once("__")?;
    let is_part = |part: &str| {
        starts_with(part, |b| b.is_ascii_alphanumeric())
            && part.split('_').all(|word| is_some_of(word, |b| b.is_ascii_alphanumeric() || b == b'-'))
    };
    (is_part(tool) && is_part(provider)).then_some((tool, provider))
}

/// A DNS label but for its length.
fn is_label(text: &str) -> bool {
    starts_with(text, is_lower_or_digit)
        && text.bytes().next_back().is_some_and(is_lower_or_digit)
        && text.bytes().all(|b| is_lower_or_digit(b) || b == b'-')
}

/// The key begins with no dot: it becomes a file's name, and must not lead out of its directory.
fn is_address(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let host = rest.find('/').map_or(rest, |at| &rest[..at]);
    let of_host = |b: u8| b.is_ascii_alphanumeric() || b".:[]-".contains(&b);
    text.len() <= 1024
        && (1..=253).contains(&host.len())
        && host.bytes().all(of_host)
        && rest[host.len()..].bytes().all(|b| b.is_ascii_graphic())
}

fn is_credential_reference(text: &str) -> bool {
    let Some(path) = text.strip_prefix("k8s://") else { return false };
    let mut parts = path.split('/');
    let (Some(namespace), Some(secret), Some(key), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let is_in_key = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    text.len() <= 400
        && is_label(namespace)
        && namespace.len() <= 63
        && secret.split('.').all(is_label)
        && starts_with(key, |b| b != b'.')
        && key.bytes().all(is_in_key)
}

fn is_time_zone(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let is_part = |part: &&str| {
        starts_with(part, |b| b.is_ascii_uppercase())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-'))
    };
    text == "UTC" || (text.len() <= 64 && matches!(parts.len(), 2 | 3) && parts.iter().all(is_part))
}

fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-').peekable();
    let language = parts.next().unwrap_or("");
    let is_script = |part: &&str| {
        part.len() == 4
            && starts_with(part, |b| b.is_ascii_uppercase())
            && part[1..].bytes().all(|b| b.is_ascii_lowercase())
    };
    let is_region = |part: &&str| {
        (part.len() == 2 && part.bytes().all(|b| b.is_ascii_uppercase()))
            || (part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit()))
    };
    parts.next_if(|part| text.is_ascii() && is_script(part));
    parts.next_if(is_region);
    matches!(language.len(), 2 | 3) && language.bytes().all(|b| b.is_ascii_lowercase()) && parts.next().is_none()
}

fn is_json_pointer(text: &str) -> bool {
    let escapes_end = |token: &str| token.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    text.starts_with('/') && text.split('/').all(escapes_end)
}

fn is_media_type(text: &str) -> bool {
    let Some((major, minor)) = text.split_once('/') else { return false };
    let is_in_minor = |b: u8| is_lower_or_digit(b) || matches!(b, b'.' | b'+' | b'-');
    text.len() <= 128
        && is_some_of(major, |b| b.is_ascii_lowercase())
        && (minor == "*" || (starts_with(minor, is_lower_or_digit) && minor.bytes().all(is_in_minor)))
}

fn is_time_of_day(text: &str) -> bool {
    let [a, b, b':', c, d] = text.as_bytes() else { return false };
    let hour = matches!((a, b), (b'0' | b'1', b'0'..=b'9') | (b'2', b'0'..=b'3'));
    hour && matches!((c, d), (b'0'..=b'5', b'0'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_s_name_is_parted_in_one_way() {
        let name = ToolName::try_from("order_look-up__shop_eu".to_owned()).unwrap();
        assert_eq!((name.tool(), name.provider()), ("order_look-up", "shop_eu"));
        for bad in ["order", "a__b__c", "a___b", "_a__b", "a__b_", "__b", "a__", "a.b__c"] {
            assert!(ToolName::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_reference_has_three_parts() {
        let reference = CredentialReference::try_from("k8s://ewoooc/shop-api/token".to_owned()).unwrap();
        assert_eq!(reference.parts(), ("ewoooc", "shop-api", "token"));
    }

    #[test]
    fn a_reference_is_no_value_and_leads_nowhere_else() {
        assert!(is_credential_reference("k8s://ewoooc/shop-api.prod/api_key.v2"));
        for bad in [
            "hunter2",
            "k8s://a/b",
            "k8s://a/b/..",
            "k8s://a/b/.hidden",
            "k8s://a/b/c/d",
            "k8s://../b/c",
            "k8s://a/b..c/d",
            "K8S://a/b/c",
            "k8s://a/-b/c",
            "k8s://a//c",
        ] {
            assert!(!is_credential_reference(bad), "{bad}");
        }
    }

    #[test]
    fn zones_locales_and_times_have_their_shape() {
        for (text, rule) in [
            ("Asia/Taipei", is_time_zone as fn(&str) -> bool),
            ("America/Argentina/Buenos_Aires", is_time_zone),
            ("Etc/GMT+5", is_time_zone),
            ("zh-Hant-TW", is_locale),
            ("es-419", is_locale),
            ("en", is_locale),
            ("00:00", is_time_of_day),
            ("23:59", is_time_of_day),
            ("/a~1b/", is_json_pointer),
            ("image/*", is_media_type),
        ] {
            assert!(rule(text), "{text}");
        }
        for (text, rule) in [
            ("asia/taipei", is_time_zone as fn(&str) -> bool),
            ("CET", is_time_zone),
            ("zh-TW-Hant", is_locale),
            ("EN", is_locale),
            ("zh-Ha\u{e9}", is_locale),
            ("24:00", is_time_of_day),
            ("7:00", is_time_of_day),
            ("/a~2", is_json_pointer),
            ("a/b", is_json_pointer),
            ("image", is_media_type),
        ] {
            assert!(!rule(text), "{text}");
        }
    }
}
