//! Sessions: the latest of what was said, for a while and within bounds, in one project; and shared with the legacy path by one.

use serde_json::{Value, json};

use super::shares;
use crate::channels::stage::Stage;
use crate::contracts::stage::Office;
use crate::harness::at_once;
use crate::harness::channels::{CHANNEL, said};
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::quiet::text;

const KEEPS: &str = "conversations:read,conversations:write";

fn chat(chat: &str) -> Value {
    json!({"channel": CHANNEL, "channel_chat_id": chat})
}

fn kept(state: Value) -> Value {
    json!({"channel": CHANNEL, "channel_chat_id": "42", "state": state})
}

fn texts(session: &Value) -> Vec<String> {
    session["messages"].as_array().expect("messages").iter().map(|message| text(&message["text"])).collect()
}

#[test]
fn what_was_said_on_both_sides_is_remembered_exact_for_the_agent_and_redacted_for_readers() {
    let mut stage = Stage::new();
    let (keeper, reader) = (stage.office.key("keeper", KEEPS), stage.speaker.clone());
    stage.comes(&said(1, 42, "My card is 4242 4242 4242 4242"));
    stage.answer(json!({"answer": "Thank you."}));
    let exact = stage.office.does(&keeper, "get_session", chat("42"));
    assert_eq!(texts(&exact), ["My card is 4242 4242 4242 4242", "Thank you."]);
    let roles: Vec<_> = exact["messages"].as_array().expect("messages").iter().map(|m| text(&m["role"])).collect();
    assert_eq!((roles, &exact["redacted"]), (vec!["user".to_owned(), "assistant".to_owned()], &json!(false)));
    let shown = stage.office.does(&reader, "get_session", chat("42"));
    assert_eq!(texts(&shown), ["My card is [REDACTED:payment_card]", "Thank you."]);
    assert_eq!((&shown["redacted"], &shown["version"]), (&json!(true), &exact["version"]));
    // Of a chat where nobody has spoken there is nothing.
    let nothing = stage.office.does(&reader, "get_session", chat("43"));
    assert_eq!((&nothing["source"], &nothing["version"], texts(&nothing).len()), (&json!("none"), &json!(0), 0));
    // Whoever works on a run need not know where it came from.
    stage.comes(&said(2, 42, "And?"));
    let (claim, worker) = (stage.claim_run(), stage.office.key("w", &format!("runs:work,{KEEPS}")));
    let by_run = json!({"run_id": claim.run, "lease": claim.lease});
    assert_eq!(texts(&stage.office.does(&worker, "get_session", by_run)).len(), 3);
    assert_eq!(stage.office.code(&worker, "get_session", json!({"channel": CHANNEL})), "E-INPUT-008");
    let lost = json!({"run_id": claim.run, "lease": "awl_0"});
    assert_eq!(stage.office.code(&worker, "get_session", lost), "E-RUN-003");
}

#[test]
fn a_session_is_never_larger_than_its_channel_allows() {
    let mut stage = Stage::with(json!({"sessions": {"max_bytes": 2048}}));
    let keeper = stage.office.key("keeper", KEEPS);
    for n in 0..40 {
        // Each has its own rate.
        let mut said = said(n, 42, &format!("{n:03} {}", "x".repeat(100)));
        said["message"]["from"]["id"] = (100 + n).into();
        stage.comes(&said);
    }
    let session = stage.office.does(&keeper, "get_session", chat("42"));
    let remembered = texts(&session);
    assert!(remembered.last().is_some_and(|last| last.starts_with("039")), "{remembered:?}");
    assert!((8..20).contains(&remembered.len()), "{}", remembered.len());
    assert_eq!(stage.office.code(&keeper, "put_session", kept("y".repeat(1030).into())), "E-INPUT-007");
    let after = stage.office.does(&keeper, "put_session", kept("y".repeat(1000).into()));
    assert!(texts(&after).len() < remembered.len() && after["state"].as_str().map(str::len) == Some(1000));
    // What is kept is kept, and leaves room.
    stage.comes(&said(50, 42, &"z".repeat(4000)));
    let project = stage.office.project.clone();
    let size = stage.office.admin.value(&format!(
        "select max(octet_length(messages::text) + octet_length(state::text)) from awooop.conversation_session
         where project_id = '{project}'"
    ));
    // PostgreSQL writes a space after each comma and colon that was not there.
    assert!(size.parse::<usize>().expect("a size") <= 2048 + 64, "{size}");
}

