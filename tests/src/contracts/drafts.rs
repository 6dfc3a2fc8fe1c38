//! Drafts and publication: what can be written, by whom, and what never changes again.

use awooop_contracts::Kind;
use awooop_contracts::canonical::{canonical_json, sha256};
use serde_json::{Value, json};

use super::stage::{Office, agent, full};
use crate::harness::literal;

#[test]
fn a_draft_may_be_unfinished_but_not_published() {
    let mut office = Office::new();
    let ann = office.ann.clone();
    let unfinished = json!({"kind": "agent", "name": "bot", "purpose": ""});
    let drafted = office.does(&ann, "draft_contract", json!({"kind": "agent", "document": unfinished}));
    let told: Vec<&str> =
        drafted["violations"].as_array().unwrap().iter().filter_map(|one| one["keyword"].as_str()).collect();
    assert!(told.contains(&"required") && told.contains(&"minLength"), "{drafted}");
    let id = json!({"revision_id": drafted["revision_id"]});
    assert_eq!(office.code(&ann, "publish_contract", id.clone()), "E-CONTRACT-001");
    assert_eq!(office.state(&drafted["revision_id"]), "draft");
    let edit = json!({"revision_id": drafted["revision_id"], "document": agent("bot", "Answers.")});
    assert_eq!(office.does(&ann, "edit_contract", edit)["violations"], json!([]));
    assert_eq!(office.does(&ann, "publish_contract", id)["state"], "published");
}

#[test]
fn a_document_without_its_kind_or_a_usable_name_is_no_draft() {
    let mut office = Office::new();
    let ann = office.ann.clone();
    for document in [
        json!({}),
        json!({"kind": "agent"}),
        json!({"kind": "tool", "name": "bot"}),
        json!({"kind": "agent", "name": ""}),
        json!({"kind": "agent", "name": "a b"}),
        json!({"kind": "agent", "name": "a:b"}),
        json!({"kind": "agent", "name": 7}),
        json!({"kind": "agent", "name": "x".repeat(65)}),
    ] {
        let code = office.code(&ann, "draft_contract", json!({"kind": "agent", "document": document}));
        assert_eq!(code, "E-CONTRACT-001", "{document}");
    }
    let list = json!({"kind": "agent", "document": [1]});
    assert_eq!(office.code(&ann, "draft_contract", list), "E-INPUT-001");
}

