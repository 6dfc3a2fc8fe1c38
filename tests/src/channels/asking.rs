//! Approvals in a chat: who is asked, whose buttons count, and what people are told.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::approvals::stage::{DECIDES, Desk, REFUND};
use crate::contracts::stage::Office;
use crate::harness::channels::{CHANNEL, open, said, telegram};
use crate::harness::quiet::text;

/// The chat of those who decide.
const DECIDERS: i64 = -500;

struct Room {
    stage: Stage,
    /// Leads with keys.
    lea: String,
    leo: String,
}

/// A shop whose refunds take the word of so many leads, and a chat in which leads are asked.
fn room(needed: u64) -> Room {
    room_under(needed, json!({}))
}

/// The same with these terms of requests.
fn room_under(needed: u64, approvals: Value) -> Room {
    room_in("en", needed, approvals)
}

/// The same in a channel of that language.
fn room_in(locale: &str, needed: u64, approvals: Value) -> Room {
    let mut policy = crate::approvals::stage::policy();
    policy["calls"]["medium"] = json!({"decision": "approve", "approvers": needed, "roles": ["lead"]});
    policy["approvals"] = approvals;
    let mut office = Office::new();
    let project = office.project.clone();
    let deciders = json!({"channel_chat_id": DECIDERS.to_string(), "roles": ["lead"]});
    let contract = telegram("agent", json!({"locale": locale, "approvals": deciders}));
    open(&mut office.admin, &project, &contract);
    let Desk { office, lea, leo, .. } = Desk::with(office, &policy);
    Room { stage: Stage::reopened(office), lea, leo }
}

impl Room {
    /// Somebody writes, and the agent asks whether it may refund; the question as the sender gets it.
    fn asked(&mut self) -> (String, Value) {
        let update = self.stage.next();
        self.stage.comes(&said(update, 42, "I want my money back"));
        let (claim, worker) = (self.stage.claim_run(), self.stage.worker.clone());
        let asked = self.stage.office.does(
            &worker,
            "request_approval",
            json!({"run_id": claim.run, "lease": claim.lease, "step_key": "refund", "tool": REFUND,
                   "arguments": {"order": "A-1", "amount": 300}}),
        );
        assert_eq!(asked["decision"], "waiting");
        let question =
            self.stage.claim(10).into_iter().find(|m| m["channel_chat_id"].as_str() == Some(&DECIDERS.to_string()));
        let question = question.expect("a question");
        self.stage.mark(&question, "sent", json!({"provider_message_id": "900"})).expect("it is marked");
        (text(&asked["approval"]["approval_id"]), question)
    }

    /// Somebody presses a button; what came of it, and what they are told.
    fn press(&mut self, user: u64, question: &Value, n: usize) -> (String, String) {
        self.press_in(DECIDERS, user, &text(&question["buttons"][0][n]["data"]))
    }

    fn press_in(&mut self, chat: i64, user: u64, data: &str) -> (String, String) {
        let update = self.stage.next();
        let came = self.stage.comes(&json!({"update_id": update, "callback_query": {
            "id": format!("cb{update}"), "from": {"id": user, "is_bot": false, "first_name": "Lea"}, "chat_instance": "1",
            "data": data, "message": {"message_id": 900, "date": 1, "chat": {"id": chat, "type": "supergroup"}}
        }}));
        let mut told = String::new();
        loop {
            let claimed = self.stage.claim(10);
            if claimed.is_empty() {
                break;
            }
            for message in claimed {
                if message["kind"] == "acknowledge" {
                    assert_eq!(message["reply_to"], format!("cb{update}"));
                    told = text(&message["parts"][0]["text"]);
                }
                self.stage.mark(&message, "sent", json!({"provider_message_id": "1"})).expect("it is marked");
            }
        }
        (text(&came["outcome"]), told)
    }

    /// Makes a person of the channel a lead, by an operator's word.
    fn lead(&mut self, user: u64) {
        let project = self.stage.office.project.clone();
        let update = self.stage.next();
        let mut hello = said(update, user, "hello");
        hello["message"]["from"]["is_bot"] = false.into();
        hello["message"]["date"] = 1.into();
        self.stage.comes(&hello);
        self.stage
            .office
            .admin
            .within(&project, &format!("select awooop.grant_subject_role('{project}:telegram:{user}', 'lead')"));
    }

    fn state(&mut self, approval: &str) -> String {
        let lea = self.lea.clone();
        text(&self.stage.office.does(&lea, "approval_status", json!({"approval_id": approval}))["state"])
    }
}