#[test]
fn a_session_is_over_after_its_idle_time_and_then_gone() {
    let mut stage = Stage::with(json!({"sessions": {"idle_seconds": 60}}));
    let keeper = stage.office.key("keeper", KEEPS);
    stage.comes(&said(1, 42, "first"));
    let session = stage.office.does(&keeper, "put_session", kept(json!({"order": 7})));
    assert_eq!(session["state"], json!({"order": 7}));
    let project = stage.office.project.clone();
    let lasts = stage.office.admin.value(&format!(
        "select extract(epoch from expires_at - updated_at)::int from awooop.conversation_session where project_id = '{project}'"
    ));
    assert_eq!(lasts, "60");
    let end =
        format!("update awooop.conversation_session set expires_at = clock_timestamp() where project_id = '{project}'");
    stage.office.admin.run(&end);
    assert_eq!(stage.office.does(&keeper, "get_session", chat("42"))["source"], "none");
    // What comes then begins a new one.
    stage.comes(&said(2, 42, "second"));
    let session = stage.office.does(&keeper, "get_session", chat("42"));
    assert_eq!((texts(&session), &session["state"]), (vec!["second".to_owned()], &Value::Null));
    // Whoever sees none may begin one, whether maintenance has passed by or not.
    stage.office.admin.run(&end);
    assert_eq!(stage.office.does(&keeper, "get_session", chat("42"))["version"], 0);
    let mut first = kept(json!("anew"));
    first["expected_version"] = 0.into();
    assert_eq!(stage.office.does(&keeper, "put_session", first)["version"], 1);
    stage.office.admin.run(&end);
    stage.office.admin.run("select awooop.maintain()");
    let count = format!("select count(*) from awooop.conversation_session where project_id = '{project}'");
    assert_eq!(stage.office.admin.value(&count), "0");
    stage.comes(&said(3, 42, "third"));
    assert_eq!(stage.office.does(&keeper, "end_session", chat("42"))["ended"], 1);
    assert_eq!(stage.office.does(&keeper, "end_session", chat("42"))["ended"], 0);
}

#[test]
fn of_many_who_change_one_version_one_does() {
    let mut stage = Stage::new();
    let keeper = stage.office.key("keeper", KEEPS);
    stage.comes(&said(1, 42, "hello"));
    let version = stage.office.does(&keeper, "get_session", chat("42"))["version"].clone();
    let (project, database) = (stage.office.project.clone(), stage.office.database());
    let outcomes = at_once(
        8,
        |_| gateway_login_in(&database),
        |n, gateway| {
            let mut put = kept(n.into());
            put["expected_version"] = version.clone();
            match gateway.try_call(&project, &keeper, "put_session", &put.to_string()) {
                Ok(reply) if reply.status == 200 => Ok(reply.body),
                Ok(reply) => Err(text(&reply.body["code"])),
                Err(failure) => Err(failure.code()),
            }
        },
    );
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1, "{won:?}");
    assert!(lost.iter().all(|code| code.as_ref().is_err_and(|code| code == "E-SESSION-002")), "{lost:?}");
    let session = stage.office.does(&keeper, "get_session", chat("42"));
    assert_eq!(&session["state"], &won[0].as_ref().expect("it won")["state"]);
}

/// Puts the session of the chat 42 under the key that the legacy path uses.
fn legacy(office: &mut Office, project: &str, words: &str) {
    office.admin.run(&format!(
        "insert into awooop.conversation_session
                (project_id, session_key, is_legacy, channel, channel_chat_id, messages, state, version, started_at, updated_at,
                 expires_at)
         values ('{project}', '{CHANNEL}:42', true, '{CHANNEL}', '42',
                 '[{{\"role\": \"user\", \"text\": \"{words}\", \"at\": \"2026-01-01T00:00:00Z\"}}]', '{{\"old\": true}}', 5,
                 now(), now(), now() + interval '1 hour')"
    ));
}