#[test]
fn what_two_readers_could_read_differently_is_refused_before_it_is_signed() {
    let mut office = Office::new();
    let (project, ann) = (office.project.clone(), office.ann.clone());
    for (text, code) in [
        (r#"{"kind": "agent", "name": "bot", "name": "other"}"#, "E-INPUT-004"),
        (r#"{"kind": "agent", "name": "bot", "x": {"a": 1, "a": 1}}"#, "E-INPUT-004"),
        (r#"{"kind": "agent", "name": "bot", "x": 9007199254740993}"#, "E-INPUT-005"),
        (r#"{"kind": "agent", "name": "bot", "x": 1e400}"#, "E-INPUT-005"),
        (r#"{"kind": "agent", "name": "bot",}"#, "E-INPUT-003"),
        (r#"{"kind": "agent", "name": "\ud800"}"#, "E-INPUT-003"),
    ] {
        // Over HTTP the document stands in the arguments, in SQL it is a text.
        let arguments = format!(r#"{{"kind": "agent", "document": {text}}}"#);
        let failure = office.gateway.try_call(&project, &ann, "draft_contract", &arguments).unwrap_err();
        assert_eq!(failure.code(), code, "{text}");
        let sql = format!("select awooop.draft_contract('agent', {})", literal(text));
        assert_eq!(office.admin.try_within(&project, &sql).unwrap_err().code(), code, "{text}");
    }
    assert_eq!(office.sql(&format!("select count(*) from awooop.contracts where project_id = '{project}'")), "1");
}

#[test]
fn a_published_revision_has_a_number_canonical_bytes_their_digest_and_a_signature() {
    let mut office = Office::new();
    let (ann, project) = (office.ann.clone(), office.project.clone());
    office.sql(&format!("select awooop.set_credential_namespaces('{project}', '{{ewoooc}}')"));
    for kind in [Kind::Tool, Kind::Channel, Kind::Run, Kind::Agent] {
        let name = if kind == Kind::Tool { "look_up__shop".to_owned() } else { format!("new-{}", kind.as_str()) };
        let document = full(kind, &name);
        for number in 1..=2 {
            let id = office.published(&document);
            let shown = office.does(&ann, "get_contract", json!({"revision_id": id}));
            let canonical = canonical_json(&document).unwrap();
            assert_eq!((&shown["number"], &shown["document"]), (&json!(number), &document), "{kind:?}");
            assert_eq!(shown["digest"], format!("sha256:{}", sha256(canonical.as_bytes())));
            let stored = format!(
                "select document from awooop.contract_revisions where revision_id = '{}'",
                id.as_str().unwrap()
            );
            assert_eq!(office.sql(&stored), canonical);
            let signature = &shown["signatures"][0];
            assert_eq!((&signature["purpose"], &signature["principal_id"]), (&json!("publish"), &json!("ann")));
            assert!(signature["key_id"].as_str().unwrap().ends_with("/contract-1"), "{signature}");
        }
    }
}

#[test]
fn an_edit_of_what_somebody_else_edited_in_between_is_refused() {
    let mut office = Office::new();
    let ann = office.ann.clone();
    let drafted = office.does(&ann, "draft_contract", json!({"kind": "agent", "document": agent("bot", "One.")}));
    let edit = |purpose: &str, digest: &Value| json!({"revision_id": drafted["revision_id"], "document": agent("bot", purpose), "digest": digest});
    let second = office.does(&ann, "edit_contract", edit("Two.", &drafted["digest"]));
    assert_eq!(office.code(&ann, "edit_contract", edit("Three.", &drafted["digest"])), "E-CONTRACT-012");
    let stale = json!({"revision_id": drafted["revision_id"], "digest": drafted["digest"]});
    assert_eq!(office.code(&ann, "publish_contract", stale), "E-CONTRACT-012", "somebody else's words");
    let seen = json!({"revision_id": drafted["revision_id"], "digest": second["digest"]});
    assert_eq!(office.does(&ann, "publish_contract", seen)["number"], 1);
}

#[test]
fn an_edit_keeps_kind_and_name_and_makes_the_editor_an_author() {
    let mut office = Office::new();
    let cat = office.key("cat", super::stage::WRITES);
    let id = office.drafted(&agent("bot", "One."));
    let renamed = json!({"revision_id": id, "document": agent("other", "One.")});
    assert_eq!(office.code(&cat, "edit_contract", renamed), "E-CONTRACT-001");
    let edited = office.does(&cat, "edit_contract", json!({"revision_id": id, "document": agent("bot", "Two.")}));
    assert_eq!(edited["authors"], json!(["ann", "cat"]));
}

#[test]
fn what_is_published_can_be_neither_edited_nor_discarded() {
    let mut office = Office::new();
    let (ann, id) = (office.ann.clone(), office.published(&agent("bot", "One.")));
    let edit = json!({"revision_id": id, "document": agent("bot", "Two.")});
    assert_eq!(office.code(&ann, "edit_contract", edit), "E-CONTRACT-003");
    assert_eq!(office.code(&ann, "discard_contract", json!({"revision_id": id})), "E-CONTRACT-003");
    // Publishing it again changes nothing.
    let again = office.does(&ann, "publish_contract", json!({"revision_id": id}));
    assert_eq!(again["number"], 1);
    assert_eq!(office.audited("contract_published"), "2", "the harness published one");
    assert_eq!(office.audited("contract_signed_anew"), "0");
}

#[test]
fn a_discarded_draft_is_gone_and_takes_no_number() {
    let mut office = Office::new();
    let ann = office.ann.clone();
    let id = office.drafted(&agent("bot", "One."));
    office.does(&ann, "discard_contract", json!({"revision_id": id}));
    assert_eq!(office.code(&ann, "get_contract", json!({"revision_id": id})), "E-CONTRACT-002");
    let history = office.does(&ann, "contract_history", json!({"kind": "agent", "name": "bot"}));
    assert_eq!(history["items"], json!([]));
    let id = office.published(&agent("bot", "Two."));
    assert_eq!(office.does(&ann, "get_contract", json!({"revision_id": id}))["number"], 1);
}

#[test]
fn history_shows_every_revision_newest_first_and_a_diff_says_what_changed() {
    let mut office = Office::new();
    let ann = office.ann.clone();
    let first = office.published(&agent("bot", "One."));
    let second = office.published(&agent("bot", "Two."));
    let draft = office.drafted(&agent("bot", "Three."));
    let mut seen = Vec::new();
    let mut arguments = json!({"kind": "agent", "name": "bot", "page_size": 2});
    loop {
        let page = office.does(&ann, "contract_history", arguments.clone());
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["revision_id"].clone()));
        if page["next_cursor"].is_null() {
            break;
        }
        arguments["cursor"] = page["next_cursor"].clone();
    }
    assert_eq!(seen, [draft, second.clone(), first.clone()]);
    for cursor in ["", "x", "1:2", "9:", &format!(":{first}")] {
        let arguments = json!({"kind": "agent", "name": "bot", "cursor": cursor});
        assert!(["E-INPUT-010", "E-INPUT-001"].contains(&office.code(&ann, "contract_history", arguments).as_str()));
    }
    let diff = office.does(&ann, "diff_contracts", json!({"from_revision_id": first, "revision_id": second}));
    let expected = json!([{"op": "replace", "path": "/purpose", "value": "Two.", "was": "One."}]);
    assert_eq!(diff["patch"], expected);
    let no_active = json!({"revision_id": second});
    assert_eq!(office.code(&ann, "diff_contracts", no_active), "E-CONTRACT-002", "there is none to compare with");
}

#[test]
fn contracts_are_listed_page_by_page_with_what_is_active() {
    let mut office = Office::new();
    let ann = office.ann.clone();
    for name in ["b", "a", "c"] {
        office.drafted(&agent(name, "One."));
    }
    let (mut seen, mut arguments) = (Vec::new(), json!({"kind": "agent", "page_size": 1}));
    loop {
        let page = office.does(&ann, "list_contracts", arguments.clone());
        for item in page["items"].as_array().unwrap() {
            seen.push((item["name"].as_str().unwrap().to_owned(), item["active"].is_null()));
        }
        if page["next_cursor"].is_null() {
            break;
        }
        arguments["cursor"] = page["next_cursor"].clone();
    }
    let expected = [("a", true), ("agent", false), ("b", true), ("c", true)];
    assert_eq!(seen, expected.map(|(name, inactive)| (name.to_owned(), inactive)));
    let none = office.does(&ann, "list_contracts", json!({"kind": "tool"}));
    assert_eq!(none["items"], json!([]));
}

#[test]
fn another_projects_contract_is_not_there() {
    let (mut office, mut neighbour) = (Office::new(), Office::new());
    let id = office.signed(&agent("bot", "Answers."));
    let draft = office.drafted(&agent("bot", "Two."));
    let theirs = neighbour.ann.clone();
    let signer = neighbour.bob.clone();
    for (key, operation, arguments) in [
        (&theirs, "get_contract", json!({"revision_id": id})),
        (&theirs, "get_contract", json!({"revision_id": draft})),
        (&theirs, "edit_contract", json!({"revision_id": draft, "document": agent("bot", "Mine.")})),
        (&theirs, "discard_contract", json!({"revision_id": draft})),
        (&theirs, "publish_contract", json!({"revision_id": draft})),
        (&signer, "sign_contract", json!({"revision_id": id})),
        (&theirs, "activate_contract", json!({"revision_id": id})),
        (&theirs, "revoke_contract", json!({"revision_id": id})),
        (&theirs, "verify_contract", json!({"revision_id": id})),
        (&theirs, "export_contract", json!({"revision_id": id})),
        (&theirs, "diff_contracts", json!({"revision_id": id, "from_revision_id": id})),
        (&theirs, "active_contract", json!({"kind": "agent", "name": "bot"})),
        (&theirs, "contract_history", json!({"kind": "agent", "name": "bot"})),
    ] {
        assert_eq!(neighbour.code(key, operation, arguments), "E-CONTRACT-002", "{operation}");
    }
    let listed = neighbour.does(&theirs, "list_contracts", json!({}))["items"].to_string();
    assert!(!listed.contains("bot"), "{listed}");
}
