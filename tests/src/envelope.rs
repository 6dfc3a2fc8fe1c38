//! The provider proxy: the nine keys, the trace, and what is remembered of a person.

use awooop_policy::envelope::KEYS;
use serde_json::{Value, json};

use crate::harness::quiet::{superuser_in, text};
use crate::harness::{Actor, Options, OwnServer, Project, Session, at_once, literal, superuser, unique};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn build(user: &str, rest: &str) -> String {
    format!("select awooop.build_envelope('agent', 'telegram', {}{rest})", literal(user))
}

/// The subject's row, times included, read past everybody.
fn subject(admin: &mut Session, project: &str, user: &str) -> Value {
    admin.json(&format!(
        "select coalesce(json_agg(s), '[]') from awooop.platform_subjects s
         where project_id = '{project}' and channel_user_id = {}",
        literal(user)
    ))
}

fn first_sights(admin: &mut Session, project: &str, user: &str) -> String {
    admin.value(&format!(
        "select count(*)::text from awooop.audit_log where project_id = '{project}' and action = 'subject_first_seen'
         and platform_subject_id = {}",
        literal(&format!("{project}:telegram:{user}"))
    ))
}

fn is_traceparent(trace: &str) -> bool {
    let lower_hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let parts: Vec<&str> = trace.split('-').collect();
    matches!(parts[..], ["00", id, span, "01"]
        if id.len() == 32 && span.len() == 16 && lower_hex(id) && lower_hex(span) && id.bytes().any(|b| b != b'0'))
}

#[test]
fn an_envelope_has_exactly_nine_keys_with_their_nulls() {
    let project = Project::new();
    let mut actor = project.actor();
    let tags = r#", extra_tags => '{"campaign": "spring"}'"#;
    for (rest, chat) in [("", Value::Null), (", channel_chat_id => '-100'", json!("-100")), (tags, Value::Null)] {
        let envelope = actor.call(&build("7", rest));
        let mut keys: Vec<&str> = envelope.as_object().unwrap().keys().map(String::as_str).collect();
        let mut wanted = KEYS.to_vec();
        keys.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(keys, wanted);
        assert_eq!(envelope["project_id"], project.id);
        assert_eq!(envelope["agent_id"], "agent");
        assert_eq!(envelope["channel_type"], "telegram");
        assert_eq!(envelope["channel_user_id"], "7");
        assert_eq!(envelope["channel_chat_id"], chat);
        assert_eq!(envelope["platform_subject_id"], format!("{}:telegram:7", project.id));
        assert!(envelope["run_id"].is_null() && envelope["policy_revision_id"].is_null());
        assert!(is_traceparent(&text(&envelope["trace_id"])), "{envelope}");
        assert!(!envelope.to_string().contains("spring"), "a tag got into the envelope");
    }
}

#[test]
fn the_same_person_on_another_channel_or_in_another_project_is_another_subject() {
    let project = Project::new();
    let other = project.another(&mut project.admin());
    let ids: Vec<String> = [(&project, "telegram"), (&project, "line"), (&other, "telegram")]
        .map(|(project, channel)| {
            let sql = format!("select awooop.build_envelope('agent', '{channel}', '7')");
            text(&project.actor().call(&sql)["platform_subject_id"])
        })
        .into();
    assert_eq!(
        ids,
        [format!("{}:telegram:7", project.id), format!("{}:line:7", project.id), format!("{}:telegram:7", other.id)]
    );
}

#[test]
fn a_valid_inbound_trace_is_continued_and_an_invalid_one_ignored() {
    let mut actor = Project::new().actor();
    let mut under = |trace: &str| {
        let sql = format!("set local awooop.traceparent = {}; {}", literal(trace), build("7", ""));
        text(&actor.call(&sql)["trace_id"])
    };
    let continued = under(TRACE);
    assert_eq!(continued[..36], TRACE[..36], "the trace goes on");
    assert_ne!(continued[36..52], TRACE[36..52], "with a span of its own");
    for invalid in [
        "",
        "nonsense",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        let fresh = under(invalid);
        assert!(is_traceparent(&fresh), "{invalid:?} gave {fresh}");
        assert_ne!(fresh[3..35], TRACE[3..35], "{invalid:?}");
    }
    // SET LOCAL ended with its transaction: the next envelope begins a trace of its own.
    let next = text(&actor.call(&build("7", ""))["trace_id"]);
    assert_ne!(next[3..35], TRACE[3..35]);
}

