mod others;

use super::*;
use crate::keyring::{Keyring, MacVerdict, State, Use, Vouched};
use serde_json::json;

const NOW: i64 = 1_800_000_000;
const ARGUMENTS: &str = r#"{"amount":30,"order":"A-1"}"#;

/// A keyring with an approval key.
fn keyring() -> Keyring {
    Keyring::create("awooop.test").unwrap()
}

fn binding() -> Binding<'static> {
    Binding { project: "shop", run: Uuid::from_u128(7), tool: "refund__shop", arguments: ARGUMENTS }
}

fn grant() -> Grant<'static> {
    Grant { jti: Uuid::from_u128(9), agent: "bot", mode: TokenMode::Execute, from: NOW, until: NOW + 900 }
}

fn issued(keyring: &Keyring) -> String {
    issue(keyring, &grant(), &binding()).unwrap().unwrap().token
}

fn code(keyring: &Keyring, token: &str, binding: &Binding, now: i64) -> ErrorCode {
    verify(keyring, token, binding, now).unwrap_err().code
}

/// A token of ours with other claims.
fn claiming(keyring: &Keyring, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = serde_json::to_value(issue(keyring, &grant(), &binding()).unwrap().unwrap().claims).unwrap();
    change(&mut claims);
    let signer = keyring.approval_signer().unwrap();
    jws::sign(signer.id, signer.secret(), claims.to_string().as_bytes()).unwrap()
}

#[test]
fn a_token_says_what_was_approved_and_is_good_for_that() {
    let keyring = keyring();
    let claims = verify(&keyring, &issued(&keyring), &binding(), NOW + 1).unwrap();
    assert_eq!(
        (claims.iss.as_str(), claims.aud.as_str(), claims.sub.as_str()),
        ("awooop.test", "awooop.test/tools", "bot")
    );
    assert_eq!((claims.iat, claims.nbf, claims.exp), (NOW, NOW, NOW + 900));
    assert_eq!((claims.jti, claims.run, claims.mode), (Uuid::from_u128(9), Uuid::from_u128(7), TokenMode::Execute));
    assert_eq!(claims.digest.len(), 64);
    let mut without = Keyring::create("awooop.test").unwrap();
    without.retire("approval-1").unwrap();
    without.add("approval-2", Use::Approval).unwrap();
    assert_eq!(issue(&without, &grant(), &binding()), Ok(None), "a key on standby signs nothing");
}

