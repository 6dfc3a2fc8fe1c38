//! Contracts: from a draft to what is active, and what can be shown of it.

use awooop_contracts::contract::MAX_CONTRACT_BYTES;
use awooop_contracts::revision::MAX_EXPORT_BYTES;

use super::{CURSOR, ID, PAGE};
use crate::argument::{Argument, Kind};
use crate::name::NameRule;
use crate::operation::{Operation, result};
use crate::scope::Scope;

const KIND: Argument = Argument::required("kind", Kind::Word(kinds), "project, agent, policy, tool, channel or run.");
const CONTRACT_NAME: Argument =
    Argument::required("name", ID, "The contract's name; with the kind, unique in the project.");
const CONTRACT: Argument = Argument::required(
    "document",
    Kind::Document { max_bytes: MAX_CONTRACT_BYTES },
    "The contract, as JSON; its own kind and name count.",
);
const REVISION_ID: Argument = Argument::required("revision_id", Kind::Uuid, "The revision.");
const DIGEST: Argument = Argument::optional(
    "digest",
    Kind::Text { rule: NameRule::Line, max: 71 },
    "null",
    "The digest of the document that the caller has seen (`sha256:…`); another one is refused.",
);

fn kinds() -> Vec<&'static str> {
    awooop_contracts::Kind::ALL.iter().map(|kind| kind.as_str()).collect()
}

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "validate_contract",
        scope: Some(Scope::ContractsRead),
        method: "POST",
        path: "/v1/platform/contracts/validate",
        summary: "Check a contract without keeping it",
        description: "Everything that would keep it from being published in this project: each with its place, the rule, \
                      what was expected and what is there.",
        status: 200,
        arguments: &[KIND, CONTRACT],
        result: result::contract_validation,
    },
    Operation {
        name: "draft_contract",
        scope: Some(Scope::ContractsWrite),
        method: "POST",
        path: "/v1/platform/contracts",
        summary: "Draft a revision of a contract",
        description: "A new contract, or a further revision of one. A draft may be unfinished (its violations are told); \
                      it needs its kind and name. Whoever writes it is its author, whose signature does not count.",
        status: 201,
        arguments: &[KIND, CONTRACT],
        result: result::drafted_contract,
    },
    Operation {
        name: "edit_contract",
        scope: Some(Scope::ContractsWrite),
        method: "PUT",
        path: "/v1/platform/contracts/revisions/{revision_id}",
        summary: "Edit a draft",
        description: "Replaces the draft's document; kind and name stay. The editor becomes one of its authors. With \
                      digest, only if nobody edited it in between.",
        status: 200,
        arguments: &[REVISION_ID, CONTRACT, DIGEST],
        result: result::drafted_contract,
    },
    Operation {
        name: "discard_contract",
        scope: Some(Scope::ContractsWrite),
        method: "DELETE",
        path: "/v1/platform/contracts/revisions/{revision_id}",
        summary: "Discard a draft",
        description: "Only drafts can be discarded; what was published stays for ever.",
        status: 200,
        arguments: &[REVISION_ID],
        result: result::discarded_contract,
    },
    Operation {
        name: "publish_contract",
        scope: Some(Scope::ContractsWrite),
        method: "POST",
        path: "/v1/platform/contracts/revisions/{revision_id}/publish",
        summary: "Publish a draft",
        description: "Gives it the contract's next number, its canonical bytes (RFC 8785), their digest and the platform's \
                      signature (HMAC-SHA-256, with the key's id). From then on it never changes. Publishing it again \
                      changes nothing, but for a new signature where the key of the old one was rotated out.",
        status: 200,
        arguments: &[REVISION_ID, DIGEST],
        result: result::contract_revision,
    },
    Operation {
        name: "sign_contract",
        scope: Some(Scope::ContractsSign),
        method: "POST",
        path: "/v1/platform/contracts/revisions/{revision_id}/sign",
        summary: "Sign a published revision, so that it may become active",
        description: "One signature a hand, in a role that the active policy names; an author's is refused.",
        status: 200,
        arguments: &[REVISION_ID, DIGEST],
        result: result::signed_contract,
    },
    Operation {
        name: "activate_contract",
        scope: Some(Scope::ContractsActivate),
        method: "POST",
        path: "/v1/platform/contracts/revisions/{revision_id}/activate",
        summary: "Make a published revision the active one",
        description: "Verifies its signature, counts the signatures of distinct hands against the quorum of the active \
                      policy (two, of any role, before there is one), and takes the place of the revision before it. \
                      Revisions with lower numbers are superseded. Activating the active revision changes nothing.",
        status: 200,
        arguments: &[REVISION_ID],
        result: result::contract_revision,
    },
    Operation {
        name: "revoke_contract",
        scope: Some(Scope::ContractsActivate),
        method: "POST",
        path: "/v1/platform/contracts/revisions/{revision_id}/revoke",
        summary: "Revoke a published or active revision",
        description: "At once and for good, by one person: what an active one allowed is over. Runs of an agent without an \
                      active contract stop. Revoking a policy stops new runs; its quorum holds until another is active.",
        status: 200,
        arguments: &[
            REVISION_ID,
            Argument::optional(
                "reason",
                Kind::Text { rule: NameRule::Line, max: 500 },
                "null",
                "Why, for people to read.",
            ),
        ],
        result: result::contract_revision,
    },
    Operation {
        name: "get_contract",
        scope: Some(Scope::ContractsRead),
        method: "GET",
        path: "/v1/platform/contracts/revisions/{revision_id}",
        summary: "Show a revision of a contract",
        description: "Its document, its life, and its signatures.",
        status: 200,
        arguments: &[REVISION_ID],
        result: result::contract,
    },
    Operation {
        name: "list_contracts",
        scope: Some(Scope::ContractsRead),
        method: "GET",
        path: "/v1/platform/contracts",
        summary: "List the contracts of the project",
        description: "Each with its active revision and its newest one.",
        status: 200,
        arguments: &[
            Argument::optional("kind", Kind::Word(kinds), "null", "Only contracts of this kind."),
            PAGE,
            CURSOR,
        ],
        result: result::contracts,
    },
    Operation {
        name: "active_contract",
        scope: Some(Scope::ContractsRead),
        method: "GET",
        path: "/v1/platform/contracts/{kind}/{name}/active",
        summary: "Show the active revision of a contract",
        description: "The one that the platform acts by, once its signatures have been verified.",
        status: 200,
        arguments: &[KIND, CONTRACT_NAME],
        result: result::contract,
    },
    Operation {
        name: "contract_history",
        scope: Some(Scope::ContractsRead),
        method: "GET",
        path: "/v1/platform/contracts/{kind}/{name}/history",
        summary: "Show every revision of a contract, newest first",
        description: "Drafts first, then published revisions by number, each with who did what and when.",
        status: 200,
        arguments: &[KIND, CONTRACT_NAME, PAGE, CURSOR],
        result: result::contract_history,
    },
    Operation {
        name: "diff_contracts",
        scope: Some(Scope::ContractsRead),
        method: "GET",
        path: "/v1/platform/contracts/revisions/{revision_id}/diff",
        summary: "Compare two revisions",
        description: "What turns one document into the other, as a JSON Patch (RFC 6902) whose operations also say what \
                      was there before. Without from_revision_id, from the revision that is active.",
        status: 200,
        arguments: &[
            REVISION_ID,
            Argument::optional(
                "from_revision_id",
                Kind::Uuid,
                "null",
                "The revision to compare with; the active one of the same contract where null.",
            ),
        ],
        result: result::contract_diff,
    },
    Operation {
        name: "verify_contract",
        scope: Some(Scope::ContractsRead),
        method: "POST",
        path: "/v1/platform/contracts/revisions/{revision_id}/verify",
        summary: "Verify a published revision",
        description: "Computes its canonical bytes, digest and signatures again, and counts its signatures against the \
                      quorum that holds now, telling of each that does not count why.",
        status: 200,
        arguments: &[REVISION_ID],
        result: result::contract_verification,
    },
    Operation {
        name: "export_contract",
        scope: Some(Scope::ContractsRead),
        method: "GET",
        path: "/v1/platform/contracts/revisions/{revision_id}/export",
        summary: "Export a published revision as a file",
        description: "The revision as it was signed, with its signatures: what import_contract takes, and what \
                      `awooop-gateway contract verify` verifies without the database.",
        status: 200,
        arguments: &[REVISION_ID],
        result: result::exported_contract,
    },
    Operation {
        name: "import_contract",
        scope: Some(Scope::ContractsWrite),
        method: "POST",
        path: "/v1/platform/contracts/import",
        summary: "Import an exported contract as a draft",
        description: "Takes the document of a file that export_contract made, here or elsewhere; its signatures hold for \
                      the revision that was exported, so the draft is published and signed anew. A file whose signature \
                      this platform can check, and finds wrong, is refused.",
        status: 201,
        arguments: &[Argument::required(
            "exported",
            Kind::Document { max_bytes: MAX_EXPORT_BYTES },
            "The file's content.",
        )],
        result: result::imported_contract,
    },
];