#[test]
fn a_session_of_the_legacy_path_is_taken_over_and_written_under_both_keys_until_that_ends() {
    let mut stage = Stage::of(Office::alone(), json!({}));
    let keeper = stage.office.key("keeper", KEEPS);
    let project = stage.office.project.clone();
    shares(&mut stage.office, true);
    legacy(&mut stage.office, &project, "from before");
    // The contract alone does not make the keys without a project this one's.
    assert_eq!(stage.office.does(&keeper, "get_session", chat("42"))["source"], "none");
    stage.office.admin.run(&format!("select awooop.set_legacy_owner('{project}')"));
    let session = stage.office.does(&keeper, "get_session", chat("42"));
    assert_eq!((&session["source"], texts(&session)), (&json!("legacy"), vec!["from before".to_owned()]));
    stage.comes(&said(1, 42, "and now"));
    let session = stage.office.does(&keeper, "get_session", chat("42"));
    assert_eq!((&session["source"], &session["version"]), (&json!("project"), &json!(6)));
    assert_eq!(texts(&session), ["from before", "and now"]);
    assert_eq!(session["state"], json!({"old": true}));
    let keys = |office: &mut Office| {
        office.admin.value(&format!(
            "select string_agg(replace(session_key, '{project}', 'P') || ' ' || version, ',' order by is_legacy)
             from awooop.conversation_session where project_id = '{project}'"
        ))
    };
    assert_eq!(keys(&mut stage.office), format!("P:{CHANNEL}:42 6,{CHANNEL}:42 6"));
    stage.office.does(&keeper, "put_session", kept(json!(1)));
    assert_eq!(keys(&mut stage.office), format!("P:{CHANNEL}:42 7,{CHANNEL}:42 7"));
    // That phase ends: the other key is neither written nor read.
    shares(&mut stage.office, false);
    stage.office.does(&keeper, "put_session", kept(json!(2)));
    assert_eq!(keys(&mut stage.office), format!("P:{CHANNEL}:42 8,{CHANNEL}:42 7"));
    assert_eq!(stage.office.does(&keeper, "end_session", chat("42"))["ended"], 2);
}

#[test]
fn a_chat_that_is_called_like_another_sessions_key_has_a_session_of_its_own() {
    let mut stage = Stage::of(Office::alone(), json!({}));
    let keeper = stage.office.key("keeper", KEEPS);
    let project = stage.office.project.clone();
    // A channel that is called as the project is.
    let mut namesake = crate::harness::channels::telegram("agent", json!({}));
    namesake["name"] = project.as_str().into();
    crate::harness::contracts::activate(&mut stage.office.admin, &project, &namesake);
    shares(&mut stage.office, true);
    stage.office.admin.run(&format!("select awooop.set_legacy_owner('{project}')"));
    let put =
        |channel: &str, chat: &str, state: &str| json!({"channel": channel, "channel_chat_id": chat, "state": state});
    let there = format!("{CHANNEL}:42");
    stage.office.does(&keeper, "put_session", put(CHANNEL, "42", "own"));
    stage.office.does(&keeper, "put_session", put(&project, &there, "another's"));
    for (channel, chat, state) in [(CHANNEL, "42", "own"), (project.as_str(), there.as_str(), "another's")] {
        let place = json!({"channel": channel, "channel_chat_id": chat});
        assert_eq!(stage.office.does(&keeper, "get_session", place)["state"], state);
    }
}

#[test]
fn keys_without_a_project_are_one_projects_and_no_other_reads_them() {
    let mut one = Stage::of(Office::alone(), json!({}));
    let database = one.office.database();
    let mut two = Stage::of(Office::in_database(&database), json!({}));
    let (first, second) = (one.office.project.clone(), two.office.project.clone());
    let (ones, twos) = (one.office.key("keeper", KEEPS), two.office.key("keeper", KEEPS));
    for stage in [&mut one, &mut two] {
        shares(&mut stage.office, true);
    }
    one.office.admin.run(&format!("select awooop.set_legacy_owner('{first}')"));
    let taken = one.office.admin.rows(&format!("select awooop.set_legacy_owner('{second}')"));
    assert_eq!(taken.expect_err("it is taken").code(), "E-SESSION-003");
    let unknown = one.office.admin.rows("select awooop.set_legacy_owner('nobody')");
    assert_eq!(unknown.expect_err("no project").code(), "E-TENANT-002");
    legacy(&mut one.office, &first, "of the first");
    // Even a row that somebody slipped in: the keys are not the second project's.
    legacy(&mut two.office, &second, "slipped in");
    one.comes(&said(1, 42, "one"));
    two.comes(&said(1, 42, "two"));
    assert_eq!(texts(&one.office.does(&ones, "get_session", chat("42"))), ["of the first", "one"]);
    assert_eq!(texts(&two.office.does(&twos, "get_session", chat("42"))), ["two"]);
    two.office.does(&twos, "end_session", chat("42"));
    assert_eq!(texts(&one.office.does(&ones, "get_session", chat("42"))), ["of the first", "one"]);
    assert_eq!(two.office.does(&twos, "get_session", chat("42"))["source"], "none");
    // An operator's action, and audited in both directions.
    one.office.admin.run(&format!("select awooop.set_legacy_owner('{first}', owns => false)"));
    two.office.admin.run(&format!("select awooop.set_legacy_owner('{second}')"));
    let audited = one.office.admin.value(&format!(
        "select count(*) from awooop.audit_log where project_id = '{first}' and action = 'legacy_namespace_set'"
    ));
    assert_eq!(audited, "2");
}
