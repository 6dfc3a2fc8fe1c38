use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::jwk::{IssuerKey, PublicKey, Unfit, read_set};
use super::presented::{Presented, looks_like_one};
use super::signature::{is_by, make_up_for};
use super::terms::{Granted, Terms, principal};
use super::*;
use crate::scope::{Scope, ScopeSet};

const ISSUER: &str = "https://idp.example";
const AUDIENCE: &str = "https://gateway.example/mcp";
const NOW: i64 = 1_800_000_000;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn jwk() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": encoded(key().verifying_key().as_bytes())})
}

fn signed(header: &str, payload: &str) -> String {
    let message = format!("{}.{}", encoded(header), encoded(payload));
    let signature = key().sign(message.as_bytes()).to_bytes();
    format!("{message}.{}", encoded(signature))
}

fn token(claims: &Value) -> String {
    signed(r#"{"alg":"EdDSA","kid":"k","typ":"at+jwt"}"#, &claims.to_string())
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": NOW + 60, "iat": NOW, "scope": "openid tools:call runs:read"})
}

fn terms() -> Terms {
    Terms {
        project_id: "shop".into(),
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        ceiling: ScopeSet::of(Scope::ToolsCall).with(Scope::ToolsRead),
        subject_claim: "sub".into(),
        agent_claim: None,
        project_claim: None,
    }
}

fn judged(terms: &Terms, claims: &Value) -> Option<Granted> {
    terms.judge(&Presented::read(&token(claims)).unwrap(), NOW * 1_000_000)
}

/// The claims with one of them changed, or taken away.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    if value == json!("(none)") {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

#[test]
fn a_token_comes_to_the_scopes_that_it_has_and_its_issuer_may_give() {
    let granted = judged(&terms(), &claims()).unwrap();
    assert_eq!(granted.principal_id, "token:https://idp.example#ada");
    assert_eq!((granted.scopes.names(), granted.agent_id), (vec!["tools:call"], None));
    assert_eq!(granted.until, (NOW + 65) * 1_000_000);
    for (name, value, scopes) in [
        ("scope", json!(""), vec![]),
        ("scope", json!("(none)"), vec![]),
        ("scope", json!("keys:admin runs:write *"), vec![]),
        ("scope", json!("tools:call,tools:read"), vec![]),
        ("scope", json!("tools:read tools:call"), vec!["tools:call", "tools:read"]),
    ] {
        assert_eq!(judged(&terms(), &with(name, value.clone())).unwrap().scopes.names(), scopes, "{value}");
    }
    for (scp, scopes) in [(json!(["tools:read", "x"]), vec!["tools:read"]), (json!("tools:read x"), vec!["tools:read"])]
    {
        let mut claims = with("scope", json!("(none)"));
        claims["scp"] = scp;
        assert_eq!(judged(&terms(), &claims).unwrap().scopes.names(), scopes);
    }
}

#[test]
fn no_ceiling_lets_a_token_make_credentials() {
    let terms = Terms { ceiling: ScopeSet::EVERY, ..terms() };
    let granted = judged(&terms, &with("scope", json!("keys:admin runs:read"))).unwrap();
    assert_eq!(granted.scopes.names(), ["runs:read"]);
}

#[test]
fn each_claim_that_is_wrong_makes_the_token_none() {
    for (name, value) in [
        ("iss", json!("https://idp.example/")),
        ("iss", json!(["https://idp.example"])),
        ("iss", json!("(none)")),
        ("aud", json!("https://gateway.example")),
        ("aud", json!("https://gateway.example/mcp/other")),
        ("aud", json!([])),
        ("aud", json!(["https://other.example"])),
        ("aud", json!([AUDIENCE, 7])),
        ("aud", json!({"0": AUDIENCE})),
        ("aud", json!("(none)")),
        ("exp", json!(NOW - 5)),
        ("exp", json!((NOW + 60).to_string())),
        ("exp", json!(null)),
        ("exp", json!("(none)")),
        ("nbf", json!(NOW + 6)),
        ("nbf", json!(null)),
        ("nbf", json!("0")),
        ("iat", json!(NOW + 6)),
        ("iat", json!([NOW])),
        ("sub", json!("(none)")),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", json!("a\nb")),
        ("sub", json!("a".repeat(256))),
        ("scope", json!(7)),
        ("scope", json!(["tools:call"])),
        ("project_id", json!("other")),
        ("project_id", json!(["shop"])),
        ("project_id", json!(null)),
    ] {
        assert_eq!(judged(&terms(), &with(name, value.clone())), None, "{name} {value}");
    }
    let mut claims = with("scope", json!("(none)"));
    claims["scp"] = json!(["tools:call", 7]);
    assert_eq!(judged(&terms(), &claims), None);
}

#[test]
fn clocks_may_differ_by_five_seconds_and_no_more() {
    for (name, value) in [
        ("exp", json!(NOW - 4)),
        ("exp", json!(NOW as f64 + 0.5)),
        ("nbf", json!(NOW + 5)),
        ("iat", json!(NOW + 5)),
        ("iat", json!("(none)")),
        ("aud", json!(["https://other.example", AUDIENCE])),
        ("project_id", json!("shop")),
    ] {
        assert!(judged(&terms(), &with(name, value.clone())).is_some(), "{name} {value}");
    }
}

#[test]
fn what_was_registered_of_a_claim_is_asked_of_every_token() {
    let bound = Terms { agent_claim: Some("agent".into()), ceiling: ScopeSet::EVERY, ..terms() };
    assert_eq!(judged(&bound, &claims()), None);
    assert_eq!(judged(&bound, &with("agent", json!("a b"))), None);
    let granted = judged(&bound, &with("agent", json!("order-bot"))).unwrap();
    assert_eq!(granted.agent_id.as_deref(), Some("order-bot"));
    assert!(ScopeSet::OF_AN_AGENT.covers(granted.scopes));
    let unscoped = with("scope", json!("runs:write"));
    assert_eq!(
        judged(&Terms { ceiling: ScopeSet::EVERY, ..terms() }, &unscoped).unwrap().scopes.names(),
        ["runs:write"]
    );

    let tenant = Terms { project_claim: Some("https://idp.example/tenant".into()), ..terms() };
    assert_eq!(judged(&tenant, &claims()), None);
    assert_eq!(judged(&tenant, &with("https://idp.example/tenant", json!("other"))), None);
    assert!(judged(&tenant, &with("https://idp.example/tenant", json!("shop"))).is_some());

    let by_mail = Terms { subject_claim: "email".into(), ..terms() };
    assert_eq!(judged(&by_mail, &claims()), None);
    let granted = judged(&by_mail, &with("email", json!("ada@shop.example"))).unwrap();
    assert_eq!(granted.principal_id, "token:https://idp.example#ada@shop.example");
}

#[test]
fn two_subjects_are_never_one_principal() {
    let long = "a".repeat(terms::MAX_PRINCIPAL);
    assert_eq!(principal(ISSUER, &long), None);
    assert_ne!(principal("https://idp.example/a", "b"), principal("https://idp.example", "a#b"));
    assert_ne!(principal(ISSUER, "a#b"), principal(ISSUER, "a"));
}

#[test]
fn a_header_that_chooses_how_it_is_verified_makes_the_token_none() {
    let payload = claims().to_string();
    for header in [
        r#"{"alg":"none","kid":"k"}"#,
        r#"{"alg":"HS256","kid":"k"}"#,
        r#"{"alg":"eddsa","kid":"k"}"#,
        r#"{"alg":"RS512","kid":"k"}"#,
        r#"{"alg":["EdDSA"],"kid":"k"}"#,
        r#"{"kid":"k"}"#,
        r#"{"alg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","kid":""}"#,
        r#"{"alg":"EdDSA","kid":7}"#,
        r#"{"alg":"EdDSA","kid":"k","crit":[]}"#,
        r#"{"alg":"EdDSA","kid":"k","b64":false}"#,
        r#"{"alg":"EdDSA","kid":"k","jku":"https://evil.example"}"#,
        r#"{"alg":"EdDSA","kid":"k","jwk":{}}"#,
        r#"{"alg":"EdDSA","kid":"k","x5u":"https://evil.example"}"#,
        r#"{"alg":"EdDSA","kid":"k","x5c":[]}"#,
        r#"{"alg":"EdDSA","kid":"k","zip":"DEF"}"#,
        r#"{"alg":"EdDSA","kid":"k","cty":"JWT"}"#,
        r#"{"alg":"EdDSA","kid":"k","typ":"id+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"k","typ":null}"#,
        r#"{"alg":"none","alg":"EdDSA","kid":"k"}"#,
        r#"["EdDSA"]"#,
        "{",
    ] {
        assert!(Presented::read(&signed(header, &payload)).is_none(), "{header}");
    }
    for header in [r#"{"alg":"EdDSA","kid":"k"}"#, r#"{"alg":"EdDSA","kid":"k","typ":"AT+JWT","x5t":"AA"}"#] {
        assert!(Presented::read(&signed(header, &payload)).is_some(), "{header}");
    }
}

#[test]
fn what_two_readers_would_read_differently_is_no_token() {
    let header = r#"{"alg":"EdDSA","kid":"k"}"#;
    for payload in [r#"{"iss":"a","iss":"b"}"#, r#"{"exp":1e400}"#, "[]", "7", "", r#"{"sub":"\u0000"}"#] {
        assert!(Presented::read(&signed(header, payload)).is_none(), "{payload}");
    }
    let good = token(&claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    for bad in [
        format!("{good}="),
        format!("{message}=.{signature}"),
        format!("{message}.{signature}.{signature}"),
        message.to_owned(),
        good.replace('.', ".."),
        format!("{message} .{signature}"),
    ] {
        let read = Presented::read(&bad);
        assert!(
            read.is_none_or(|presented| !is_by(&presented, &PublicKey::read(&jwk().to_string()).unwrap())),
            "{bad}"
        );
        assert!(!looks_like_one(&bad) || bad.len() == good.len() - signature.len() - 1, "{bad}");
    }
    let huge = token(&with("pad", json!("a".repeat(MAX_TOKEN))));
    assert!(looks_like_one(&huge) && Presented::read(&huge).is_none());
}

#[test]
fn an_api_key_of_any_project_is_no_token() {
    let (key, lease) = (crate::credential::new_api_key("p").unwrap().reveal(), "awl_p.a.b");
    for ours in [key.as_str(), lease, "awk_.a.b", "awi_a.b.c", "", "a.b.c", "eyJ.b", "eyJ..c", "eyJ.b.c.d"] {
        assert!(!looks_like_one(ours), "{ours}");
    }
    assert!(looks_like_one("eyJ.b.c"));
}

#[test]
fn only_the_key_that_signed_a_token_verifies_it() {
    let text = token(&claims());
    let key = PublicKey::read(&jwk().to_string()).unwrap();
    let presented = Presented::read(&text).unwrap();
    assert!(is_by(&presented, &key));
    let other = json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(SigningKey::from_bytes(&[8; 32]).verifying_key())});
    assert!(!is_by(&presented, &PublicKey::read(&other.to_string()).unwrap()));
    // The same key, given for another algorithm, is none; and one of another kind admits nothing of this one.
    let mut given = jwk();
    given["alg"] = json!("ES256");
    assert!(PublicKey::read(&given.to_string()).is_none());
    for at in (0..text.len()).filter(|at| text.as_bytes()[*at] != b'.') {
        let mut forged = text.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        assert!(!Presented::read(&forged).is_some_and(|presented| is_by(&presented, &key)), "{at}");
    }
    // Nothing that is refused may break the work that makes up for it.
    make_up_for(Some(&presented), None);
    make_up_for(None, Some(&key));
    make_up_for(Some(&presented), Some(&key));
    for algorithm in Algorithm::ALL {
        let header = json!({"alg": algorithm.as_str(), "kid": "k"}).to_string();
        make_up_for(Presented::read(&signed(&header, "{}")).as_ref(), Some(&key));
    }
}

