use super::*;
use proptest::prelude::*;
use serde_json::from_str;

const SECRET: &[u8] = &[7; 32];

fn by_ours(kid: &str) -> Found<'static> {
    match kid {
        "k" => Found::Key(SECRET),
        "old" => Found::Retired,
        _ => Found::Unknown,
    }
}

fn token(header: &str, payload: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = EncodingKey::from_secret(SECRET).unwrap();
    format!("{message}.{}", crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap())
}

/// Wycheproof's vectors for HS256 (github.com/C2SP/wycheproof, json_web_signature_test.json).
#[test]
fn the_vectors_of_wycheproof_hold() {
    let vectors: Vec<Value> = from_str(include_str!("wycheproof.json")).unwrap();
    assert_eq!(vectors.len(), 40);
    let text = |number: i64| {
        vectors.iter().find(|vector| vector["tcId"] == number).and_then(|vector| vector["jws"].as_str()).unwrap()
    };
    for vector in &vectors {
        let secret = URL_SAFE_NO_PAD.decode(vector["k"].as_str().unwrap()).unwrap();
        let jws = vector["jws"].as_str().unwrap();
        let opened = open(jws, |_| Found::Key(&secret));
        match vector["tcId"].as_i64().unwrap() {
            // Called valid, and not by RFC 7515, section 2: a character outside of the alphabet was put into them after they
            // were signed, and a reader must not pass over it.
            number @ (372 | 373) => {
                let (message, signature) = jws.rsplit_once('.').unwrap();
                let key = DecodingKey::from_secret(&secret).unwrap();
                let is_signed = crypto::verify(signature, message.as_bytes(), &key, Algorithm::HS256).unwrap();
                assert!(!is_signed && opened.is_err(), "{number}");
            }
            // Called invalid for their padding, and have none: letter by letter they are the first of the group, which is
            // valid. What they mean to test, `padding_is_no_part_of_a_token` does.
            number @ (367 | 370) => assert!(jws == text(357) && opened.is_ok(), "{number}"),
            number => assert_eq!(opened.is_ok(), vector["result"] == "valid", "{number}: {opened:?}"),
        }
    }
}