#[test]
fn first_sight_makes_one_viewer_and_one_audit_row_and_later_ones_no_more() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let envelope = actor.call(&build("7", ""));
    let seen = subject(&mut admin, &project.id, "7");
    assert_eq!(seen.as_array().unwrap().len(), 1);
    assert_eq!(seen[0]["roles"], json!(["viewer"]));
    assert_eq!(seen[0]["first_seen_at"], seen[0]["last_seen_at"]);
    for _ in 0..3 {
        actor.call(&build("7", ""));
    }
    assert_eq!(first_sights(&mut admin, &project.id, "7"), "1");
    let audit = admin.json(&format!(
        "select json_agg(a) from awooop.audit_log a where project_id = '{}' and action = 'subject_first_seen'",
        project.id
    ));
    assert_eq!(audit[0]["trace_id"], envelope["trace_id"]);
    assert_eq!(audit[0]["agent_id"], "agent");
    assert_eq!(audit[0]["platform_subject_id"], envelope["platform_subject_id"]);
}

#[test]
fn later_sights_change_last_seen_and_what_was_given_and_nothing_else() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    actor.call(&build("7", ", channel_chat_id => 'c1', display_name => 'Ada'"));
    actor.call(&format!("select awooop.grant_subject_role('{}:telegram:7', 'approver')", project.id));
    let before = subject(&mut admin, &project.id, "7")[0].clone();
    actor.call(&build("7", ""));
    let unchanged = subject(&mut admin, &project.id, "7")[0].clone();
    assert_eq!((&unchanged["channel_chat_id"], &unchanged["display_name"]), (&json!("c1"), &json!("Ada")));
    actor.call(&build("7", ", channel_chat_id => 'c2'"));
    actor.call(&build("7", ", display_name => 'Ada L.'"));
    let after = subject(&mut admin, &project.id, "7")[0].clone();
    assert_eq!((&after["channel_chat_id"], &after["display_name"]), (&json!("c2"), &json!("Ada L.")));
    for key in ["roles", "first_seen_at", "platform_subject_id"] {
        assert_eq!(before[key], after[key], "{key} changed");
    }
    assert_eq!(after["roles"], json!(["viewer", "approver"]));
    // ISO texts of one time zone order as their times do.
    assert!(text(&before["last_seen_at"]) < text(&unchanged["last_seen_at"]));
    assert!(text(&unchanged["last_seen_at"]) < text(&after["last_seen_at"]));
}

#[test]
fn the_upsert_operation_keeps_to_the_same_rules() {
    let project = Project::new();
    let mut actor = project.actor();
    let first = actor.call("select awooop.upsert_platform_subject('line', 'u', 'c', 'Bo')");
    assert_eq!(first["first_seen_at"], first["last_seen_at"]);
    let again = actor.call("select awooop.upsert_platform_subject('line', 'u')");
    assert_eq!(again["first_seen_at"], first["first_seen_at"]);
    assert_ne!(again["last_seen_at"], first["last_seen_at"]);
    assert_eq!((&again["channel_chat_id"], &again["display_name"]), (&json!("c"), &json!("Bo")));
    assert_eq!(again["roles"], json!(["viewer"]));
}

#[test]
fn sixteen_first_sights_at_once_make_one_subject_and_one_audit_row() {
    let project = Project::new();
    let mut admin = project.admin();
    for round in 0..5 {
        let user = format!("u{round}");
        let ids = at_once(
            16,
            |_| project.actor(),
            |_, actor: &mut Actor| text(&actor.call(&build(&user, ""))["platform_subject_id"]),
        );
        assert!(ids.iter().all(|id| *id == ids[0]));
        assert_eq!(subject(&mut admin, &project.id, &user).as_array().unwrap().len(), 1);
        assert_eq!(first_sights(&mut admin, &project.id, &user), "1", "round {round}");
    }
}

