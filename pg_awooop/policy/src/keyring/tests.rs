use super::*;

/// A keyring with one current contract key, `k`, of these bytes.
fn with_contract_key(secret: [u8; 32]) -> Keyring {
    let text = json!({"version": 1, "name": "n", "keys": [
        {"id": "k", "use": "contract", "algorithm": "HS256", "state": "current", "secret": STANDARD.encode(secret)}]});
    Keyring::parse(&text.to_string()).unwrap()
}

fn refused(text: &str) -> KeyringError {
    Keyring::parse(text).err().unwrap()
}

#[test]
fn rotation_keeps_old_keys_for_verifying_and_forgets_their_secrets() {
    let mut keyring = Keyring::create("awooop.test").unwrap();
    let first = keyring.audit_public_keys()[0].2.clone();
    keyring.add("audit-2", Use::Audit).unwrap();
    assert_eq!(keyring.audit_signer().unwrap().id, "audit-1");
    keyring.make_current("audit-2").unwrap();
    let again = Keyring::parse(&keyring.reveal()).unwrap();
    assert_eq!(again.audit_signer().unwrap().id, "audit-2");
    assert_eq!(again.audit_public_keys()[0].2, first);
    assert_eq!(again.audit_verifiers().len(), 2);
    let text: Value = serde_json::from_str(&keyring.reveal()).unwrap();
    assert_eq!((&text["keys"][0]["state"], text["keys"][0].get("secret")), (&json!("retired"), None));
    assert_eq!(keyring.make_current("audit-1"), Err(KeyringError::Retired));
    assert_eq!(keyring.add("audit-2", Use::Audit), Err(KeyringError::KeyExists));
    assert_eq!(keyring.retire("x"), Err(KeyringError::UnknownKey));
}

#[test]
fn a_key_of_another_use_signs_no_checkpoint() {
    let mut keyring = Keyring::create("awooop.test").unwrap();
    assert_eq!(keyring.audit_signer().unwrap().id, "audit-1");
    keyring.retire("audit-1").unwrap();
    assert!(keyring.audit_signer().is_none());
    let again = Keyring::parse(&keyring.reveal()).unwrap();
    assert_eq!(
        again.keys().iter().map(Key::state).collect::<Vec<_>>(),
        [State::Retired, State::Current, State::Current]
    );
}

#[test]
fn what_is_no_keyring_is_refused_without_a_word_of_it() {
    let good = Keyring::create("n").unwrap().reveal();
    let secret = serde_json::from_str::<Value>(&good).unwrap()["keys"][0]["secret"].as_str().unwrap().to_owned();
    for (text, error) in [
        ("".to_owned(), KeyringError::NotJson),
        (good.replace("\"version\": 1", "\"version\": 2"), KeyringError::Version),
        (good.replace("\"name\": \"n\"", "\"name\": \"a b\""), KeyringError::Name),
        (good.replace("\"name\"", "\"nam\""), KeyringError::Members),
        (good.replace("\"id\": \"audit-1\"", "\"id\": \"a b\""), KeyringError::KeyId),
        (good.replacen("\"current\"", "\"curent\"", 1), KeyringError::Word),
        (good.replace("Ed25519", "HS256"), KeyringError::Algorithm),
        (good.replace(&secret, &secret[..8]), KeyringError::Secret),
        (good.replace("\"secret\"", "\"public\""), KeyringError::Secret),
    ] {
        let found = refused(&text);
        assert_eq!(found, error);
        assert!(!found.to_string().contains(&secret[..8]));
    }
    let mut two: Value = serde_json::from_str(&good).unwrap();
    let mut second = two["keys"][0].clone();
    second["id"] = "audit-2".into();
    two["keys"].as_array_mut().unwrap().push(second);
    assert_eq!(refused(&two.to_string()), KeyringError::TwoCurrent);
    two["keys"][2]["id"] = "audit-1".into();
    assert_eq!(refused(&two.to_string()), KeyringError::KeyId);
}

#[test]
fn a_keyring_written_by_hand_needs_no_public_part() {
    // The server image makes one with head and base64.
    let text = format!(
        "{{\"version\": 1, \"name\": \"awooop\", \"keys\": [{{\"id\": \"audit-1\", \"use\": \"audit\", \
         \"algorithm\": \"Ed25519\", \"state\": \"current\", \"secret\": \"{}\"}}]}}",
        STANDARD.encode([7; 32])
    );
    assert!(Keyring::parse(&text).unwrap().audit_signer().is_some());
}

#[test]
fn a_contract_is_signed_as_rfc_4231_says() {
    // Test cases 1 and 2, whose keys are shorter: HMAC fills them up with zeros itself.
    let cases: [(&[u8], &str, &str); 2] = [
        (&[0x0b; 20], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    ];
    for (key, message, expected) in cases {
        let mut secret = [0; 32];
        secret[..key.len()].copy_from_slice(key);
        let keyring = with_contract_key(secret);
        let mac = keyring.contract_signer().unwrap().sign(message.as_bytes());
        assert_eq!(hex::encode(mac), expected);
        assert_eq!(
            keyring.check_contract(&keyring.contract_signer().unwrap().key_id(), message.as_bytes(), &mac),
            MacVerdict::Good(State::Current)
        );
    }
}

#[test]
fn a_signature_of_another_text_length_key_or_use_is_not_good() {
    let keyring = Keyring::create("n").unwrap();
    let mac = keyring.contract_signer().unwrap().sign(b"text");
    for bit in 0..256 {
        let mut other = mac;
        other[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(keyring.check_contract("n/contract-1", b"text", &other), MacVerdict::Bad, "bit {bit}");
    }
    for (message, mac) in
        [(&b"Text"[..], &mac[..]), (b"text", &mac[..31]), (b"text", b""), (b"text", &[&mac[..], b"0"].concat())]
    {
        assert_eq!(keyring.check_contract("n/contract-1", message, mac), MacVerdict::Bad);
    }
    for stranger in ["n/audit-1", "n/contract-2", "m/contract-1", "contract-1", "n/", ""] {
        assert_eq!(keyring.check_contract(stranger, b"text", &mac), MacVerdict::UnknownKey);
    }
    let other = Keyring::create("n").unwrap();
    assert_eq!(other.check_contract("n/contract-1", b"text", &mac), MacVerdict::Bad);
}

#[test]
fn a_signature_is_compared_in_one_place_and_in_constant_time() {
    // Time tells nothing in a test on a busy machine; the source does.
    let source = include_str!("contract.rs");
    assert_eq!(source.matches("verify_slice(mac)").count(), 1);
    assert!(!source.contains("== mac") && !source.contains("mac =="));
}

#[test]
fn a_retired_contract_key_keeps_its_secret_to_verify_and_never_signs_again() {
    let mut keyring = Keyring::create("n").unwrap();
    let mac = keyring.contract_signer().unwrap().sign(b"text");
    keyring.add("contract-2", Use::Contract).unwrap();
    assert_eq!(keyring.contract_signer().unwrap().id, "contract-1");
    keyring.make_current("contract-2").unwrap();
    let mut again = Keyring::parse(&keyring.reveal()).unwrap();
    let signer = again.contract_signer().unwrap();
    assert!(signer.id == "contract-2" && signer.sign(b"text") != mac);
    assert_eq!(again.check_contract("n/contract-1", b"text", &mac), MacVerdict::Good(State::Retired));
    assert_eq!(again.make_current("contract-1"), Err(KeyringError::Retired));
    again.retire("contract-2").unwrap();
    assert!(again.contract_signer().is_none());
    assert_eq!(again.audit_signer().unwrap().id, "audit-1");
}
