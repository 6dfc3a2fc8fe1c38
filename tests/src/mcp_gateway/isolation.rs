//! Ten places that a credential's value must never reach. Each test looks in its place twice: with the gateway as it is, where
//! nothing must be found, and with one whose protection of that place is taken out (a build with faults), where the value must be
//! found, or the test would find nothing at all. Where nothing but care keeps it out, in log and metrics, that build is careless.

use serde_json::{Value, json};

use super::stage::{Desk, SECRET, Setup};
use crate::harness::answer::eventually;
use crate::harness::{Options, OwnServer, literal};
use crate::http::server_log::TALKATIVE;

/// What of the value is found in whatever form it is kept: a name is folded to what a name may hold.
const PIECE: &str = "quiet.lantern";
const FOLDED: &str = "blue-heron-7";

fn setup(fault: Option<&'static str>) -> Setup<'static> {
    let mut setup = Setup {
        server: vec!["--echo-credential", "header:x-api-key", "--trouble"],
        credential: Some(("header", Some("X-Api-Key"))),
        ..Setup::default()
    };
    if let Some(fault) = fault {
        setup.gateway.push(("FAULT", fault));
    }
    setup
}

/// Calls tools that show the credential they were called with, as it is.
fn call_all(desk: &Desk) -> Vec<Value> {
    let bot = desk.bot();
    let mut shown = Vec::new();
    for via in ["result", "error", "resource"] {
        shown.push(bot.call("echo_secret_plain", json!({"via": via})));
    }
    shown.push(
        bot.request("tools/call", json!({"name": "echo_secret_plain", "arguments": {"via": "protocol_error"}})).json(),
    );
    shown
}

/// Looks in one place, without a fault and with it.
#[track_caller]
fn never(fault: &'static str, found: impl Fn(Option<&'static str>) -> Option<String>) {
    if let Some(where_to) = found(None) {
        panic!("the credential is there: {where_to}");
    }
    assert!(found(Some(fault)).is_some(), "without its protection ({fault}) the credential is not found either");
}

/// The first of those texts that shows it.
fn leak<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<String> {
    texts.into_iter().find(|text| text.contains(PIECE) || text.contains(FOLDED)).map(str::to_owned)
}

/// Rows of the project in tables whose name has one of those words, that show the value.
fn in_tables(desk: &mut Desk, words: &[&str]) -> Option<String> {
    let project = literal(&desk.office.project);
    let tables = desk.office.sql(
        "select string_agg(c.relname, ',' order by c.relname) from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attname = 'project_id'
         where c.relnamespace = 'awooop'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition",
    );
    let mut looked_at = 0;
    for table in tables.split(',').filter(|table| words.is_empty() || words.iter().any(|word| table.contains(word))) {
        looked_at += 1;
        let sql = format!(
            "select coalesce((select left(t::text, 4000) from awooop.{table} t where t.project_id = {project}
                              and (t::text like '%{PIECE}%' or t::text like '%{FOLDED}%') limit 1), '')"
        );
        let row = desk.office.sql(&sql);
        if !row.is_empty() {
            return Some(format!("{table}: {row}"));
        }
    }
    assert!(looked_at > 0, "no table of that name in {tables}");
    None
}

#[test]
fn a_credential_never_reaches_a_table() {
    never("unmasked", |fault| {
        let mut desk = Desk::with(setup(fault));
        call_all(&desk);
        in_tables(&mut desk, &[])
    });
}

/// What was done and spent: the journal of a run's steps, and the books of budgets.
#[test]
fn a_credential_never_reaches_the_ledger() {
    never("unmasked", |fault| {
        let mut desk = Desk::with(setup(fault));
        let run = desk.run();
        let call = json!({
            "name": "echo_secret_plain", "arguments": {},
            "_meta": {"io.awooop/call": {"run_id": run.run, "lease": run.lease, "step_key": "one"}}
        });
        let shown = desk.bot().result("tools/call", call);
        assert_eq!(shown["isError"], json!(false), "{shown}");
        in_tables(&mut desk, &["ledger", "journal", "budget"])
    });
}

#[test]
fn a_credential_never_reaches_an_audit_row() {
    never("unmasked", |fault| {
        let mut desk = Desk::with(setup(fault));
        call_all(&desk);
        // A server that names a tool after what it was shown: what is imported is on record.
        let direct =
            super::client::Client::new(desk.server.url.trim_start_matches("http://").trim_end_matches("/mcp"), "")
                .at("/mcp");
        let added = direct.call("add_tool", json!({"name": SECRET}));
        assert_eq!(added["isError"], json!(false), "{added}");
        desk.import();
        let project = literal(&desk.office.project);
        let rows = desk
            .office
            .sql(&format!("select string_agg(a::text, ' ') from awooop.audit_log a where a.project_id = {project}"));
        assert!(rows.contains("mcp_tools_imported"), "{rows}");
        leak([rows.as_str()])
    });
}

