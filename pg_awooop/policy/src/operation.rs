//! Every operation of the platform, as data: name, scope, route, arguments, result.
//!
//! Both doors serve exactly this list. `awooop.operation`, the gateway's routes, OpenAPI and the SQL functions'
//! arguments come from it or are checked against it.

mod list;
mod result;

use serde_json::Value;

use crate::argument::{self, Argument};
use crate::scope::Scope;

pub use list::OPERATIONS;

/// One thing a caller can ask for.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Its name: the SQL function's, and the third argument of `awooop.call`.
    pub name: &'static str,
    /// What the caller's credential must allow; `None` for any valid credential.
    pub scope: Option<Scope>,
    pub method: &'static str,
    /// The route, with `{placeholders}` that are arguments.
    pub path: &'static str,
    pub summary: &'static str,
    pub description: &'static str,
    /// HTTP status of the ordinary answer.
    pub status: u16,
    pub arguments: &'static [Argument],
    pub result: fn() -> Value,
}

impl Operation {
    /// The operation of that name.
    pub fn named(name: &str) -> Option<&'static Operation> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    /// Whether it decides itself what a project may do that is suspended: a gate of calls does, and what has become of a message is
    /// worth knowing.
    pub fn judges_the_project(&self) -> bool {
        matches!(self.name, "mcp_begin_call" | "mcp_explain" | "mark_message")
    }

    /// Whether an agent that has a run's lease as its credential may use it, for that run: to work, and not to end the run or keep
    /// it, which is its worker's.
    pub fn is_for_runs(&self) -> bool {
        matches!(
            self.name,
            "whoami"
                | "get_run"
                | "list_steps"
                | "record_step"
                | "validate_output"
                | "request_approval"
                | "approval_status"
                | "reserve_budget"
                | "settle_budget"
                | "release_budget"
                | "get_session"
                | "put_session"
                | "mcp_list_tools"
                | "mcp_begin_call"
                | "mcp_suspend_call"
                | "mcp_relay"
                | "mcp_finish_call"
                | "mcp_explain"
        )
    }

    /// JSON Schema of the flat argument object, path parameters included.
    pub fn arguments_schema(&self) -> Value {
        argument::schema(self.arguments)
    }
}

/// The SQL declarations of the operations' functions (pg_awooop/sql/operations.sql).
pub fn sql_declarations() -> String {
    let mut sql = String::from(
        "-- Made from pg_awooop/policy/src/operation/list.rs by `cargo xtask docs`: one function for each operation, all\n\
         -- with one body, which reads the operation's name off the function.\n",
    );
    for operation in OPERATIONS {
        let arguments: Vec<String> = operation.arguments.iter().map(Argument::sql_declaration).collect();
        sql.push_str(&format!(
            "\ncreate function awooop.{}({})\n    returns jsonb language c volatile parallel unsafe security definer\n    \
             set search_path to pg_catalog, pg_temp\n    as 'MODULE_PATHNAME', 'awooop_operation';\n\
             comment on function awooop.{} is '{}';\n",
            operation.name,
            arguments.join(", "),
            operation.name,
            operation.description.replace('\'', "''"),
        ));
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_routes_are_unique() {
        let names: HashSet<_> = OPERATIONS.iter().map(|o| o.name).collect();
        let routes: HashSet<_> = OPERATIONS.iter().map(|o| (o.method, o.path)).collect();
        assert_eq!((names.len(), routes.len()), (OPERATIONS.len(), OPERATIONS.len()));
    }

    #[test]
    fn every_placeholder_of_a_route_is_a_required_argument() {
        for operation in OPERATIONS {
            for name in operation.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
                assert!(operation.arguments.iter().any(|a| a.name == name && a.required), "{}: {name}", operation.name);
            }
        }
    }

    #[test]
    fn every_default_is_admitted_by_its_own_argument() {
        for operation in OPERATIONS {
            for argument in operation.arguments.iter().filter(|a| a.default != "null") {
                let members = [(argument.name.to_owned(), serde_json::from_str(argument.default).unwrap())];
                let one = [Argument { required: false, ..*argument }];
                assert!(
                    argument::Arguments::check(&one, members.into_iter().collect()).is_ok(),
                    "{}.{}",
                    operation.name,
                    argument.name
                );
            }
        }
    }
}