#[test]
fn a_missing_project_and_one_in_legacy_mode_get_one_code_that_names_both() {
    let project = Project::new();
    let (mut admin, mut actor) = (project.admin(), project.actor());
    admin.run(&format!("select awooop.set_project_mode('{}', 'legacy_awoooi_default')", project.id));
    let legacy = actor.attempt(&build("7", "")).unwrap_err();
    let missing = admin.try_within(&unique("absent"), &build("7", "")).unwrap_err();
    for failure in [&legacy, &missing] {
        assert_eq!(failure.code(), "E-TENANT-002");
        assert!(failure.message.contains("does not exist"), "{failure:?}");
        assert!(failure.message.contains("legacy_awoooi_default"), "{failure:?}");
        assert!(failure.hint.contains("at least shadow"), "{failure:?}");
    }
    assert_eq!(legacy.message, missing.message);
    assert_eq!(subject(&mut admin, &project.id, "7"), json!([]), "a refused envelope left a subject");
    for mode in ["shadow", "suggest", "active"] {
        admin.run(&format!("select awooop.set_project_mode('{}', '{mode}')", project.id));
        assert_eq!(actor.call(&build("7", ""))["project_id"], project.id);
    }
}

#[test]
fn ids_that_would_be_ambiguous_empty_or_too_long_are_refused_and_change_nothing() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let (long_id, long_user) = ("a".repeat(65), "a".repeat(257));
    let quoted = |text: &str| literal(text);
    for (agent, channel, user, code) in [
        ("'a:b'".to_owned(), "'telegram'".to_owned(), "'7'".to_owned(), "E-INPUT-001"),
        ("'agent'".into(), "'tele:gram'".into(), "'7'".into(), "E-INPUT-001"),
        ("''".into(), "'telegram'".into(), "'7'".into(), "E-INPUT-001"),
        ("'agent'".into(), "''".into(), "'7'".into(), "E-INPUT-001"),
        ("'agent'".into(), "'telegram'".into(), "''".into(), "E-INPUT-001"),
        (quoted(&long_id), "'telegram'".into(), "'7'".into(), "E-INPUT-001"),
        ("'agent'".into(), quoted(&long_id), "'7'".into(), "E-INPUT-001"),
        ("'agent'".into(), "'telegram'".into(), quoted(&long_user), "E-INPUT-001"),
        ("'agent'".into(), "'telegram'".into(), "E'a\\nb'".into(), "E-INPUT-001"),
        ("E'a\\tb'".into(), "'telegram'".into(), "'7'".into(), "E-INPUT-001"),
        ("'agent'".into(), "'telegram'".into(), "E'a\\u0085b'".into(), "E-INPUT-001"),
        ("null".into(), "'telegram'".into(), "'7'".into(), "E-INPUT-008"),
        ("'agent'".into(), "null".into(), "'7'".into(), "E-INPUT-008"),
        ("'agent'".into(), "'telegram'".into(), "null".into(), "E-INPUT-008"),
    ] {
        let failure = actor.attempt(&format!("select awooop.build_envelope({agent}, {channel}, {user})")).unwrap_err();
        assert_eq!(failure.code(), code, "{agent} {channel} {user}");
    }
    let rows = "select count(*)::text from awooop.platform_subjects where project_id = ";
    assert_eq!(admin.value(&format!("{rows}'{}'", project.id)), "0");
    for id in ["'a:b'".to_owned(), "''".into(), literal(&long_id), "E'a\\nb'".into()] {
        assert_eq!(admin.code(&format!("select awooop.create_project({id})")), "E-INPUT-001", "{id}");
    }
}

