//! A DBA who edits rows: what triggers refuse to everybody, and that rows which were changed with the triggers off are
//! not acted by.

use serde_json::{Value, json};

use super::stage::{Office, agent, policy};
use crate::harness::quiet::text;

/// The columns of a published revision that say what it is.
const FIXED: [&str; 13] = [
    "project_id = 'x'",
    "revision_id = gen_random_uuid()",
    "kind = 'tool'",
    "name = 'other'",
    "number = number + 1",
    "draft = '{}'",
    "document = '{}'",
    "digest = sha256('x')",
    "authors = '{}'",
    "created_at = now()",
    "edited_at = now()",
    "published_by = 'x'",
    "published_at = now()",
];

#[test]
fn no_dml_by_anybody_changes_what_is_published() {
    let mut office = Office::alone();
    let (project, id) = (office.project.clone(), text(&office.activated(&agent("bot", "Answers."))));
    let of = format!("project_id = '{project}' and revision_id = '{id}'");
    let before = office.sql(&format!("select r::text from awooop.contract_revisions r where {of}"));
    for role in ["postgres", "awooop_owner"] {
        office.sql(&format!("set role {role}"));
        // For the owner rows are there in the project's context alone.
        office.sql(&format!("begin; select awooop.enter_project('{project}')"));
        for change in FIXED {
            let sql = format!("update awooop.contract_revisions set {change} where {of}");
            assert_eq!(refused(&mut office, &sql), "E-CONTRACT-010", "{role}: {change}");
        }
        for change in [
            "activated_at = null",
            "activated_at = now()",
            "activated_by = 'x'",
            "superseded_at = now(), revoked_at = now()",
        ] {
            let sql = format!("update awooop.contract_revisions set {change} where {of}");
            let code = refused(&mut office, &sql);
            assert!(["E-CONTRACT-010", "23514", "23503"].contains(&code.as_str()), "{role}: {change}: {code}");
        }
        for sql in [
            format!("delete from awooop.contract_revisions where {of}"),
            format!("update awooop.contract_signatures set principal_id = 'x' where {of}"),
            format!("delete from awooop.contract_signatures where {of}"),
            "truncate awooop.contract_signatures".to_owned(),
            "truncate awooop.contract_revisions cascade".to_owned(),
        ] {
            let code = refused(&mut office, &sql);
            assert!(code.starts_with("E-"), "{role}: {sql}: {code}");
        }
        office.sql("rollback; reset role");
    }
    assert_eq!(office.sql(&format!("select r::text from awooop.contract_revisions r where {of}")), before);
}

/// The code of SQL that must fail, in an open transaction that goes on.
fn refused(office: &mut Office, sql: &str) -> String {
    office.sql("savepoint before");
    let code = office.admin.code(sql);
    office.sql("rollback to before");
    code
}

#[test]
fn what_ended_never_comes_back_and_what_is_pointed_at_cannot_end() {
    let mut office = Office::alone();
    let (ann, project) = (office.ann.clone(), office.project.clone());
    let first = text(&office.activated(&agent("bot", "One.")));
    let second = text(&office.activated(&agent("bot", "Two.")));
    let revoked = office.published(&agent("bot", "Three."));
    office.does(&ann, "revoke_contract", json!({"revision_id": revoked}));
    for id in [first.clone(), text(&revoked)] {
        for change in [
            "superseded_at = null",
            "revoked_at = null",
            "superseded_at = null, revoked_at = null",
            "revoke_reason = 'another'",
            "activated_at = now()",
        ] {
            let sql = format!("update awooop.contract_revisions set {change} where revision_id = '{id}'");
            assert_eq!(office.admin.code(&sql), "E-CONTRACT-010", "{change}");
        }
    }
    // The pointer can name nothing but what is active, and what it names stays so.
    for sql in [
        format!(
            "update awooop.active_contracts set revision_id = '{first}' where project_id = '{project}' and name = 'bot'"
        ),
        format!(
            "update awooop.active_contracts set state = 'superseded' where project_id = '{project}' and name = 'bot'"
        ),
        format!("update awooop.contract_revisions set superseded_at = now() where revision_id = '{second}'"),
    ] {
        let code = office.admin.code(&sql);
        assert!(["23503", "23514"].contains(&code.as_str()), "{sql}: {code}");
    }
}

