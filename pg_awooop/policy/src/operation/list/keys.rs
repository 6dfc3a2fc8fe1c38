//! API keys, and the outside issuers whose access tokens are good as well.

use super::{CREDENTIAL, ID, NAME};
use crate::access_token::registration::{MAX_ADDRESS, MAX_CLAIM, MAX_ISSUER};
use crate::argument::{Argument, Kind};
use crate::name::NameRule;
use crate::operation::{Operation, result};
use crate::scope::{Scope, ScopeSet};

const SCOPES: Kind = Kind::WordList { words: scopes, items: 32 };

fn scopes() -> Vec<&'static str> {
    Scope::ALL.into_iter().map(Scope::as_str).collect()
}

const TOKEN_SCOPES: Kind = Kind::WordList { words: token_scopes, items: 32 };
const CLAIM: Kind = Kind::Text { rule: NameRule::Line, max: MAX_CLAIM };
const ADDRESS: Kind = Kind::Text { rule: NameRule::Line, max: MAX_ADDRESS };
const ISSUER: Argument = Argument::required(
    "issuer",
    Kind::Text { rule: NameRule::Line, max: MAX_ISSUER },
    "The issuer, letter by letter as in `iss` of its tokens.",
);
const REASON: Argument =
    Argument::optional("reason", Kind::Text { rule: NameRule::Line, max: 500 }, "null", "Why, for the audit log.");

fn token_scopes() -> Vec<&'static str> {
    ScopeSet::OF_A_TOKEN.names()
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "create_api_key",
        scope: Some(Scope::KeysAdmin),
        method: "POST",
        path: "/v1/platform/api-keys",
        summary: "Create an API key",
        description: "Returns the key once; only a digest is kept. A key can hand out no scope it does not have.",
        status: 201,
        arguments: &[
            Argument::required("name", NAME, "What the key is for."),
            Argument::required("scopes", SCOPES, "What it may do."),
            Argument::optional(
                "expires_in_seconds",
                Kind::Integer { min: 1, max: 315_360_000 },
                "null",
                "When it stops working; never where null.",
            ),
            Argument::optional(
                "principal_id",
                ID,
                "null",
                "The person or service it belongs to: a new one, the caller's own, or one that the caller brought into \
                 being; any for an operator. A service of its own where null.",
            ),
            Argument::optional(
                "agent_id",
                ID,
                "null",
                "The only agent in whose name it may call tools, and nothing else but look; any of the project's where null.",
            ),
            Argument::optional(
                "channel",
                ID,
                "null",
                "The channel that it is the secret of: it has the one scope channels:ingest then, and a form that Telegram \
                 takes for a webhook's secret token.",
            ),
        ],
        result: result::issued_key,
    },
    Operation {
        name: "list_api_keys",
        scope: Some(Scope::KeysAdmin),
        method: "GET",
        path: "/v1/platform/api-keys",
        summary: "List API keys",
        description: "Every key of the project, revoked ones included, without secrets.",
        status: 200,
        arguments: &[],
        result: result::keys,
    },
    Operation {
        name: "rotate_api_key",
        scope: Some(Scope::KeysAdmin),
        method: "POST",
        path: "/v1/platform/api-keys/{key_id}/rotate",
        summary: "Replace an API key by a new one",
        description: "The new key has the same name, principal, scopes and expiry; the old one stops after the grace \
                      period. For the key's own principal, who brought it into being, and operators.",
        status: 201,
        arguments: &[
            Argument::required("key_id", CREDENTIAL, "The public part of the key."),
            Argument::optional(
                "grace_seconds",
                Kind::Integer { min: 0, max: 604_800 },
                "0",
                "How long the old key still works, in seconds.",
            ),
        ],
        result: result::issued_key,
    },
    Operation {
        name: "revoke_api_key",
        scope: Some(Scope::KeysAdmin),
        method: "DELETE",
        path: "/v1/platform/api-keys/{key_id}",
        summary: "Revoke an API key",
        description: "It stops working at once, and for good.",
        status: 200,
        arguments: &[Argument::required("key_id", CREDENTIAL, "The public part of the key.")],
        result: result::revoked_key,
    },
    Operation {
        name: "set_token_issuer",
        scope: Some(Scope::KeysAdmin),
        method: "PUT",
        path: "/v1/platform/token-issuers",
        summary: "Register an issuer of access tokens",
        description: "From then on access tokens (OAuth 2.1, RFC 9068) that it signed for `audience` are credentials of the \
                      project. What was registered of the issuer before is replaced, by whoever registered it or an \
                      operator. Its subjects count as the hand of who registered it; as their own, where that was an operator.",
        status: 200,
        arguments: &[
            ISSUER,
            Argument::required(
                "jwks_uri",
                ADDRESS,
                "Where its key set is: an https URL. On a private host only where an operator has allowed that host.",
            ),
            Argument::required(
                "audience",
                ADDRESS,
                "The resource that its tokens must be for, letter by letter as in `aud` (RFC 8707).",
            ),
            Argument::required("scopes", TOKEN_SCOPES, "The most that a token may do, whatever its `scope` says."),
            Argument::optional(
                "agent_claim",
                CLAIM,
                "null",
                "The claim that names the agent a token is bound to; every token must have it then, and may call tools in the \
                 name of that one, and nothing else but look.",
            ),
            Argument::optional("subject_claim", CLAIM, "\"sub\"", "The claim that names who it is."),
            Argument::optional(
                "project_claim",
                CLAIM,
                "null",
                "A claim that must name this project; `project_id` must in any case, in a token that has it.",
            ),
            REASON,
        ],
        result: result::token_issuer,
    },
    Operation {
        name: "remove_token_issuer",
        scope: Some(Scope::KeysAdmin),
        method: "POST",
        path: "/v1/platform/token-issuers/remove",
        summary: "Remove an issuer of access tokens",
        description: "Its tokens stop working at once. Who its subjects were, and whose hands, stays.",
        status: 200,
        arguments: &[ISSUER, REASON],
        result: result::removed_issuer,
    },
    Operation {
        name: "list_token_issuers",
        scope: Some(Scope::KeysAdmin),
        method: "GET",
        path: "/v1/platform/token-issuers",
        summary: "List issuers of access tokens",
        description: "Each with what was registered, and the ids of the keys that verify its tokens now.",
        status: 200,
        arguments: &[],
        result: result::token_issuers,
    },
];