#[test]
fn a_credential_never_reaches_a_log_line() {
    never("logged", |fault| {
        let desk = Desk::with(setup(fault));
        call_all(&desk);
        leak(desk.gateway.log().lines())
    });
}

#[test]
fn a_credential_never_reaches_an_error_message() {
    never("unmasked", |fault| {
        let desk = Desk::with(setup(fault));
        let shown = desk.bot().call("echo_secret_plain", json!({"via": "error"}));
        assert_eq!(shown["isError"], json!(true), "{shown}");
        let refused = desk
            .bot()
            .request("tools/call", json!({"name": "echo_secret_plain", "arguments": {"via": "protocol_error"}}));
        // Where a reference leads to nothing usable, what is there is not said.
        desk.secrets.put(&format!("{SECRET}\n{SECRET}"));
        let unresolved = desk.bot().call("echo_secret_plain", json!({}));
        assert!(unresolved.to_string().contains("E-MCP-GATE-009"), "{unresolved}");
        leak([shown.to_string().as_str(), refused.body.as_str(), unresolved.to_string().as_str()])
    });
}

#[test]
fn a_credential_never_reaches_a_metric_or_a_trace() {
    never("labelled", |fault| {
        let desk = Desk::with(setup(fault));
        call_all(&desk);
        let metrics = desk.client("").get("/metrics").body;
        let answer = desk.bot().request("tools/call", json!({"name": "test_simple_text", "arguments": {}}));
        assert_eq!(answer.header("traceparent").len(), 55);
        leak([metrics.as_str(), answer.header("traceparent"), answer.header("x-request-id")])
    });
}

#[test]
fn a_credential_never_serves_another_tenant() {
    never("shared", |fault| {
        let first = Desk::with(setup(fault));
        assert_eq!(first.bot().call("test_simple_text", json!({}))["isError"], json!(false));
        // Another project registers the same server, and has no credential for it. Its calls go through the same gateway.
        let mut other = Desk::with(Setup { registration: json!({"address": first.server.url}), ..Setup::default() });
        let own = std::mem::replace(&mut other.gateway.address, first.gateway.address.clone());
        let shown = other.bot().request("tools/call", json!({"name": "echo_secret_plain", "arguments": {}})).body;
        let listed = other.bot().request("tools/list", json!({})).body;
        other.gateway.address = own;
        // What it was shown is masked for whoever's it is; the other does not know it, and would see it.
        leak([shown.as_str(), listed.as_str()])
    });
}

#[test]
fn a_credential_never_reaches_the_agent() {
    never("unmasked", |fault| {
        let desk = Desk::with(setup(fault));
        let bot = desk.bot();
        let mut shown = call_all(&desk);
        for (method, params) in [
            ("tools/list", json!({})),
            ("resources/list", json!({})),
            ("prompts/list", json!({})),
            ("server/discover", json!({})),
        ] {
            shown.push(bot.request(method, params).json());
        }
        let texts: Vec<String> = shown.iter().map(Value::to_string).collect();
        leak(texts.iter().map(String::as_str))
    });
}

#[test]
fn a_credential_never_comes_back_in_disguise() {
    never("exact_only", |fault| {
        let desk = Desk::with(setup(fault));
        let mut found = None;
        for disguise in ["plain", "base64", "url", "json", "split"] {
            let shown = desk.bot().call(&format!("echo_secret_{disguise}"), json!({})).to_string();
            let readings = super::echoes::readings(&shown);
            found = found.or(readings.into_iter().find(|reading| reading.contains(SECRET)));
        }
        found
    });
}

#[test]
fn a_credential_never_reaches_what_the_database_server_shows_and_logs() {
    let server = OwnServer::start(&Options { settings: TALKATIVE.to_owned(), ..Options::default() });
    never("inline", |fault| {
        let mut desk = Desk::on(&server, setup(fault));
        call_all(&desk);
        let shown = desk
            .office
            .sql("select string_agg(query, ' ') from pg_stat_activity where application_name = 'awooop-gateway'");
        assert!(shown.contains("awooop.call"), "{shown}");
        desk.office.sql("select 'the end of the log'");
        eventually("the end of the log", || server.log().contains("the end of the log"));
        leak([shown.as_str(), server.log().as_str()])
    });
}