#[test]
fn padding_is_no_part_of_a_token() {
    let good = token(r#"{"alg":"HS256","kid":"k"}"#, "{\"a\":1}");
    let parts: Vec<&str> = good.split('.').collect();
    for at in 0..3 {
        for padding in ["=", "=="] {
            let mut padded: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            padded[at].push_str(padding);
            assert_eq!(open(&padded.join("."), by_ours), Err(ErrorCode::TokenMalformed), "{at} {padding}");
        }
    }
}

#[test]
fn each_attack_by_the_header_has_its_code() {
    let good = r#"{"alg":"HS256","kid":"k"}"#;
    assert_eq!(open(&token(good, "{}"), by_ours).unwrap(), b"{}");
    for (header, code) in [
        (r#"{"alg":"none","kid":"k"}"#, ErrorCode::TokenAlgorithm),
        (r#"{"alg":"None","kid":"k"}"#, ErrorCode::TokenAlgorithm),
        (r#"{"alg":"HS512","kid":"k"}"#, ErrorCode::TokenAlgorithm),
        (r#"{"alg":"hs256","kid":"k"}"#, ErrorCode::TokenAlgorithm),
        (r#"{"alg":"RS256","kid":"k"}"#, ErrorCode::TokenAlgorithm),
        (r#"{"alg":["HS256"],"kid":"k"}"#, ErrorCode::TokenAlgorithm),
        (r#"{"kid":"k"}"#, ErrorCode::TokenAlgorithm),
        (r#"{"alg":"HS256","kid":"k","crit":["exp"]}"#, ErrorCode::TokenCritical),
        (r#"{"alg":"HS256","kid":"k","crit":[]}"#, ErrorCode::TokenCritical),
        (r#"{"alg":"HS256","kid":"k","jku":"https://evil.example/keys"}"#, ErrorCode::TokenKeyInHeader),
        (r#"{"alg":"HS256","kid":"k","x5u":"https://evil.example/cert"}"#, ErrorCode::TokenKeyInHeader),
        (r#"{"alg":"HS256","kid":"k","jwk":{"kty":"oct","k":"AA"}}"#, ErrorCode::TokenKeyInHeader),
        (r#"{"alg":"HS256","kid":"k","x5c":["AA"]}"#, ErrorCode::TokenKeyInHeader),
        (r#"{"alg":"HS256","kid":"k","b64":false}"#, ErrorCode::TokenHeader),
        (r#"{"alg":"HS256","kid":"k","zip":"DEF"}"#, ErrorCode::TokenHeader),
        (r#"{"alg":"HS256","kid":"k","typ":"at+jwt"}"#, ErrorCode::TokenHeader),
        (r#"{"alg":"HS256","kid":7}"#, ErrorCode::TokenHeader),
        (r#"{"alg":"HS256"}"#, ErrorCode::TokenKeyUnknown),
        (r#"{"alg":"HS256","kid":"other"}"#, ErrorCode::TokenKeyUnknown),
        (r#"{"alg":"HS256","kid":"../../etc/passwd"}"#, ErrorCode::TokenKeyUnknown),
        (r#"{"alg":"HS256","kid":"old"}"#, ErrorCode::TokenKeyRetired),
        (r#"{"alg":"HS256","alg":"none","kid":"k"}"#, ErrorCode::TokenMalformed),
        (r#"["HS256"]"#, ErrorCode::TokenMalformed),
        ("", ErrorCode::TokenMalformed),
    ] {
        assert_eq!(open(&token(header, "{}"), by_ours), Err(code), "{header}");
    }
}

#[test]
fn a_signature_of_another_key_length_or_part_is_none() {
    let good = token(r#"{"alg":"HS256","kid":"k"}"#, "{}");
    let (message, signature) = good.rsplit_once('.').unwrap();
    let with_other = |secret: &[u8]| {
        let key = EncodingKey::from_secret(secret).unwrap();
        format!("{message}.{}", crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap())
    };
    for token in [
        with_other(b"awk_project.key.secret"),
        with_other(&[0; 32]),
        format!("{message}."),
        format!("{message}.{}", &signature[..40]),
        format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 32])),
    ] {
        assert!(matches!(open(&token, by_ours), Err(ErrorCode::TokenSignature | ErrorCode::TokenMalformed)), "{token}");
    }
    assert_eq!(open(&with_other(b"x"), by_ours), Err(ErrorCode::TokenSignature));
}

#[test]
fn what_is_long_or_deep_is_refused_before_it_is_read() {
    let long = "a".repeat(1 << 20);
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    for text in [
        long.clone(),
        format!("{long}.{long}.{long}"),
        ".".repeat(1 << 20),
        format!("{}..", URL_SAFE_NO_PAD.encode(&deep)),
        token(&deep, "{}"),
    ] {
        let started = std::time::Instant::now();
        for _ in 0..100 {
            assert_eq!(open(&text, by_ours), Err(ErrorCode::TokenMalformed));
        }
        // A hundred of them: no reading of a million characters in sight, on the slowest of machines.
        assert!(started.elapsed().as_millis() < 1000);
    }
}

#[test]
fn what_we_sign_we_open() {
    let signed = sign("k", SECRET, b"{\"a\":1}").unwrap();
    assert_eq!(open(&signed, by_ours).unwrap(), b"{\"a\":1}");
    assert_eq!(open(&signed, |_| Found::Key(&[8; 32])), Err(ErrorCode::TokenSignature));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_or_pass(text in "[ -~]{0,300}") {
        prop_assert!(open(&text, by_ours).is_err());
    }

    // Any one character of a token changed makes it none; but for the case that only bits change which base64 leaves over,
    // and those are refused as well.
    #[test]
    fn a_token_with_one_character_changed_is_none(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
        let good = sign("k", SECRET, b"{\"amount\":30}").unwrap();
        let at = at.index(good.len());
        let mut changed = good.clone();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != good);
        prop_assert!(open(&changed, by_ours).is_err(), "{changed}");
    }
}
