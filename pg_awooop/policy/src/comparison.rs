//! Whether two outcomes of one message agree: where a run contract says to look, else in what a person would read.

use awooop_contracts::model::run::Comparison;
use serde_json::Value;

use crate::channel::answer;

/// Where the two differ, as JSON pointers; nowhere, where they agree. Without terms what is said to the person is compared, and the
/// whole where nothing is.
pub fn differing(ours: &Value, legacy: &Value, terms: Option<&Comparison>) -> Vec<String> {
    let (ignore_case, ignore_space) = terms.map_or((false, true), |terms| (terms.ignore_case(), terms.ignore_space()));
    let normal = |value: &Value| normal(value, ignore_case, ignore_space);
    let Some(terms) = terms else {
        let same = match (answer::text(ours), answer::text(legacy)) {
            (Some(ours), Some(legacy)) => normal(&ours.into()) == normal(&legacy.into()),
            _ => normal(ours) == normal(legacy),
        };
        return if same { Vec::new() } else { vec![String::new()] };
    };
    let at = |outcome: &Value, pointer: &str| normal(outcome.pointer(pointer).unwrap_or(&Value::Null));
    let places = terms.pointers.as_slice().iter().map(|pointer| pointer.as_str());
    places.filter(|place| at(ours, place) != at(legacy, place)).map(str::to_owned).collect()
}

/// The value without what does not count.
fn normal(value: &Value, ignore_case: bool, ignore_space: bool) -> Value {
    match value {
        Value::String(text) => {
            let text = if ignore_space { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text.clone() };
            if ignore_case { text.to_lowercase().into() } else { text.into() }
        }
        Value::Array(items) => items.iter().map(|item| normal(item, ignore_case, ignore_space)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), normal(member, ignore_case, ignore_space)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        // 1 and 1.0 are one number.
        Value::Number(number) => number.as_f64().map_or_else(|| value.clone(), Value::from),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn outcomes_are_compared_where_the_contract_says() {
        let terms = |json: Value| serde_json::from_value::<Comparison>(json).unwrap();
        let strict = terms(json!({"pointers": ["/answer", "/order/state"], "ignore_space": false}));
        let loose = terms(json!({"pointers": ["/answer"], "ignore_case": true}));
        let ours = json!({"answer": "It is  Sent", "order": {"state": "sent"}, "took": 1});
        let legacy = json!({"answer": "it is sent\n", "order": {"state": "new"}, "took": 2});
        assert_eq!(differing(&ours, &legacy, Some(&strict)), ["/answer", "/order/state"]);
        assert_eq!(differing(&ours, &legacy, Some(&loose)), Vec::<String>::new());
        assert_eq!(differing(&json!({}), &json!({"answer": null}), Some(&loose)), Vec::<String>::new());
    }

    #[test]
    fn without_terms_what_is_said_counts() {
        assert_eq!(differing(&json!({"answer": "a b", "x": 1}), &json!("a  b"), None), Vec::<String>::new());
        assert_eq!(differing(&json!({"answer": "a"}), &json!("b"), None), [""]);
        assert_eq!(differing(&json!({"n": 1}), &json!({"n": 1.0}), None), Vec::<String>::new());
        assert_eq!(differing(&json!(null), &json!("b"), None), [""]);
    }
}