#[test]
fn people_read_what_will_happen_and_two_of_them_let_it() {
    let mut room = room(2);
    for user in [7, 8] {
        room.lead(user);
    }
    let (approval, question) = room.asked();
    let words = text(&question["parts"][0]["text"]);
    assert!(words.starts_with("The agent agent asks to call refund__shop"), "{words}");
    assert!(words.contains("amount = 300") && words.contains("Approvals: 0/2 (lead)"), "{words}");
    let labels: Vec<_> = question["buttons"][0].as_array().expect("a row").iter().map(|b| text(&b["text"])).collect();
    assert_eq!(labels, ["Approve", "Reject"]);
    assert!(question["buttons"][0].as_array().expect("a row").iter().all(|b| text(&b["data"]).len() <= 64));
    assert_eq!(room.press(7, &question, 0), ("approved".into(), "You approved.".into()));
    assert_eq!(room.press(7, &question, 0), ("decided_already".into(), "You have decided already.".into()));
    assert_eq!(room.state(&approval), "waiting");
    assert_eq!(room.press(8, &question, 0), ("approved".into(), "You approved.".into()));
    assert_eq!(room.state(&approval), "approved");
    // The question says how it came out, without its buttons, and pressing one does nothing more.
    let last = room.stage.messages().into_iter().rfind(|(_, _, words)| words.contains("Approvals: 2/2"));
    assert!(last.expect("an edit").2.ends_with("Approved: it goes ahead."));
    room.lead(9);
    assert_eq!(room.press(9, &question, 1), ("over".into(), "There is nothing to decide any more.".into()));
    let decided = room.stage.office.admin.value(&format!(
        "select string_agg(principal_id || ' ' || credential, ', ' order by decided_at) from awooop.approval_decision
         where approval_id = '{approval}'"
    ));
    let project = room.stage.office.project.clone();
    assert_eq!(
        decided,
        format!("subject:telegram:7 subject:{project}:telegram:7, subject:telegram:8 subject:{project}:telegram:8")
    );
}

#[test]
fn people_are_asked_in_the_language_of_their_channel() {
    let mut room = room_in("zh-TW", 1, json!({}));
    room.lead(7);
    let (approval, question) = room.asked();
    let words = text(&question["parts"][0]["text"]);
    assert!(words.starts_with("代理 agent 請求呼叫 refund__shop"), "{words}");
    assert!(words.contains("amount = 300") && words.contains("核准：0/1 (lead)"), "{words}");
    assert_eq!(room.press(7, &question, 0), ("approved".into(), "您已核准。".into()));
    let told = room.stage.messages();
    assert!(
        told.iter().any(|(_, _, words)| words.starts_with("代理 agent") && words.ends_with("已核准，將會執行。")),
        "{told:?}"
    );
    // Whoever asks the platform is told in English.
    let lea = room.lea.clone();
    let status = room.stage.office.does(&lea, "approval_status", json!({"approval_id": approval}));
    assert!(text(&status["summary"]).starts_with("The agent agent asks to call refund__shop"), "{status}");
}

#[test]
fn one_who_rejects_ends_it_and_the_person_is_told() {
    let mut room = room(2);
    room.lead(7);
    let (approval, question) = room.asked();
    assert_eq!(room.press(7, &question, 1), ("rejected".into(), "You rejected.".into()));
    assert_eq!(room.state(&approval), "rejected");
    let told = room.stage.messages();
    assert!(told.iter().any(|(_, _, words)| words.ends_with("Rejected: it does not happen.")), "{told:?}");
    assert!(told.iter().any(|(purpose, _, words)| purpose == "notice" && words == "Sorry, that did not work out."));
}

#[test]
fn a_question_about_a_run_that_ends_meanwhile_loses_its_buttons() {
    let mut room = room(1);
    let (approval, _) = room.asked();
    let run = room
        .stage
        .office
        .admin
        .value(&format!("select run_id from awooop.approval_request where approval_id = '{approval}'"));
    let worker = room.stage.worker.clone();
    room.stage.office.does(&worker, "cancel_run", json!({"run_id": run}));
    assert_eq!(room.state(&approval), "cancelled");
    let told = room.stage.messages();
    assert!(told.iter().any(|(_, _, words)| words.ends_with("Withdrawn: it does not happen.")), "{told:?}");
}

