//! Files that the platform made, and the same after somebody changed them.

mod tampering;

use awooop_contracts::Kind;
use awooop_contracts::revision::Signature;

use super::*;
use crate::keyring::Use;

/// A revision of an example of this kind, as the platform would publish it.
fn revision(kind: Kind) -> Revision {
    let document: Value = serde_json::from_str(kind.full_example()).unwrap();
    Revision {
        project_id: "ewoooc".into(),
        kind,
        name: document["name"].as_str().unwrap().into(),
        revision_id: "018f0000-0000-7000-8000-000000000001".into(),
        number: 3,
        authors: vec!["ada".into(), "grace".into()],
        published_by: "grace".into(),
        published_at: "2027-01-02T03:04:05.000006Z".into(),
        document,
    }
}

/// A signature made with the current key of `keyring`.
fn signed(revision: &Revision, keyring: &Keyring, purpose: Purpose, principal: &str, id: &str) -> Signature {
    let signer = keyring.contract_signer().unwrap();
    let mut signature = Signature {
        signature_id: id.into(),
        purpose,
        principal_id: principal.into(),
        credential: format!("role:{principal}"),
        signed_at: "2027-01-03T03:04:05.000006Z".into(),
        key_id: signer.key_id(),
        mac: String::new(),
    };
    signature.mac = hex::encode(signer.sign(signature.statement(revision).unwrap().as_bytes()));
    signature
}

/// A file with two principals' approvals, one of them given twice, and an activation.
fn exported(kind: Kind, keyring: &Keyring) -> ExportedContract {
    let revision = revision(kind);
    let signatures = [
        (Purpose::Publish, "grace", "s1"),
        (Purpose::Approve, "edsger", "s2"),
        (Purpose::Approve, "barbara", "s3"),
        (Purpose::Approve, "barbara", "s4"),
        (Purpose::Activate, "edsger", "s5"),
    ]
    .map(|(purpose, principal, id)| signed(&revision, keyring, purpose, principal, id));
    ExportedContract::new(revision, signatures.into())
}

fn keyring() -> Keyring {
    Keyring::create("awooop.test").unwrap()
}

fn verdict(exported: &ExportedContract, keyring: &Keyring) -> Verdict {
    verify(exported, keyring).verdict
}

#[test]
fn what_the_platform_published_is_proven_of_every_kind() {
    let keyring = keyring();
    for &kind in Kind::ALL {
        let exported = exported(kind, &keyring);
        let report = verify(&exported, &keyring);
        assert_eq!(report.verdict, Verdict::Proven, "{report:?}");
        assert_eq!(report.approving_principals().into_iter().collect::<Vec<_>>(), ["barbara", "edsger"]);
        assert_eq!(report.revision_digest, exported.revision.digest().unwrap());
        let told = report.to_json();
        assert_eq!((&told["proven"], &told["approving_principals"]), (&true.into(), &2.into()));
        assert_eq!(
            told["publish_signatures"][0],
            json!({"key_id": "awooop.test/contract-1", "verdict": "good", "key_state": "current"})
        );
        assert_eq!(told["retired_keys"], json!([]));
    }
}

#[test]
fn a_retired_key_still_proves_and_is_told_of() {
    let mut keyring = keyring();
    let mut signatures: Vec<Signature> = Vec::new();
    let revision = revision(Kind::Agent);
    signatures.push(signed(&revision, &keyring, Purpose::Publish, "grace", "s1"));
    keyring.add("contract-2", Use::Contract).unwrap();
    keyring.make_current("contract-2").unwrap();
    signatures.push(signed(&revision, &keyring, Purpose::Publish, "ada", "s2"));
    signatures.push(signed(&revision, &keyring, Purpose::Approve, "barbara", "s3"));
    let exported = ExportedContract::new(revision, signatures);
    let report = verify(&exported, &keyring);
    assert_eq!(report.publish_signatures, [MacVerdict::Good(State::Retired), MacVerdict::Good(State::Current)]);
    assert_eq!((report.is_proven(), report.retired_keys()), (true, BTreeSet::from(["awooop.test/contract-1"])));
}

#[test]
fn another_installations_keyring_proves_nothing() {
    let (ours, mut theirs) = (keyring(), keyring());
    let exported = exported(Kind::Tool, &ours);
    assert_eq!(verdict(&exported, &theirs), Verdict::Unproven(Reason::Forged), "a key of the same name");
    theirs = Keyring::parse(&theirs.reveal().replace("contract-1", "contract-9")).unwrap();
    let report = verify(&exported, &theirs);
    assert_eq!(report.verdict, Verdict::Unproven(Reason::UnknownKey));
    let elsewhere = Keyring::create("awooop.elsewhere").unwrap();
    assert_eq!(verdict(&exported, &elsewhere), Verdict::Unproven(Reason::UnknownKey), "another installation's name");
    assert!(report.approving_principals().is_empty());
    let no_key = Keyring::parse(r#"{"version": 1, "name": "n", "keys": []}"#).unwrap();
    assert_eq!(verdict(&exported, &no_key), Verdict::Unproven(Reason::UnknownKey));
}

#[test]
fn without_a_publish_signature_approvals_prove_nothing() {
    let (keyring, revision) = (keyring(), revision(Kind::Agent));
    for signatures in [vec![], vec![signed(&revision, &keyring, Purpose::Approve, "barbara", "s1")]] {
        let exported = ExportedContract::new(revision.clone(), signatures);
        assert_eq!(verdict(&exported, &keyring), Verdict::Unproven(Reason::Unsigned));
    }
}

#[test]
fn what_the_platform_would_never_publish_is_not_proven_though_it_is_signed() {
    let keyring = keyring();
    let publish = |revision: Revision| {
        let signature = signed(&revision, &keyring, Purpose::Publish, "grace", "s1");
        verdict(&ExportedContract::new(revision, vec![signature]), &keyring)
    };
    let with = |change: &dyn Fn(&mut Revision)| {
        let mut revision = revision(Kind::Agent);
        change(&mut revision);
        publish(revision)
    };
    assert_eq!(with(&|_| {}), Verdict::Proven);
    for change in [
        &|one: &mut Revision| one.name.push('x'),
        &|one: &mut Revision| one.kind = Kind::Tool,
        &|one: &mut Revision| one.document["surplus"] = 1.into(),
        &|one: &mut Revision| one.document = Value::Null,
    ] as [&dyn Fn(&mut Revision); 4]
    {
        assert_eq!(with(change), Verdict::Unproven(Reason::Document));
    }
}

#[test]
fn an_authors_own_approval_does_not_count() {
    let (keyring, revision) = (keyring(), revision(Kind::Agent));
    let signatures = [(Purpose::Publish, "grace", "s1"), (Purpose::Approve, "ada", "s2")]
        .map(|(purpose, principal, id)| signed(&revision, &keyring, purpose, principal, id));
    let exported = ExportedContract::new(revision, signatures.into());
    let report = verify(&exported, &keyring);
    assert!(report.is_proven() && report.approving_principals().is_empty());
}