#[test]
fn a_decoy_takes_what_a_key_of_its_weight_takes() {
    // A point beside its curve, or a modulus that the library turns away at once, would cost nothing.
    for weight in ["RS256", "ES256", "ES384", "EdDSA"].map(|word| Algorithm::parse(word).unwrap()) {
        assert!(signature::decoys_are_usable(weight), "{weight:?}");
    }
}

fn set(keys: &[Value]) -> Result<Vec<IssuerKey>, Unfit> {
    read_set(&json!({"keys": keys}).to_string())
}

fn changed(name: &str, value: Value) -> Value {
    let mut key = jwk();
    key[name] = value;
    key
}

#[test]
fn a_set_is_what_can_verify_signatures() {
    let kept = set(&[changed("use", json!("sig")), changed("kid", json!("2"))]).unwrap();
    assert_eq!(kept.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["k", "2"]);
    assert!(PublicKey::read(&kept[0].jwk).is_some() && !kept[0].jwk.contains("use"));
    assert_eq!(set(&[]), Ok(vec![]));
    let weak = encoded([0xff; 128]);
    let large = encoded([0xff; 1024]);
    let rsa = |n: &str, e: &str| json!({"kty": "RSA", "kid": "r", "n": n, "e": e});
    let fine = encoded([0xff; 256]);
    assert_eq!(set(&[rsa(&fine, "AQAB")]).unwrap().len(), 1);
    for passed_over in [
        changed("use", json!("enc")),
        changed("key_ops", json!(["encrypt"])),
        changed("key_ops", json!("verify")),
        changed("kid", json!(7)),
        changed("kid", json!("")),
        changed("kid", json!("k".repeat(129))),
        changed("alg", json!("HS256")),
        changed("alg", json!("none")),
        changed("alg", json!("RS256")),
        changed("alg", json!(null)),
        changed("crv", json!("X25519")),
        changed("crv", json!("Ed448")),
        changed("x", json!("AA")),
        changed("kty", json!("EC")),
        json!({"kty": "OKP", "crv": "Ed25519", "x": jwk()["x"]}),
        json!({"kty": "EC", "crv": "P-256", "kid": "e", "x": encoded([1; 32]), "y": encoded([1; 32])}),
        json!({"kty": "EC", "crv": "secp256k1", "kid": "e", "x": encoded([1; 32]), "y": encoded([1; 32])}),
        rsa(&weak, "AQAB"),
        rsa(&large, "AQAB"),
        rsa(&fine, "AQ"),
        rsa(&fine, "Ag"),
        rsa(&fine, "AQAAAAE"),
        rsa(&encoded([0xfe; 256]), "AQAB"),
        rsa(&encoded([0x7f; 256]), "AQAB"),
    ] {
        assert_eq!(set(std::slice::from_ref(&passed_over)), Ok(vec![]), "{passed_over}");
    }
}

