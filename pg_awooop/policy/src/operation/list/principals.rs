//! The people and services of a project, and their roles.

use super::ID;
use crate::access_token::terms::MAX_PRINCIPAL;
use crate::argument::{Argument, Kind};
use crate::name::NameRule;
use crate::operation::{Operation, result};
use crate::scope::Scope;

const PRINCIPAL: Argument = Argument::required(
    "principal_id",
    Kind::Text { rule: NameRule::Line, max: MAX_PRINCIPAL },
    "The person or service, as awooop.list_principals shows it.",
);
const ROLE: Argument = Argument::required("role", ID, "The role, one that a policy contract names.");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "list_principals",
        scope: Some(Scope::PrincipalsAdmin),
        method: "GET",
        path: "/v1/platform/principals",
        summary: "List the people and services of the project",
        description: "Each with its roles and the hand it counts as: principals that one of them brought into being count \
                      as that one, whatever their credentials.",
        status: 200,
        arguments: &[],
        result: result::principals,
    },
    Operation {
        name: "grant_principal_role",
        scope: Some(Scope::PrincipalsAdmin),
        method: "PUT",
        path: "/v1/platform/principals/{principal_id}/roles/{role}",
        summary: "Give a person or service a role",
        description: "Roles say whose signatures and approvals count. Nobody gives a role to themselves, or to a principal \
                      that they brought into being. Giving it twice changes nothing.",
        status: 200,
        arguments: &[PRINCIPAL, ROLE],
        result: result::principal,
    },
    Operation {
        name: "revoke_principal_role",
        scope: Some(Scope::PrincipalsAdmin),
        method: "DELETE",
        path: "/v1/platform/principals/{principal_id}/roles/{role}",
        summary: "Take a role from a person or service",
        description: "Signatures that needed the role stop counting. Taking it twice changes nothing.",
        status: 200,
        arguments: &[PRINCIPAL, ROLE],
        result: result::principal,
    },
];
