//! What a DBA can do to the rows, and what that is worth.

use serde_json::json;

use super::stage::{ERASE, LOOK_UP, REFUND, Shop, order, said};
use crate::harness::quiet::text;

#[test]
fn no_dml_changes_what_was_decided_about_a_call_or_how_it_ended() {
    // TRUNCATE locks whole tables.
    let mut shop = Shop::alone();
    let project = shop.office.project.clone();
    let begun = shop.begin(LOOK_UP, order("A-1"));
    let open = shop.begin(LOOK_UP, order("A-2"));
    shop.finish(&begun, "failed", said("x"));
    let id = text(&begun["call_id"]);
    for statement in [
        format!("update awooop.mcp_call set tool = '{ERASE}' where call_id = '{id}'"),
        format!("update awooop.mcp_call set arguments = '{{}}' where call_id = '{id}'"),
        format!("update awooop.mcp_call set outcome = 'succeeded' where call_id = '{id}'"),
        format!("update awooop.mcp_call set principal_id = 'somebody' where call_id = '{id}'"),
        format!("delete from awooop.mcp_call where call_id = '{id}'"),
        format!("update awooop.mcp_call set begun_at = null where call_id = '{}'", text(&open["call_id"])),
        format!("update awooop.mcp_call set basis = '{{}}' where call_id = '{}'", text(&open["call_id"])),
        format!("update awooop.mcp_call set cost_micro_usd = 0 where call_id = '{}'", text(&open["call_id"])),
        "truncate awooop.mcp_call".to_owned(),
        format!("update awooop.run_state set call_id = null where run_id = '{}'", text(&begun["run_id"])),
        format!("update awooop.api_keys set agent_id = 'agent' where project_id = '{project}'"),
    ] {
        let code = shop.office.admin.code(&statement);
        assert!(["E-MCP-013", "E-RUN-007", "E-AUTH-007"].contains(&code.as_str()), "{statement}: {code}");
    }
}

#[test]
fn a_forged_grant_or_a_forged_pin_opens_nothing_that_signed_contracts_do_not() {
    let mut shop = Shop::alone();
    let (project, agent, admin) = (shop.office.project.clone(), shop.agent.clone(), shop.admin.clone());
    // A grant by hand of what the policy denies, in place of the one that there was.
    shop.does(&admin, "mcp_revoke_grant", json!({"agent_id": "agent", "tool": ERASE}));
    assert_eq!(shop.denied(Shop::wanted(ERASE, order("A-1")))["reason"], "not_granted");
    shop.office.sql(&format!(
        "insert into awooop.mcp_grant (project_id, grant_id, agent_id, tool, granted_by)
         values ('{project}', gen_random_uuid(), 'agent', '{ERASE}', 'dba') returning tool"
    ));
    assert_eq!(shop.denied(Shop::wanted(ERASE, order("A-1")))["reason"], "policy");
    // A pin by hand of what nobody has reviewed: what is reviewed the contract says.
    let mut drifted = super::stage::definition("look_up");
    drifted["description"] = "x".into();
    shop.import(&[drifted]);
    shop.office.sql(&format!(
        "update awooop.mcp_tool set pinned_digest = digest, pinned_definition = definition
         where project_id = '{project}' and name = '{LOOK_UP}' returning name"
    ));
    assert_eq!(shop.denied(Shop::wanted(LOOK_UP, order("A-1")))["reason"], "drifted");
    assert_eq!(shop.does(&agent, "mcp_explain", Shop::wanted(REFUND, order("A-1")))["code"], "E-MCP-GATE-003");
}

#[test]
fn an_approval_that_was_forged_in_the_rows_lets_no_call_through() {
    let mut shop = Shop::alone();
    let agent = shop.agent.clone();
    let asked = shop.does(&agent, "mcp_begin_call", Shop::wanted(REFUND, order("A-1")));
    shop.edit_approval(
        &asked["approval"],
        "approved_at = clock_timestamp(), token_until = clock_timestamp() + interval '1 hour', grant_key = digest_key,
         grant_mac = mac",
    );
    let run_id = text(&asked["run_id"]);
    shop.office.admin.run(&format!("update awooop.run_state set state = 'pending' where run_id = '{run_id}'"));
    let mut wanted = Shop::wanted(REFUND, order("A-1"));
    wanted["request_state"] = asked["request_state"].clone();
    let denied = shop.denied(wanted);
    assert_eq!((&denied["code"], &denied["reason"]), (&json!("E-MCP-GATE-008"), &json!("tampered")));
}
