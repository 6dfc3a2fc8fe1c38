//! Facts that other crates of the platform hold as well. They depend on this one, so the comparison is here.

use awooop_policy::name::{MAX_CHANNEL_ID, MAX_ID, NameRule};
use awooop_policy::{mode, redact};

use super::schema;
use crate::Kind;
use crate::model::policy::{Families, Family};
use crate::model::project::MigrationMode;
use crate::model::redaction::FamilyMode;

#[test]
fn modes_and_families_are_those_of_the_platform() {
    assert!(MigrationMode::ALL.iter().map(|m| m.as_str()).eq(mode::MigrationMode::ALL.iter().map(|m| m.as_str())));
    assert!(Family::ALL.iter().map(|f| f.as_str()).eq(redact::Family::ALL.iter().map(|f| f.as_str())));
    let policy = schema(Kind::Policy);
    for family in redact::Family::ALL {
        let property = &policy["$defs"]["families"]["properties"][family.as_str()];
        let can_be_allowed = property["enum"].as_array().unwrap().iter().any(|mode| mode == "allow");
        assert_eq!(can_be_allowed, !family.is_credential(), "{family:?}");
        let by_default = Families::default().mode(Family::parse(family.as_str()).unwrap()) == FamilyMode::Redact;
        assert_eq!(by_default, family.is_default(), "{family:?}");
    }
}

#[test]
fn ids_and_lines_follow_the_platform_s_rules() {
    for &kind in Kind::ALL {
        let definitions = &schema(kind)["$defs"];
        let id = NameRule::Id.pattern().unwrap().replace("]*$", &format!("]{{0,{}}}$", MAX_ID - 1));
        for name in ["id", "role"] {
            if let Some(definition) = definitions.get(name) {
                assert_eq!(definition["pattern"], id, "{kind:?}");
            }
        }
        assert_eq!(definitions["line"]["pattern"], NameRule::Line.pattern().unwrap(), "{kind:?}");
    }
    let chat = &schema(Kind::Channel)["$defs"]["approval_chat"]["properties"]["channel_chat_id"];
    assert_eq!(chat["maxLength"], MAX_CHANNEL_ID);
}

#[test]
fn limits_of_runs_are_those_of_the_operations() {
    let run = schema(Kind::Run);
    let create = awooop_policy::operation::Operation::named("create_run").unwrap().arguments_schema();
    let retry = &run["$defs"]["retry"]["properties"]["max_attempts"];
    for (own, name) in [
        (&run["properties"]["priority"], "priority"),
        (&run["properties"]["deadline_seconds"], "deadline_seconds"),
        (retry, "max_attempts"),
    ] {
        for keyword in ["minimum", "maximum"] {
            assert_eq!(own[keyword], create["properties"][name][keyword], "{name} {keyword}");
        }
        // What holds where there is no run contract is said in words.
        let said = create["properties"][name]["description"].as_str().unwrap_or_default();
        assert!(said.ends_with(&format!("else {}.", own["default"])), "{name}: {said}");
    }
}
