//! Everything that is no token of the issuer, as whoever holds the gateway's login can present it.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use super::stage::Stage;
use crate::harness::Project;
use crate::harness::issuer::{AUDIENCE, Signer, encoded, key_set, now, store};

#[test]
fn each_claim_that_is_wrong_is_refused() {
    let mut stage = Stage::new();
    for (name, value) in [
        ("iss", json!("https://other.example")),
        ("iss", json!(format!("{}/", stage.issuer))),
        ("iss", json!([stage.issuer])),
        ("aud", json!("https://gateway.example")),
        ("aud", json!(format!("{AUDIENCE}/"))),
        ("aud", json!([format!("{AUDIENCE}/a"), "https://gateway.example/mc"])),
        ("aud", json!(null)),
        ("exp", json!(now() - 6)),
        ("exp", json!((now() + 300).to_string())),
        ("exp", json!(null)),
        ("nbf", json!(now() + 60)),
        ("iat", json!(now() + 60)),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", json!("a".repeat(300))),
        ("scope", json!(["runs:read"])),
        ("project_id", json!("other")),
    ] {
        let claims = stage.with(name, value.clone());
        stage.refused(&stage.signer.token(&claims), &format!("{name} {value}"));
    }
    for name in ["iss", "aud", "exp", "sub"] {
        let mut claims = stage.claims();
        claims.as_object_mut().unwrap().remove(name);
        stage.refused(&stage.signer.token(&claims), &format!("no {name}"));
    }
    stage.whoami(&stage.signer.token(&stage.with("aud", json!(["https://other.example", AUDIENCE]))));
    // Within the leeway of five seconds; the clock goes on.
    stage.whoami(&stage.signer.token(&stage.with("nbf", json!(now() + 4))));
}

#[test]
fn a_token_that_was_good_is_not_after_its_time() {
    let mut stage = Stage::new();
    // Good for a moment, by the leeway alone.
    let token = stage.signer.token(&stage.with("exp", json!(now() - 3)));
    stage.whoami(&token);
    crate::harness::answer::eventually("the end of the token", || {
        stage.ask(&token, "whoami", &json!({})).status == 401
    });
}

#[test]
fn the_algorithm_is_the_keys_and_never_the_tokens() {
    for algorithm in ["RS256", "ES256"] {
        let mut stage = Stage::of(Project::new(), algorithm);
        let payload = encoded(stage.claims().to_string());
        let header = |alg: &str| encoded(json!({"alg": alg, "kid": stage.signer.kid}).to_string());
        let mut forged = Vec::new();
        for none in ["none", "None", "NONE", "nOnE", ""] {
            let message = format!("{}.{payload}", header(none));
            forged.extend([format!("{message}.AA"), format!("{message}.")]);
        }
        // The public key as the secret of an HMAC, in every form that somebody may take it in.
        let jwk = stage.signer.jwk();
        for secret in
            [jwk.to_string(), jwk["n"].to_string(), jwk["x"].to_string(), String::new(), key_set(&[&stage.signer])]
        {
            for alg in ["HS256", "RS256", "ES256"] {
                let message = format!("{}.{payload}", header(alg));
                let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
                mac.update(message.as_bytes());
                forged.push(format!("{message}.{}", encoded(mac.finalize().into_bytes())));
            }
        }
        // A good signature, called another one.
        for alg in ["PS256", "RS256", "ES256", "ES384", "EdDSA", "RS512", "ES512"] {
            if alg != algorithm {
                let message = format!("{}.{payload}", header(alg));
                forged.push(format!("{message}.{}", encoded(stage.signer.sign(message.as_bytes()))));
            }
        }
        for (n, token) in forged.iter().enumerate() {
            stage.refused(token, &format!("{algorithm}, forgery {n}"));
        }
        stage.whoami(&stage.token());
    }
}

#[test]
fn a_key_that_its_issuer_gave_for_one_algorithm_verifies_no_other() {
    for (given, other) in [("RS256", "PS256"), ("PS256", "RS256")] {
        let mut stage = Stage::of(Project::new(), given);
        // The same RSA key, and a signature of it that is good for what it is.
        let otherwise = Signer::under(other, &stage.signer.kid);
        let token = otherwise.token(&stage.claims());
        stage.refused(&token, other);
        stage.whoami(&stage.token());
        // Given for any, it verifies both.
        let mut jwk = stage.signer.jwk();
        jwk.as_object_mut().unwrap().remove("alg");
        let set = json!({"keys": [jwk]}).to_string();
        stage.bring(&set);
        stage.whoami(&token);
    }
}

