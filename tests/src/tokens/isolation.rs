//! Two projects see nothing of each other's issuers, and nobody sees a token.

use serde_json::json;

use super::stage::Stage;
use crate::harness::issuer::Signer;
use crate::harness::{Project, literal, own_database};

#[test]
fn issuers_of_another_project_cannot_be_seen_changed_or_removed() {
    let (mut ours, mut theirs) = (Stage::new(), Stage::new());
    let listed = ours.actor.call("select awooop.list_token_issuers()");
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert!(!listed.to_string().contains(&theirs.issuer));
    let remove = format!("select awooop.remove_token_issuer({})", literal(&theirs.issuer));
    assert_eq!(ours.actor.code(&remove), "E-ISSUER-001");
    // The same issuer, registered here as well, is this project's own.
    let their_issuer = theirs.issuer.clone();
    let token = theirs.token();
    ours.issuer = their_issuer;
    ours.register("");
    ours.refused(&token, "the other's key");
    ours.actor.call(&remove);
    assert_eq!(theirs.whoami(&token)["project_id"], theirs.project.id);
}

#[test]
fn a_token_is_written_nowhere_and_no_answer_shows_it() {
    let (database, _) = own_database();
    let mut stage = Stage::of(Project::in_database(&database), "ES256");
    let forged = Signer::under("ES256", &stage.signer.kid);
    let (good, bad) = (stage.token(), forged.token(&stage.claims()));
    let secrets: Vec<String> = [&good, &bad]
        .iter()
        .flat_map(|token| token.rsplit('.').take(2).map(str::to_owned).collect::<Vec<_>>())
        .chain([stage.courier.split_once('.').unwrap().1.to_owned()])
        .collect();
    let mut answers = Vec::new();
    for token in [&good, &bad] {
        for (operation, arguments) in
            [("whoami", json!({})), ("list_audit", json!({})), ("create_agent", json!({"agent_id": "a"}))]
        {
            answers.push(stage.ask(token, operation, &arguments).body.to_string());
        }
        if let Err(failure) = stage.gateway.try_call(&stage.project.id, token, "no_such_operation", "{") {
            answers.push(format!("{failure:?}"));
        }
    }
    for sql in [
        "select awooop.list_token_issuers()::text",
        "select awooop.list_audit()::text",
        "select awooop.list_principals()::text",
    ] {
        answers.push(stage.actor.call(sql).to_string());
    }
    let tables = stage
        .admin
        .rows("select oid::regclass::text from pg_class where relnamespace = 'awooop'::regnamespace and relkind = 'r'")
        .unwrap();
    for secret in &secrets {
        assert!(answers.iter().all(|answer| !answer.contains(secret.as_str())), "{answers:?}");
        for table in tables.iter().flatten().flatten() {
            let sql = format!("select count(*) from {table} t where t::text like '%{secret}%'");
            assert_eq!(stage.admin.value(&sql), "0", "{table}");
        }
    }
}