/// Does something to the rows with every trigger off, as only a superuser can.
fn tamper(office: &mut Office, sql: &str) {
    office.sql(&format!(
        "begin; alter table awooop.contract_revisions disable trigger all;
         alter table awooop.contract_signatures disable trigger all;
         alter table awooop.active_contracts disable trigger all;
         {sql};
         alter table awooop.contract_revisions enable trigger all;
         alter table awooop.contract_signatures enable trigger all;
         alter table awooop.active_contracts enable trigger all;
         do $$ declare t record; begin
             for t in select tgrelid::regclass as rel, tgname from pg_trigger
                      where tgrelid in ('awooop.contract_revisions'::regclass, 'awooop.contract_signatures'::regclass,
                                        'awooop.active_contracts'::regclass) and not tgisinternal
             loop execute format('alter table %s enable always trigger %I', t.rel, t.tgname); end loop;
         end $$;
         -- Every session looks again.
         update awooop.projects set updated_at = now() where false; commit"
    ));
}

/// Why the agent `bot` cannot run, in a session that has seen nothing of it yet.
fn why_it_cannot_run(office: &mut Office) -> Value {
    let (project, database) = (office.project.clone(), office.sql("select current_database()"));
    let mut fresh = crate::harness::quiet::superuser_in(&database);
    let envelope = fresh.within(&project, "select awooop.build_envelope('bot', 'telegram', '7')");
    fresh.within(&project, &format!("select awooop.create_run('{envelope}')"))
}

#[test]
fn a_revision_that_was_rewritten_with_the_triggers_off_is_not_acted_by() {
    for (what, change) in [
        (
            "its document",
            "update awooop.contract_revisions set document = replace(document, 'read_only', 'act') where revision_id = $",
        ),
        (
            "its document and digest",
            "update awooop.contract_revisions set document = replace(document, 'Answers', 'Obeys'),
            digest = sha256(convert_to(replace(document, 'Answers', 'Obeys'), 'UTF8')) where revision_id = $",
        ),
        ("its authors", "update awooop.contract_revisions set authors = '{nobody}' where revision_id = $"),
        ("its number", "update awooop.contract_revisions set number = 99 where revision_id = $"),
        ("its publisher", "update awooop.contract_revisions set published_by = 'bob' where revision_id = $"),
        (
            "its signature",
            "update awooop.contract_signatures set mac = sha256('x') where revision_id = $ and purpose = 'publish'",
        ),
        (
            "its activation",
            "update awooop.contract_signatures set principal_id = 'x' where revision_id = $ and purpose = 'activate'",
        ),
    ] {
        let mut office = Office::alone();
        let mut contract = agent("bot", "Answers.");
        contract["autonomy"] = "read_only".into();
        let id = office.activated(&contract);
        tamper(&mut office, &change.replace('$', &format!("'{}'", text(&id))));
        let refusal = why_it_cannot_run(&mut office);
        assert_eq!((&refusal["code"], &refusal["reason"]), (&json!("E-CONTRACT-008"), &json!("bad")), "{what}");
        let ann = office.ann.clone();
        let verified = office.does(&ann, "verify_contract", json!({"revision_id": id}));
        assert_eq!(verified["ok"], false, "{what}: {verified}");
        assert_eq!(office.code(&ann, "active_contract", json!({"kind": "agent", "name": "bot"})), "E-CONTRACT-008");
    }
}

