//! Redaction: the functions in SQL, what a project can set, what is stored redacted, and what is kept exact and shown
//! redacted to others.

mod context;
mod failing;
mod functions;
mod identifiers;
mod json;
mod logs;
mod positions;
mod rights;
mod rules;
mod sessions;
mod settings;
mod shadowing;
mod shown;
mod stored;
mod work;

use serde_json::Value;

use crate::harness::quiet::EVERY_SCOPE;
use crate::harness::{Actor, Project, Session, literal, unique};

/// An address, which a project may allow.
const EMAIL: &str = "ada.lovelace@example.com";
/// A token, which it may not.
const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

/// A project with three principals in it.
struct Stage {
    project: Project,
    /// Creates runs.
    creator: Actor,
    /// Works on them.
    worker: Actor,
    /// Neither.
    other: Actor,
    admin: Session,
}

impl Stage {
    fn new() -> Self {
        Self::of(Project::new())
    }

    fn of(project: Project) -> Self {
        let mut admin = project.admin();
        let creator = project.actor();
        let worker = one_more(&mut admin, &project);
        let other = one_more(&mut admin, &project);
        Self { project, creator, worker, other, admin }
    }

    /// The text in the database of a query about this project, whose id is `$p` in it.
    #[track_caller]
    fn stored(&mut self, sql: &str) -> String {
        self.admin.value(&sql.replace("$p", &literal(&self.project.id)))
    }
}

/// One more login with every scope in the project.
fn one_more(admin: &mut Session, project: &Project) -> Actor {
    let role = unique("colleague");
    admin.run(&format!("create role {role} login password 'secret'"));
    admin.run(&format!("select awooop.bind_role('{role}', '{}', string_to_array('{EVERY_SCOPE}', ','))", project.id));
    Project { role, ..project.clone() }.actor()
}

/// What `awooop.redact` makes of a text.
#[track_caller]
fn redact(session: &mut Session, text: &str) -> String {
    session.value(&format!("select awooop.redact({})", literal(text)))
}

/// What it makes of it in the actor's project.
#[track_caller]
fn redacted_for(actor: &mut Actor, text: &str) -> String {
    // As JSON, so that a text which looks like JSON stays one.
    match actor.call(&format!("select to_json(awooop.redact({}))", literal(text))) {
        Value::String(text) => text,
        other => panic!("{other}"),
    }
}