#[test]
fn a_header_that_brings_its_own_key_or_reading_is_refused() {
    let mut stage = Stage::new();
    let stranger = Signer::new("ES256");
    let kid = stage.signer.kid.clone();
    let mut forged = Vec::new();
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("jwk", stranger.jwk()),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["AA"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("typ", json!("id+jwt")),
        ("kid", json!(null)),
        ("kid", json!(format!("{kid}x"))),
        ("kid", json!(kid.to_uppercase())),
        ("kid", json!([kid])),
        ("kid", json!("' or true --")),
    ] {
        let mut header = json!({"alg": "ES256", "kid": kid, "typ": "at+jwt"});
        header[name] = value.clone();
        for signer in [&stage.signer, &stranger] {
            forged.push((signer.signed(&header.to_string(), &stage.claims().to_string()), format!("{name} {value}")));
        }
    }
    for (token, why) in &forged {
        stage.refused(token, why);
    }
    let header = json!({"alg": "ES256", "kid": kid, "typ": "JWT", "x5t": "AA"}).to_string();
    stage.whoami(&stage.signer.signed(&header, &stage.claims().to_string()));
}

#[test]
fn what_two_readers_would_read_differently_is_refused() {
    let mut stage = Stage::new();
    let (kid, good) = (stage.signer.kid.clone(), stage.claims().to_string());
    let doubled = |name: &str, value: &str| good.replacen('{', &format!("{{\"{name}\":{value},"), 1);
    let header = format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#);
    for payload in [
        doubled("iss", "\"https://other.example\""),
        doubled("sub", "\"eve\""),
        doubled("exp", "99999999999"),
        doubled("scope", "\"runs:write\""),
        doubled("n", "9007199254740993"),
        format!("{good} {good}"),
        format!("[{good}]"),
        good.replacen("ada", "a\\u0000", 1),
    ] {
        stage.refused(&stage.signer.signed(&header, &payload), &payload);
    }
    let twice = format!(r#"{{"alg":"none","alg":"ES256","kid":"{kid}"}}"#);
    stage.refused(&stage.signer.signed(&twice, &good), &twice);
    let token = stage.token();
    let parts: Vec<&str> = token.split('.').collect();
    let [head, payload, signature] = parts.try_into().unwrap();
    for bad in [
        format!("{head}.{payload}.{signature}="),
        format!("{head}.{payload}"),
        format!("{head}.{payload}."),
        format!(".{payload}.{signature}"),
        format!("{head}..{signature}"),
        format!("{head}.{payload}.{signature}.{signature}"),
        format!(" {token}"),
        format!("{token}\n"),
        format!("Bearer {token}"),
        format!("{head}.{signature}.{payload}"),
        token.to_uppercase(),
        format!("{token}{}", "A".repeat(100_000)),
    ] {
        stage.refused(&bad, &bad[..bad.len().min(200)]);
    }
}

#[test]
fn no_bit_of_a_token_can_be_another() {
    let mut stage = Stage::new();
    let token = stage.token();
    for at in (0..token.len()).step_by(7) {
        let mut forged = token.clone().into_bytes();
        forged[at] = match forged[at] {
            b'A' => b'B',
            _ => b'A',
        };
        let forged = String::from_utf8(forged).unwrap();
        if forged != token {
            stage.refused(&forged, &at.to_string());
        }
    }
    stage.whoami(&token);
}

#[test]
fn a_token_that_is_longer_than_any_should_be_is_refused() {
    let mut stage = Stage::new();
    let of = |length: usize| stage.with("pad", json!("a".repeat(length)));
    let (fits, huge) = (stage.signer.token(&of(5_000)), stage.signer.token(&of(9_000)));
    assert!(fits.len() < 8 * 1024 && huge.len() > 8 * 1024);
    stage.whoami(&fits);
    stage.refused(&huge, "more than 8 KiB");
}

#[test]
fn keys_and_issuers_of_others_verify_nothing() {
    let mut stage = Stage::new();
    // Another issuer of the same project, with a key of the same id.
    let other = Signer::under("ES256", &stage.signer.kid);
    let theirs = format!("{}/other", stage.issuer);
    let sql = stage.registering("runs:read", "").replacen(&stage.issuer, &theirs, 1);
    assert_eq!(stage.actor.call(&sql)["issuer"], theirs);
    let set = key_set(&[&other]);
    let stored = stage.gateway.0.json(&store(&stage.courier, &stage.project.id, &theirs, &set));
    assert_eq!(stored["keys"], 1);
    stage.refused(&other.token(&stage.claims()), "the key of another issuer");
    let of_the_other = stage.with("iss", json!(theirs));
    stage.refused(&stage.signer.token(&of_the_other), "this key in the other's name");
    assert_eq!(stage.whoami(&other.token(&of_the_other))["issuer"], theirs);
    // An issuer that another project believes.
    let mut neighbour = Stage::new();
    let token = neighbour.token();
    neighbour.whoami(&token);
    stage.refused(&token, "another project's issuer");
    let reply: Value = neighbour.gateway.call(&neighbour.project.id, &stage.token(), "whoami", "{}").body;
    assert_eq!(reply["code"], "E-AUTH-001");
    for project in ["no-such-project", "not:a:project", ""] {
        assert_eq!(stage.gateway.call(project, &token, "whoami", "{}").status, 401, "{project}");
    }
}