#[test]
fn what_was_rewritten_after_it_was_signed_is_not_activated() {
    for change in [
        "update awooop.contract_revisions set document = replace(document, 'Answers', 'Obeys'),
            digest = sha256(convert_to(replace(document, 'Answers', 'Obeys'), 'UTF8')) where revision_id = $",
        "update awooop.contract_revisions set digest = sha256('x') where revision_id = $",
        "update awooop.contract_revisions set authors = '{nobody}' where revision_id = $",
        "delete from awooop.contract_signatures where purpose = 'publish' and revision_id = $",
    ] {
        let mut office = Office::alone();
        let (ann, id) = (office.ann.clone(), office.signed(&agent("bot", "Answers.")));
        tamper(&mut office, &change.replace('$', &format!("'{}'", text(&id))));
        assert_eq!(office.code(&ann, "activate_contract", json!({"revision_id": id})), "E-CONTRACT-008", "{change}");
        assert_eq!(office.state(&id), "published");
    }
}

#[test]
fn a_revision_that_nobody_published_or_activated_is_not_acted_by() {
    let mut office = Office::alone();
    let (ann, project) = (office.ann.clone(), office.project.clone());
    // Published, never signed by anybody, and made active by hand.
    let id = text(&office.published(&agent("bot", "Answers.")));
    office.sql(&format!(
        "update awooop.contract_revisions set activated_by = 'x', activated_at = now() where revision_id = '{id}'"
    ));
    office.sql(&format!("insert into awooop.active_contracts values ('{project}', 'agent', 'bot', '{id}')"));
    office.sql(&format!("insert into awooop.agents values ('{project}', 'bot', null, true)"));
    let refusal = why_it_cannot_run(&mut office);
    assert_eq!((&refusal["code"], &refusal["reason"]), (&json!("E-CONTRACT-008"), &json!("missing")));
    let verified = office.does(&ann, "verify_contract", json!({"revision_id": id}));
    assert_eq!((&verified["ok"], &verified["activated"]), (&json!(false), &json!("missing")));
    // Written whole by hand.
    office.sql(&format!(
        "insert into awooop.contracts values ('{project}', 'agent', 'ghost', 'x');
         insert into awooop.contract_revisions (project_id, revision_id, kind, name, number, document, digest, authors,
             created_at, edited_at, published_by, published_at, activated_by, activated_at)
         select project_id, gen_random_uuid(), kind, 'ghost', 1, replace(document, '\"bot\"', '\"ghost\"'), digest, authors,
             now(), now(), 'x', now(), 'x', now()
         from awooop.contract_revisions where revision_id = '{id}';
         insert into awooop.active_contracts select project_id, kind, name, revision_id
         from awooop.contract_revisions where project_id = '{project}' and name = 'ghost'"
    ));
    assert_eq!(office.code(&ann, "active_contract", json!({"kind": "agent", "name": "ghost"})), "E-CONTRACT-008");
}

#[test]
fn a_pointer_that_was_bent_leads_nowhere() {
    for target in ["a superseded revision", "another agent's"] {
        let mut office = Office::alone();
        let project = office.project.clone();
        let old = text(&office.activated(&agent("bot", "One.")));
        office.activated(&agent("bot", "Two."));
        let other = text(&office.activated(&agent("other", "Another.")));
        let revision = if target == "another agent's" { other } else { old };
        tamper(
            &mut office,
            &format!(
                "update awooop.active_contracts set revision_id = '{revision}' where project_id = '{project}' and name = 'bot'"
            ),
        );
        assert_eq!(why_it_cannot_run(&mut office)["code"], "E-AGENT-004", "{target}");
    }
}

