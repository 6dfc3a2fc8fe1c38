//! What a project redacts.

use super::ID;
use crate::argument::{Argument, Kind};
use crate::name::NameRule;
use crate::operation::{Operation, result};
use crate::redact::Family;
use crate::scope::Scope;

const FAMILY: Argument = Argument::required("family", Kind::Word(families), "The family of sensitive text.");
const RULE_ID: Argument = Argument::required("rule_id", ID, "The rule, unique in the project.");

fn families() -> Vec<&'static str> {
    Family::ALL.into_iter().map(Family::as_str).collect()
}

fn redaction_modes() -> Vec<&'static str> {
    vec!["redact", "allow"]
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "get_redaction",
        scope: Some(Scope::RedactionAdmin),
        method: "GET",
        path: "/v1/platform/redaction",
        summary: "Show what the project redacts",
        description: "Every family with its mode, and the project's own rules.",
        status: 200,
        arguments: &[],
        result: result::redaction,
    },
    Operation {
        name: "set_redaction_family",
        scope: Some(Scope::RedactionAdmin),
        method: "PUT",
        path: "/v1/platform/redaction/families/{family}",
        summary: "Redact a family of sensitive text, or let it through",
        description: "ip and crypto_address are let through unless a project redacts them, all others are redacted unless it \
                      allows them. Credentials (private_key, auth_token, vendor_token, secret, url_credential) can't be \
                      allowed. Audit rows and errors are redacted in all nine families whatever a project allows.",
        status: 200,
        arguments: &[FAMILY, Argument::required("mode", Kind::Word(redaction_modes), "redact or allow.")],
        result: result::redaction_family,
    },
    Operation {
        name: "set_redaction_rule",
        scope: Some(Scope::RedactionAdmin),
        method: "PUT",
        path: "/v1/platform/redaction/rules/{rule_id}",
        summary: "Add a redaction rule of the project's own, or change it",
        description: "What the shape matches becomes [REDACTED:<family>], in texts that hold one of the keywords. At most 50 \
                      rules a project.",
        status: 200,
        arguments: &[
            RULE_ID,
            FAMILY,
            Argument::required(
                "shape",
                Kind::Text { rule: NameRule::Line, max: 1_000 },
                "A regular expression in the syntax of the Rust crate regex.",
            ),
            Argument::optional(
                "keywords",
                Kind::TextList { rule: NameRule::Line, max: 64, items: 20 },
                "[]",
                "Texts without one of which the shape is not tried; none means it always is.",
            ),
        ],
        result: result::redaction_rule,
    },
    Operation {
        name: "remove_redaction_rule",
        scope: Some(Scope::RedactionAdmin),
        method: "DELETE",
        path: "/v1/platform/redaction/rules/{rule_id}",
        summary: "Remove a redaction rule of the project's own",
        description: "The platform's own rules stay.",
        status: 200,
        arguments: &[RULE_ID],
        result: result::redaction_rule,
    },
];