#[test]
fn a_user_id_may_hold_colons_and_any_script() {
    let project = Project::new();
    let mut actor = project.actor();
    for user in ["@ada:matrix.org", "a:b:c", "用戶七", "o'brien \"x\" \\", &"長".repeat(256)] {
        let envelope = actor.call(&build(user, ""));
        assert_eq!(envelope["channel_user_id"], user);
        assert_eq!(envelope["platform_subject_id"], format!("{}:telegram:{user}", project.id));
        let role = literal(&format!("{}:telegram:{user}", project.id));
        let subject = actor.call(&format!("select awooop.grant_subject_role({role}, 'approver')"));
        assert_eq!(subject["channel_user_id"], user, "the id reads back one way");
    }
}

#[test]
fn an_envelope_of_another_project_or_a_changed_one_makes_no_run() {
    let project = Project::new();
    let other = project.another(&mut project.admin());
    let (mut actor, mut stranger) = (project.actor(), other.actor());
    let envelope = actor.envelope();
    let create = |actor: &mut Actor, envelope: &Value| {
        actor.code(&format!("select awooop.create_run({})", literal(&envelope.to_string())))
    };
    assert_eq!(create(&mut stranger, &envelope), "E-TENANT-007");
    let with = |key: &str, value: Value| {
        let mut changed = envelope.clone();
        changed[key] = value;
        changed
    };
    assert_eq!(create(&mut actor, &with("run_id", json!(uuid::Uuid::now_v7()))), "E-INPUT-001");
    assert_eq!(create(&mut actor, &with("agent_id", json!("nobody"))), "E-AGENT-001");
    assert_eq!(create(&mut actor, &with("channel_user_id", json!("8"))), "E-INPUT-001");
    assert_eq!(create(&mut actor, &with("tags", json!({}))), "E-INPUT-002");
    assert_eq!(create(&mut actor, &with("trace_id", json!("x"))), "E-INPUT-001");
    let mut unseen = with("channel_user_id", json!("8"));
    unseen["platform_subject_id"] = json!(format!("{}:telegram:8", project.id));
    assert_eq!(create(&mut actor, &unseen), "E-RUN-009");
    let runs =
        format!("select count(*)::text from awooop.run_state where project_id in ('{}', '{}')", project.id, other.id);
    assert_eq!(superuser_in(&project.database).value(&runs), "0");
}

#[test]
fn the_event_of_an_envelope_cannot_be_silenced_by_a_tenant() {
    let mut actor = Project::new().actor();
    assert_eq!(actor.session.code("set awooop.event_log = off"), "42501");
    assert_eq!(superuser().value("show awooop.event_log"), "on");
}

#[test]
fn the_servers_log_has_one_event_per_envelope_that_no_input_can_forge() {
    let server = OwnServer::start(&Options::default());
    let project = server.tenant("writer", "shadow", "envelope:write");
    let mut session = server.connect("writer");
    let user = r#"7"} provider_proxy_envelope_built {"project_id": "forged"#;
    let tags = r#", extra_tags => '{"campaign": "spring"}'"#;
    let envelope = session.within(&project, &build(user, tags));
    let events = |server: &OwnServer| -> Vec<Value> {
        server
            .log()
            .lines()
            .filter_map(|line| line.split_once("LOG:  provider_proxy_envelope_built "))
            .map(|(_, event)| serde_json::from_str(event).unwrap())
            .collect()
    };
    let logged = events(&server);
    assert_eq!(logged.len(), 1, "{}", server.log());
    assert_eq!(logged[0]["project_id"], project.as_str());
    assert_eq!((&logged[0]["agent_id"], &logged[0]["channel_type"]), (&json!("agent"), &json!("telegram")));
    assert_eq!(logged[0]["platform_subject_id"], envelope["platform_subject_id"]);
    assert_eq!(logged[0]["trace_id"], text(&envelope["trace_id"])[..32]);
    assert_eq!(logged[0]["tags"], json!({"campaign": "spring"}));
    // Later sights are events too; a superuser can switch them off.
    session.within(&project, &build(user, ""));
    assert_eq!(events(&server).len(), 2);
    server.superuser().run("alter role writer set awooop.event_log = off");
    server.connect("writer").within(&project, &build(user, ""));
    assert_eq!(events(&server).len(), 2);
}