#[test]
fn signatures_that_were_written_by_hand_or_carried_over_do_not_count() {
    let mut office = Office::alone();
    let (ann, project) = (office.ann.clone(), office.project.clone());
    let good = text(&office.signed(&agent("bot", "Answers.")));
    let other = office.published(&agent("bot", "Obeys."));
    let id = text(&other);
    // Of another revision, and made up.
    office.sql(&format!(
        "insert into awooop.contract_signatures
         select project_id, '{id}', signature_id, purpose, principal_id, credential, signed_at, key_id, mac
         from awooop.contract_signatures where revision_id = '{good}' and purpose = 'approve';
         insert into awooop.contract_signatures
         select '{project}', '{id}', gen_random_uuid(), 'approve', p, 'key:x', now(), key_id, sha256('x')
         from awooop.contract_signatures, unnest(array['dan', 'eva']) p where revision_id = '{good}' and purpose = 'publish'"
    ));
    let refusal = office.ask(&ann, "activate_contract", json!({"revision_id": other})).unwrap().body;
    assert_eq!((&refusal["code"], &refusal["counted"]), (&json!("E-CONTRACT-005"), &json!(0)));
    assert_eq!(refusal["discounted"], json!(["forged", "forged", "forged", "forged"]));
    assert_eq!(office.does(&ann, "verify_contract", json!({"revision_id": other}))["ok"], false);
}

#[test]
fn a_policy_that_was_slipped_in_makes_no_quorum_smaller() {
    let mut office = Office::alone();
    let (ann, project) = (office.ann.clone(), office.project.clone());
    let waiting = office.published(&agent("bot", "Answers."));
    let id = text(&office.published(&policy(1, &["anybody"])));
    office.sql(&format!(
        "update awooop.contract_revisions set activated_by = 'x', activated_at = now() where revision_id = '{id}'"
    ));
    office.sql(&format!("insert into awooop.active_contracts values ('{project}', 'policy', 'default', '{id}')"));
    let bob = office.bob.clone();
    assert_eq!(office.code(&bob, "sign_contract", json!({"revision_id": waiting})), "E-CONTRACT-008");
    assert_eq!(office.code(&ann, "activate_contract", json!({"revision_id": waiting})), "E-CONTRACT-008");
}

#[test]
fn a_tenants_login_writes_none_of_these_tables() {
    let project = crate::harness::Project::new();
    let mut actor = project.actor();
    for table in ["contracts", "contract_revisions", "contract_signatures", "active_contracts"] {
        for sql in [
            format!("select * from awooop.{table}"),
            format!("delete from awooop.{table}"),
            format!("update awooop.{table} set project_id = project_id"),
            format!("insert into awooop.{table} default values"),
        ] {
            assert_eq!(actor.code(&sql), "42501", "{sql}");
        }
    }
}

#[test]
fn a_run_under_a_rewritten_contract_keeps_no_other_from_being_claimed() {
    let mut office = Office::alone();
    let project = office.project.clone();
    let behind_http = |name: &str, purpose: &str| {
        let mut contract = agent(name, purpose);
        contract["endpoint"] = json!({"url": "https://agents.example.com/a"});
        contract
    };
    let first = text(&office.activated(&behind_http("bot", "One.")));
    office.activated(&behind_http("other", "One."));
    for name in ["bot", "other"] {
        let envelope =
            office.admin.within(&project, &format!("select awooop.build_envelope('{name}', 'telegram', '7')"));
        office.admin.within(&project, &format!("select awooop.create_run('{envelope}')"));
    }
    office.activated(&behind_http("bot", "Two."));
    tamper(
        &mut office,
        &format!(
            "update awooop.contract_revisions set document = replace(document, 'One.', 'Not.')
             where revision_id = '{first}'"
        ),
    );
    let claimed = office.admin_again().within(&project, "select awooop.claim_runs('w', 10, with_endpoint => true)");
    let agents: Vec<_> = claimed["runs"].as_array().expect("runs").iter().map(|run| text(&run["agent_id"])).collect();
    assert_eq!(agents, ["other"]);
    let left = office.sql(&format!(
        "select state || ' ' || attempts from awooop.run_state where project_id = '{project}' and agent_id = 'bot'"
    ));
    assert_eq!(left, "pending 0");
}
