//! How one document became another: a JSON Patch (RFC 6902) that also says what was there before.

use json_patch::PatchOperation;
use serde_json::Value;

/// What turns `from` into `to`, in order. Each is an operation of JSON Patch; those that take something away have a further
/// member `was`, which RFC 6902 lets readers ignore.
pub fn changes(from: &Value, to: &Value) -> Vec<Value> {
    let mut document = from.clone();
    let mut changes = Vec::new();
    for operation in json_patch::diff(from, to).0 {
        let was = match &operation {
            PatchOperation::Remove(remove) => document.pointer(remove.path.as_str()).cloned(),
            PatchOperation::Replace(replace) => document.pointer(replace.path.as_str()).cloned(),
            _ => None,
        };
        let Ok(mut change) = serde_json::to_value(&operation) else { continue };
        if let Some(was) = was {
            change["was"] = was;
        }
        // Each operation's places are those of the document as the operations before it left it.
        if json_patch::patch(&mut document, std::slice::from_ref(&operation)).is_err() {
            break;
        }
        changes.push(change);
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_was_there_is_told() {
        let from = json!({"a": 1, "b": [1, 2, 3], "c": "x"});
        let to = json!({"a": 2, "b": [1, 3], "d": null});
        let told = changes(&from, &to);
        assert!(told.contains(&json!({"op": "replace", "path": "/a", "value": 2, "was": 1})), "{told:?}");
        assert!(told.contains(&json!({"op": "remove", "path": "/c", "was": "x"})), "{told:?}");
        assert!(told.contains(&json!({"op": "add", "path": "/d", "value": null})), "{told:?}");
        assert_eq!(changes(&from, &from), Vec::<Value>::new());
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..5).prop_map(Value::from),
            "[a~/]{0,2}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c~/]{0,2}", inner, 0..4)
                    .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        /// The changes, applied as a JSON Patch, make one document of the other.
        #[test]
        fn the_changes_lead_from_one_to_the_other(from in document(), to in document()) {
            let patch: json_patch::Patch = serde_json::from_value(changes(&from, &to).into()).unwrap();
            let mut document = from;
            json_patch::patch(&mut document, &patch).unwrap();
            prop_assert_eq!(document, to);
        }
    }
}
