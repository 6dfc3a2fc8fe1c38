//! Whatever is changed in a file, it is not proven any more.

use awooop_contracts::parse;
use proptest::prelude::*;

use super::*;

/// The places of all values in the document, as JSON pointers.
fn places(value: &Value) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (format!("/{at}"), item)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (format!("/{}", name.replace('~', "~0").replace('/', "~1")), member))
            .collect(),
        _ => Vec::new(),
    };
    let mut all = vec![String::new()];
    for (step, value) in inner {
        all.extend(places(value).into_iter().map(|place| format!("{step}{place}")));
    }
    all
}

/// Other values that could stand in a value's place.
fn others(value: &Value) -> Vec<Value> {
    let mut others = vec![Value::Null, json!(""), json!(0), json!([]), json!({}), json!([value])];
    match value {
        Value::Null => {}
        Value::Bool(value) => others.push((!value).into()),
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            others.extend([json!(number as i64 + 1), json!(number + 0.5), json!(-number - 1.0)]);
        }
        Value::String(text) => {
            let mut characters = text.chars();
            let first = characters.next().unwrap_or('a');
            let rest = characters.as_str();
            others.extend([
                format!("{text} ").into(),
                rest.into(),
                text.to_uppercase().into(),
                format!("{}{rest}", if first == 'a' { 'b' } else { 'a' }).into(),
            ]);
            // Words that mean something elsewhere in the file.
            let words = ["publish", "approve", "activate", "agent", "tool", "awooop.test/contract-2", "ada"];
            others.extend(words.map(Value::from));
        }
        Value::Array(items) => {
            others.push(items.iter().cloned().chain([json!("x")]).collect());
            others.push(items.iter().chain(items.last()).cloned().collect());
        }
        Value::Object(members) => {
            let mut more = members.clone();
            more.insert("surplus".into(), Value::Null);
            others.push(more.into());
        }
    }
    others.retain(|other| other != value);
    others
}

fn is_proven(document: Value, keyring: &Keyring) -> bool {
    ExportedContract::from_value(document).is_ok_and(|exported| verify(&exported, keyring).is_proven())
}

/// A keyring that has a second key to be taken for the first.
fn two_keys() -> Keyring {
    let mut keyring = keyring();
    keyring.add("contract-2", Use::Contract).unwrap();
    keyring
}

fn file(kind: Kind, keyring: &Keyring) -> Value {
    serde_json::to_value(exported(kind, keyring)).unwrap()
}

/// A file of each kind, and one that differs from another's in its number alone.
fn files(keyring: &Keyring) -> Vec<Value> {
    let mut next = revision(Kind::Agent);
    next.number += 1;
    let signatures = [Purpose::Publish, Purpose::Approve]
        .map(|purpose| signed(&next, keyring, purpose, "barbara", purpose.as_str()));
    let next = serde_json::to_value(ExportedContract::new(next, signatures.into())).unwrap();
    Kind::ALL.iter().map(|&kind| file(kind, keyring)).chain([next]).collect()
}

#[test]
fn no_value_in_a_file_can_be_another() {
    let keyring = two_keys();
    for &kind in Kind::ALL {
        let file = file(kind, &keyring);
        assert!(is_proven(file.clone(), &keyring));
        for place in places(&file) {
            for other in others(file.pointer(&place).unwrap()) {
                // Without approvals it is proven that there are none in it.
                if place == "/signatures" && other == json!([]) {
                    continue;
                }
                let mut changed = file.clone();
                *changed.pointer_mut(&place).unwrap() = other.clone();
                assert!(!is_proven(changed, &keyring), "{kind:?}: {place} became {other}");
            }
        }
    }
}

#[test]
fn no_member_of_a_file_can_be_missing() {
    let keyring = keyring();
    for &kind in Kind::ALL {
        let file = file(kind, &keyring);
        for place in places(&file) {
            let Some((parent, last)) = place.rsplit_once('/') else { continue };
            // A whole approval can be left out, as below.
            if parent == "/signatures" {
                continue;
            }
            let mut changed = file.clone();
            match changed.pointer_mut(parent).unwrap() {
                Value::Array(items) => drop(items.remove(last.parse().unwrap())),
                Value::Object(members) => drop(members.remove(&last.replace("~1", "/").replace("~0", "~")).unwrap()),
                _ => unreachable!(),
            }
            assert!(!is_proven(changed, &keyring), "{kind:?}: {place} was removed");
        }
    }
}

#[test]
fn who_leaves_approvals_out_has_fewer_of_them() {
    let keyring = keyring();
    let whole = exported(Kind::Agent, &keyring);
    let all = verify(&whole, &keyring);
    for left in 0_u32..16 {
        let mut file = serde_json::to_value(&whole).unwrap();
        let signatures = file["signatures"].as_array().unwrap().iter().enumerate();
        file["signatures"] = signatures.filter(|(at, _)| left & (1 << at) != 0).map(|(_, one)| one.clone()).collect();
        let part = ExportedContract::from_value(file).unwrap();
        let report = verify(&part, &keyring);
        assert!(report.is_proven());
        assert!(report.approving_principals().is_subset(&all.approving_principals()));
    }
}

#[test]
fn a_signature_of_one_file_is_none_of_another() {
    let keyring = keyring();
    let files = files(&keyring);
    for (at, file) in files.iter().enumerate() {
        for (other_at, other) in files.iter().enumerate().filter(|(other, _)| *other != at) {
            for list in ["publish_signatures", "signatures"] {
                let mut changed = file.clone();
                changed[list] = other[list].clone();
                assert!(!is_proven(changed, &keyring), "{list} of {other_at} in {at}");
            }
        }
        // Nor is a publication an approval, or the other way round.
        let codes = [file["publish_signatures"][0]["mac"].clone(), file["signatures"][0]["mac"].clone()];
        let mut changed = file.clone();
        changed["signatures"][0]["mac"] = codes[0].clone();
        assert!(!is_proven(changed, &keyring));
        let mut changed = file.clone();
        changed["publish_signatures"][0]["mac"] = codes[1].clone();
        assert!(!is_proven(changed, &keyring));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_byte_of_a_file_can_be_another(at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
        thread_local! {
            static STAGE: (Keyring, Value, String) = {
                let keyring = two_keys();
                let file = file(Kind::Run, &keyring);
                let text = file.to_string();
                (keyring, file, text)
            };
        }
        STAGE.with(|(keyring, file, text)| {
            let mut bytes = text.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
            let Ok(value) = parse(&changed, 1 << 20) else { return Ok(()) };
            // It may be another way to write the same.
            prop_assert!(value == *file || !is_proven(value, keyring), "byte {at} became {byte}");
            Ok(())
        })?;
    }
}
