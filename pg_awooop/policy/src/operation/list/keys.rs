//! API keys.

use super::{CREDENTIAL, ID, NAME};
use crate::argument::{Argument, Kind};
use crate::operation::{Operation, result};
use crate::scope::Scope;

const SCOPES: Kind = Kind::WordList { words: scopes, items: 32 };

fn scopes() -> Vec<&'static str> {
    Scope::ALL.into_iter().map(Scope::as_str).collect()
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
];