#[test]
fn a_button_is_good_for_whom_it_is_meant_where_it_stands_and_for_nobody_else() {
    let mut room = room(1);
    room.lead(7);
    let (approval, question) = room.asked();
    let approve = text(&question["buttons"][0][0]["data"]);
    let no = |outcome: &str, told: &str| (outcome.to_owned(), told.to_owned());
    // Nobody with the role; the one who asked for it, whatever their role; another chat; a button that is none.
    assert_eq!(room.press(55, &question, 0), no("not_theirs_to_decide", "This is not yours to decide."));
    room.lead(42);
    assert_eq!(room.press(42, &question, 0), no("not_theirs_to_decide", "This is not yours to decide."));
    assert_eq!(room.press_in(-501, 7, &approve), no("no_such_button", "There is nothing to decide any more."));
    let forged = format!("{}{}", &approve[..4], "A".repeat(43));
    assert_eq!(room.press_in(DECIDERS, 7, &forged), no("no_such_button", "There is nothing to decide any more."));
    assert_eq!(room.state(&approval), "waiting");
    // In another project with the same chat it opens nothing.
    let mut other = self::room(1);
    other.lead(7);
    let (theirs, _) = other.asked();
    assert_eq!(other.press_in(DECIDERS, 7, &approve).0, "no_such_button");
    assert_eq!(other.state(&theirs), "waiting");
    assert_eq!(room.press(7, &question, 0).0, "approved");
    let project = room.stage.office.project.clone();
    let refused = room.stage.office.admin.value(&format!(
        "select string_agg(code, ' ' order by audit_id) from awooop.audit_log
         where project_id = '{project}' and action = 'issue_approval' and decision = 'refused'"
    ));
    assert_eq!(refused, "E-APPROVAL-006 E-APPROVAL-005");
    let secrets = room.stage.office.admin.value(&format!(
        "select count(*) from awooop.channel_button where project_id = '{project}' and octet_length(digest) = 32"
    ));
    assert_eq!(secrets, "2");
}

#[test]
fn one_person_with_a_key_and_two_accounts_is_one_hand() {
    let mut room = room(2);
    let project = room.stage.office.project.clone();
    for user in [7, 8] {
        room.lead(user);
    }
    let link =
        |principal: &str, user: u64| format!("select awooop.link_subject('{project}:telegram:{user}', '{principal}')");
    for user in [7, 8] {
        room.stage.office.admin.within(&project, &link("lea", user));
    }
    let (approval, question) = room.asked();
    assert_eq!(room.press(7, &question, 0).0, "approved");
    assert_eq!(room.press(8, &question, 0), ("decided_already".into(), "You have decided already.".into()));
    let lea = room.lea.clone();
    assert_eq!(room.stage.office.code(&lea, "issue_approval", json!({"approval_id": approval})), "E-APPROVAL-007");
    let leo = room.leo.clone();
    room.stage.office.does(&leo, "issue_approval", json!({"approval_id": approval}));
    assert_eq!(room.state(&approval), "approved");
    // Nobody becomes somebody else by linking themselves.
    let scheming = room.stage.office.key("scheming", "principals:admin,subjects:admin");
    let arguments = json!({"platform_subject_id": format!("{project}:telegram:7"), "principal_id": "leo"});
    assert_eq!(room.stage.office.code(&scheming, "link_subject", arguments), "E-AUTH-006");
    let unknown = json!({"platform_subject_id": format!("{project}:telegram:7"), "principal_id": "nobody"});
    assert_eq!(room.stage.office.code(&scheming, "link_subject", unknown), "E-PRINCIPAL-001");
}

#[test]
fn whoever_gives_roles_to_several_accounts_is_one_hand() {
    let mut room = room(2);
    let project = room.stage.office.project.clone();
    let giver = room.stage.office.key("giver", &format!("subjects:admin,{DECIDES}"));
    for user in [7, 8] {
        room.lead(user);
        let role = json!({"platform_subject_id": format!("{project}:telegram:{user}"), "role": "lead"});
        room.stage.office.does(&giver, "grant_subject_role", role);
    }
    let (approval, question) = room.asked();
    assert_eq!(room.press(7, &question, 0).0, "approved");
    assert_eq!(room.press(8, &question, 0).0, "decided_already");
    assert_eq!(room.state(&approval), "waiting");
}

#[test]
fn a_request_that_takes_a_reason_cannot_be_decided_by_a_button() {
    let mut room = room_under(1, json!({"reason_required": true}));
    room.lead(7);
    let (approval, question) = room.asked();
    assert_eq!(room.press(7, &question, 0).0, "reason_required");
    assert_eq!(room.state(&approval), "waiting");
}

