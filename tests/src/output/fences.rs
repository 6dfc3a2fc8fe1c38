//! Who may have an output judged: the worker whose lease holds, in its project, and nobody else.

use serde_json::json;

use super::{complete, hand_on, journaled, judge, judging, project, told, working};
use crate::harness::platform_logins::{gateway_login_in, worker_login};
use crate::harness::quiet::{claims, text};

#[test]
fn a_worker_that_lost_its_lease_writes_no_output() {
    let project = project();
    let (mut actor, first) = working(&project);
    judge(&mut actor, &first, "no");
    let second = hand_on(&project, &mut actor, &first.run);
    for sql in [
        judging(&first, "no", ""),
        judging(&first, "{answer: 'yes'}", ""),
        judging(&first, "no", ", 1"),
        first.sql("complete_run", ", '{}'"),
        first.sql("complete_run", ", '{\"answer\": \"yes\"}'"),
    ] {
        assert_eq!(actor.code(&sql), "E-RUN-003", "{sql}");
    }
    assert_eq!(journaled(&project, &first.run), "awooop:output/1");
    assert_eq!(told(&judge(&mut actor, &second, "no")), (false, 1));
    // A lease that only expired is lost, too.
    crate::harness::quiet::expire(&mut project.admin(), &first.run);
    assert_eq!(actor.code(&judging(&second, "no", "")), "E-RUN-003");
}

#[test]
fn another_project_and_a_caller_who_does_not_work_cannot() {
    let (mine, theirs) = (project(), project());
    let (mut actor, claim) = working(&mine);
    let (mut other, _) = working(&theirs);
    for sql in [judging(&claim, "no", ""), judging(&claim, "no", ", 1"), claim.sql("complete_run", ", '{}'")] {
        assert_eq!(other.code(&sql), "E-RUN-003", "{sql}");
    }
    let create = "select awooop.create_api_key('reader', '{runs:read,runs:write}')";
    let key = text(&mine.admin().within(&mine.id, create)["api_key"]);
    let arguments = json!({"run_id": claim.run, "lease": claim.lease, "raw": "no"}).to_string();
    let reply = gateway_login_in(&mine.database).call(&mine.id, &key, "validate_output", &arguments);
    assert_eq!((reply.status, &reply.body["code"]), (403, &json!("E-AUTH-003")));
    assert_eq!(journaled(&mine, &claim.run), "");
    assert_eq!(told(&judge(&mut actor, &claim, "no")), (false, 2));
}

#[test]
fn a_platform_worker_has_outputs_judged_by_its_lease_alone() {
    let (database, _) = crate::harness::own_database();
    let project = crate::harness::Project::in_database(&database);
    super::contracts(&mut project.admin(), &project.id, &super::answer(), &json!({}), None);
    project.actor().create("");
    let mut worker = worker_login(&project.database);
    let claim = claims(&worker.json("select awooop.claim_runs('w')")).pop().unwrap();
    assert_eq!(told(&worker.json(&judging(&claim, "no", ""))), (false, 2));
    assert_eq!(worker.json(&claim.sql("complete_run", ", '{}'"))["code"], "E-SCHEMA-004");
    assert_eq!(told(&worker.json(&judging(&claim, "{answer: 'yes'}", ""))), (true, 1));
    assert_eq!(worker.json(&judging(&claim, "no", ""))["code"], "E-SCHEMA-001");
    assert_eq!(project.actor().state(&claim.run), "failed");
}

#[test]
fn an_agent_that_lost_its_contract_has_nothing_judged() {
    let project = project();
    let (mut actor, claim) = working(&project);
    let mut admin = project.admin();
    let revision = admin.within(&project.id, "select awooop.active_contract('agent', 'agent')")["revision_id"].clone();
    admin.within(&project.id, &format!("select awooop.revoke_contract('{}')", text(&revision)));
    assert_eq!(actor.code(&judging(&claim, "{answer: 'yes'}", "")), "E-AGENT-004");
    assert_eq!(journaled(&project, &claim.run), "");
    assert_eq!(complete(&mut actor, &claim, &json!({"answer": "yes"}))["code"], "E-RUN-003");
}
