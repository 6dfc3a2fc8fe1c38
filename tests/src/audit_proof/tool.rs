//! What the verifier without a database must not call good: nothing to verify against, and proofs that prove nothing.

use serde_json::{Value, json};

use super::offline::{Outside, gateway};
use super::stage::{EARLY, ROWS, Stage};

#[test]
fn without_a_checkpoint_nothing_is_good_but_an_exports_agreement_with_itself() {
    let mut stage = Stage::new();
    let outside = Outside::of(&mut stage);
    let empty = outside.keep("empty", "");
    let full = outside.file("export");
    let run = |export: &str, more: &[&str]| {
        let mut arguments = vec!["audit", "verify", "--export", export, "--public-key", &outside.key];
        arguments.extend(more);
        let output = gateway(&arguments);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        (output.status.code(), report)
    };
    for export in [&empty, &full] {
        let (code, report) = run(export, &[]);
        assert_eq!((code, &report["ok"]), (Some(1), &false.into()), "{report}");
        assert_eq!((&report["findings"][0]["kind"], &report["proved_to"]), (&"no_checkpoint".into(), &0.into()));
        let (code, report) = run(export, &["--no-checkpoint"]);
        assert_eq!((code, &report["ok"], &report["consistency_only"]), (Some(0), &true.into(), &true.into()));
        assert_eq!(report["proved_to"], 0);
    }
    let (code, report) = run(&full, &["--checkpoint", &outside.file("early")]);
    assert_eq!((code, &report["proved_to"], &report["tree_size"]), (Some(0), &EARLY.into(), &ROWS.into()));
    let late = outside.keep("mailed", &stage.held[1].replace('\n', "\r\n"));
    let (code, report) = run(&full, &["--checkpoint", &late, "--checkpoint", &outside.file("early")]);
    assert_eq!((code, &report["proved_to"], &report["consistency_only"]), (Some(0), &ROWS.into(), &false.into()));
}

#[test]
fn a_proof_says_what_it_proves_and_one_of_nothing_is_none() {
    let mut stage = Stage::new();
    let outside = Outside::of(&mut stage);
    let id = stage.id(33);
    let proof = stage.actor.call(&format!("select awooop.audit_proof('{id}', from_size => {EARLY})"));
    let run = |proof: &Value, checkpoints: &[&str], more: &[&str]| {
        let file = outside.keep("proof", &proof.to_string());
        let mut arguments = vec!["audit", "verify-proof", "--proof", &file, "--public-key", &outside.key];
        let checkpoints: Vec<String> = checkpoints.iter().map(|name| outside.file(name)).collect();
        for checkpoint in &checkpoints {
            arguments.extend(["--checkpoint", checkpoint]);
        }
        arguments.extend(more);
        let output = gateway(&arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for checkpoints in [&["early", "late"], &["late", "early"]] {
        let (code, proved) = run(&proof, checkpoints, &[]);
        let proved: Value = serde_json::from_str(&proved).unwrap();
        assert_eq!((code, &proved["inclusion"]["leaf_index"]), (Some(0), &33.into()), "{proved}");
        assert_eq!(proved["inclusion"]["audit_id"], id.as_str());
        assert_eq!(proved["consistency"], json!({"from_size": EARLY, "to_size": ROWS}));
    }
    let with = |name: &str, value: Value| {
        let mut proof = proof.clone();
        proof[name] = value;
        proof
    };
    for nothing in [
        json!({"tree_size": ROWS}),
        json!({"tree_size": ROWS, "inclusion": null, "consistency": null}),
        with("inclusion", json!("x")),
        with("consistency", json!([])),
    ] {
        let (code, printed) = run(&nothing, &["early", "late"], &[]);
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{nothing}");
    }
    // Without its document, and with an id of nobody: a hash, if one asks for no more.
    let mut bare = with("consistency", Value::Null);
    bare["inclusion"]["document"] = Value::Null;
    bare["inclusion"]["audit_id"] = "018f0000-0000-7000-8000-000000000000".into();
    let (code, printed) = run(&bare, &["late"], &[]);
    assert!(code == Some(1) && !printed.contains("018f0000") && printed.contains("leaf_hash"), "{printed}");
    assert_eq!(run(&bare, &["late"], &["--leaf-only"]).0, Some(0));
}