#[test]
fn a_token_for_anything_else_is_refused_by_its_own_code() {
    let keyring = keyring();
    let token = issued(&keyring);
    for (other, expected) in [
        (Binding { project: "other", ..binding() }, ErrorCode::TokenProject),
        (Binding { run: Uuid::from_u128(8), ..binding() }, ErrorCode::TokenRun),
        (Binding { tool: "refund__other", ..binding() }, ErrorCode::TokenTool),
        (Binding { arguments: r#"{"amount":31,"order":"A-1"}"#, ..binding() }, ErrorCode::TokenArguments),
        (Binding { arguments: "{}", ..binding() }, ErrorCode::TokenArguments),
    ] {
        assert_eq!(code(&keyring, &token, &other, NOW), expected);
    }
}

#[test]
fn time_is_allowed_five_seconds_and_no_more() {
    let keyring = keyring();
    let token = issued(&keyring);
    for (now, expected) in [
        (NOW - 6, Some(ErrorCode::TokenNotYet)),
        (NOW - 5, None),
        (NOW + 904, None),
        (NOW + 905, Some(ErrorCode::TokenExpired)),
        (i64::MAX, Some(ErrorCode::TokenExpired)),
        (i64::MIN, Some(ErrorCode::TokenNotYet)),
    ] {
        assert_eq!(verify(&keyring, &token, &binding(), now).err().map(|problem| problem.code), expected, "{now}");
    }
}

#[test]
fn claims_that_are_missing_of_another_type_or_unknown_are_refused() {
    let keyring = keyring();
    for name in ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "project", "run", "tool", "digest", "mode"] {
        let without = claiming(&keyring, |claims| drop(claims.as_object_mut().unwrap().remove(name)));
        assert_eq!(code(&keyring, &without, &binding(), NOW), ErrorCode::TokenClaims, "without {name}");
    }
    for (name, value, expected) in [
        ("exp", json!("1900000000"), ErrorCode::TokenTime),
        ("exp", json!(1_900_000_000.5), ErrorCode::TokenTime),
        ("exp", json!(null), ErrorCode::TokenTime),
        ("nbf", json!("0"), ErrorCode::TokenTime),
        ("iat", json!([1]), ErrorCode::TokenTime),
        ("iat", json!(NOW + 60), ErrorCode::TokenNotYet),
        ("aud", json!(["awooop.test/tools"]), ErrorCode::TokenClaims),
        ("aud", json!("awooop.test/admin"), ErrorCode::TokenAudience),
        ("iss", json!("elsewhere.test"), ErrorCode::TokenIssuer),
        ("mode", json!("anything"), ErrorCode::TokenClaims),
        ("jti", json!("1"), ErrorCode::TokenClaims),
        ("admin", json!(true), ErrorCode::TokenClaims),
    ] {
        let token = claiming(&keyring, |claims| claims[name] = value.clone());
        assert_eq!(code(&keyring, &token, &binding(), NOW), expected, "{name}: {value}");
    }
}

#[test]
fn a_key_that_is_gone_rotated_or_for_something_else_opens_nothing() {
    let mut keyring = keyring();
    let token = issued(&keyring);
    keyring.add("approval-2", Use::Approval).unwrap();
    assert!(verify(&keyring, &token, &binding(), NOW).is_ok());
    keyring.make_current("approval-2").unwrap();
    assert_eq!(code(&keyring, &token, &binding(), NOW), ErrorCode::TokenKeyRetired);
    assert!(verify(&keyring, &issued(&keyring), &binding(), NOW).is_ok());
    // Of an installation that has keys of the same ids.
    let other = self::keyring();
    assert_eq!(code(&other, &token, &binding(), NOW), ErrorCode::TokenSignature);
    // With a key of ours that is for contracts.
    let signer = keyring.approval_signer().unwrap();
    let by_contract_key = jws::sign("contract-1", signer.secret(), b"{}").unwrap();
    assert_eq!(code(&keyring, &by_contract_key, &binding(), NOW), ErrorCode::TokenKeyUnknown);
}

#[test]
fn digests_and_decisions_are_keyed_and_kept_apart() {
    let keyring = keyring();
    let signer = keyring.approval_signer().unwrap();
    use Vouched::{Decision, Request};
    let call = binding();
    assert_ne!(signer.digest(&call), signer.vouch(Decision, call.arguments));
    assert_ne!(signer.vouch(Request, "x"), signer.vouch(Decision, "x"));
    assert_ne!(signer.digest(&call), self::keyring().approval_signer().unwrap().digest(&call));
    assert_eq!(keyring.argument_digest("approval-1", &call), Some(signer.digest(&call)));
    assert_eq!(keyring.argument_digest("contract-1", &call), None);
    // The same arguments of another call have another digest, so that nobody finds arguments out by asking with guesses.
    for other in [
        Binding { project: "other", ..call },
        Binding { run: Uuid::from_u128(8), ..call },
        Binding { tool: "other__shop", ..call },
    ] {
        assert_ne!(signer.digest(&call), signer.digest(&other), "{other:?}");
    }
    let mac = signer.vouch(Decision, "yes");
    let check = |id: &str, what, statement: &str| keyring.check_vouched(id, what, statement, &mac);
    assert_eq!(check("approval-1", Decision, "yes"), MacVerdict::Good(State::Current));
    assert_eq!(check("approval-1", Request, "yes"), MacVerdict::Bad);
    assert_eq!(check("approval-1", Decision, "no"), MacVerdict::Bad);
    assert_eq!(check("approval-9", Decision, "yes"), MacVerdict::UnknownKey);
}