#[test]
fn a_set_whose_publisher_has_lost_control_of_it_is_refused_whole() {
    for (keys, why) in [
        (vec![jwk(), jwk()], Unfit::SameIdTwice),
        (vec![jwk(), changed("d", json!("AA"))], Unfit::ShowsASecret),
        (vec![jwk(), json!({"kty": "oct", "k": "AA"})], Unfit::ShowsASecret),
        (vec![jwk(), json!({"kty": "oct"})], Unfit::ShowsASecret),
        (vec![json!(7)], Unfit::NotASet),
        ((0..17).map(|n| changed("kid", json!(n.to_string()))).collect(), Unfit::TooMany),
    ] {
        assert_eq!(set(&keys), Err(why));
    }
    let long = format!(r#"{{"keys": [], "pad": "{}"}}"#, "a".repeat(jwk::MAX_SET));
    for text in ["", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": [], "keys": []}"#, long.as_str()] {
        assert_eq!(read_set(text), Err(Unfit::NotASet));
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_readers_panic(text in "\\PC{0,200}", header in "\\PC{0,60}", payload in "\\PC{0,60}") {
        let token = signed(&header, &payload);
        for text in [text.as_str(), &token] {
            let read = Presented::read(text).map(|presented| terms().judge(&presented, NOW));
            let _ = (read, looks_like_one(text), read_set(text), PublicKey::read(text));
        }
    }

    #[test]
    fn no_change_of_a_claim_gives_more_than_was_registered(name in "(iss|aud|exp|nbf|iat|sub|scope|scp|project_id)", value in any::<Option<i64>>(), text in "[ -~]{0,40}") {
        for value in [json!(value), json!(text), json!([text]), json!({"a": text})] {
            let token = token(&with(&name, value));
            // A number that readers round is refused before.
            if let Some(granted) = Presented::read(&token).and_then(|read| terms().judge(&read, NOW * 1_000_000)) {
                prop_assert!(terms().ceiling.covers(granted.scopes) && granted.until > NOW * 1_000_000);
                prop_assert!(granted.principal_id.starts_with("token:https://idp.example#"));
            }
        }
    }
}