#[test]
fn nobody_reads_what_a_button_stands_for_and_nobody_is_asked_for_a_run_in_shadow() {
    let mut room = room(1);
    let (_, question) = room.asked();
    assert!(text(&question["buttons"][0][0]["data"]).starts_with("awb_"), "its sender has it");
    let worker = room.stage.office.key("worker", "conversations:read");
    for reader in [worker, room.stage.speaker.clone()] {
        let shown = room.stage.office.does(&reader, "get_message", json!({"message_id": question["message_id"]}));
        assert!(!shown.to_string().contains("awb_"), "{shown}");
        let listed = room.stage.office.does(&reader, "list_messages", json!({}));
        assert!(!listed.to_string().contains("awb_"), "{listed}");
    }
    // What Telegram brings with a pressed button is mirrored, with the keyboard that it was in.
    let update = room.stage.next();
    let data = text(&question["buttons"][0][0]["data"]);
    room.stage.comes(&json!({"update_id": update, "callback_query": {
        "id": "cb1", "from": {"id": 99, "is_bot": false, "first_name": "Eve"}, "chat_instance": "1", "data": data,
        "message": {"message_id": 900, "date": 1, "chat": {"id": DECIDERS, "type": "supergroup"}, "reply_markup":
            {"inline_keyboard": [[{"text": "Yes", "callback_data": data}]]}}
    }}));
    let speaker = room.stage.speaker.clone();
    let events = room.stage.office.does(&speaker, "list_events", json!({"channel": CHANNEL}));
    assert!(events.to_string().contains("callback_query") && !events.to_string().contains(&data), "{events}");
    room.stage.send_all();
    // The project is in active, the run is not.
    let maker = room.stage.worker.clone();
    let envelope = json!({"agent_id": "agent", "channel_type": "telegram", "channel_user_id": "7"});
    let envelope = room.stage.office.does(&maker, "build_envelope", envelope);
    room.stage.office.does(&maker, "shadow_execute", json!({"envelope": envelope, "message_key": "m-1"}));
    let claim = room.stage.claim_run();
    let wanted = json!({"run_id": claim.run, "lease": claim.lease, "step_key": "refund", "tool": REFUND,
                        "arguments": {"order": "A-1", "amount": 300}});
    let before = room.stage.messages();
    assert_eq!(room.stage.office.code(&maker, "request_approval", wanted), "E-APPROVAL-003");
    assert_eq!(room.stage.claim(10), Vec::<Value>::new());
    assert_eq!(room.stage.messages(), before);
}

#[test]
fn who_has_lost_the_role_decides_no_more() {
    let mut room = room(1);
    room.lead(7);
    let (approval, question) = room.asked();
    let project = room.stage.office.project.clone();
    let subject = format!("{project}:telegram:7");
    for _ in 0..2 {
        let taken = format!("select awooop.revoke_subject_role('{subject}', 'lead') -> 'roles'");
        assert_eq!(room.stage.office.admin.within(&project, &taken), json!(["viewer"]));
    }
    assert_eq!(room.press(7, &question, 0).0, "not_theirs_to_decide");
    assert_eq!(room.state(&approval), "waiting");
    let admin = room.stage.office.key("admin", "subjects:admin");
    for (stranger, code) in
        [(format!("{project}:telegram:8"), "E-SUBJECT-001"), ("other:telegram:7".into(), "E-SUBJECT-001")]
    {
        let role = json!({"platform_subject_id": stranger, "role": "lead"});
        assert_eq!(room.stage.office.code(&admin, "revoke_subject_role", role), code);
    }
}

#[test]
fn whoever_asked_decides_about_it_by_no_account_and_no_key_of_theirs() {
    for may in [false, true] {
        let mut room = room_under(1, json!({"requester_may_approve": may}));
        let project = room.stage.office.project.clone();
        room.lead(7);
        // Who writes as 42 is lea, who is a lead as 7 and with a key.
        for user in [7, 42] {
            room.lead(user);
            let sql = format!("select awooop.link_subject('{project}:telegram:{user}', 'lea')");
            room.stage.office.admin.within(&project, &sql);
        }
        let (approval, question) = room.asked();
        let lea = room.lea.clone();
        if may {
            assert_eq!(room.press(7, &question, 0).0, "approved");
            assert_eq!(room.state(&approval), "approved");
        } else {
            assert_eq!(room.press(7, &question, 0).0, "not_theirs_to_decide");
            let id = json!({"approval_id": approval});
            assert_eq!(room.stage.office.code(&lea, "issue_approval", id.clone()), "E-APPROVAL-005");
            let leo = room.leo.clone();
            room.stage.office.does(&leo, "issue_approval", id);
        }
    }
}

#[test]
fn a_person_who_presses_too_often_is_not_answered_any_more() {
    let mut room = room(1);
    let (_, question) = room.asked();
    let outcomes: Vec<_> = (0..22).map(|_| room.press(55, &question, 0).0).collect();
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "not_theirs_to_decide").count(), 20);
    assert_eq!(outcomes[20..], ["rate", "rate"]);
}
