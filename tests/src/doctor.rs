//! What `awooop.doctor()` finds: nothing in a sound installation, and each thing that a DBA's slip would open.

use crate::harness::{Session, own_database, unique};

/// Areas and subjects of the findings.
fn findings(admin: &mut Session) -> Vec<(String, String)> {
    let column = |value: &Option<String>| value.clone().unwrap_or_default();
    admin
        .rows("select area, subject, finding, remedy from awooop.doctor() order by area, subject")
        .unwrap()
        .iter()
        // The maintenance worker serves the shared database, not this one; tests elsewhere leave roles behind.
        .filter(|row| !matches!(row[0].as_deref(), Some("setting" | "role")))
        .map(|row| {
            assert!(!column(&row[2]).is_empty() && !column(&row[3]).is_empty(), "{row:?}");
            (column(&row[0]), column(&row[1]))
        })
        .collect()
}

#[test]
fn a_sound_installation_has_no_findings_and_a_slip_is_found_with_its_remedy() {
    let (_, mut admin) = own_database();
    assert_eq!(findings(&mut admin), []);
    for (slip, area, subject) in [
        ("alter table awooop.run_state no force row level security", "rls", "run_state"),
        ("alter table awooop.agents owner to postgres", "ownership", "agents"),
        ("alter table awooop.audit_log disable trigger append_only", "trigger", "audit_log"),
        ("grant trigger on awooop.projects to public", "grant", "projects"),
    ] {
        admin.run("begin");
        admin.run(slip);
        let found = findings(&mut admin);
        assert!(found.contains(&(area.to_owned(), subject.to_owned())), "{slip}: {found:?}");
        admin.run("rollback");
    }
}

#[test]
fn an_issuer_whose_keys_nobody_fetches_is_found_before_its_tokens_are_refused() {
    let (_, mut admin) = own_database();
    admin.run("select awooop.create_project('p', migration_mode => 'shadow')");
    let issuer = "https://idp.example";
    admin.within("p", &format!("select awooop.set_token_issuer('{issuer}', '{issuer}/keys', 'urn:a:b', '{{}}')"));
    assert_eq!(findings(&mut admin), []);
    admin.run("update awooop.token_issuer set registered_at = registered_at - interval '61 minutes'");
    assert_eq!(findings(&mut admin), [("issuer".to_owned(), issuer.to_owned())]);
    admin.run("update awooop.token_issuer set keys_fetched_at = clock_timestamp()");
    assert_eq!(findings(&mut admin), []);
}

#[test]
fn a_binding_whose_role_is_gone_is_found_and_can_be_ended() {
    let (_, mut admin) = own_database();
    let role = unique("gone");
    admin.run("select awooop.create_project('p', migration_mode => 'shadow')");
    admin.run(&format!("create role {role} login"));
    admin.run(&format!("select awooop.bind_role('{role}', 'p', '{{runs:read}}')"));
    assert_eq!(findings(&mut admin), []);
    admin.run(&format!("drop role {role}"));
    assert_eq!(findings(&mut admin), [("binding".to_owned(), role.clone())]);
    // The remedy, as it is printed.
    let remedy = admin.value("select remedy from awooop.doctor() where area = 'binding'");
    assert_eq!(admin.json(&remedy)["unbound"], true);
    assert_eq!(findings(&mut admin), []);
    assert_eq!(admin.json(&remedy)["unbound"], false);
}
