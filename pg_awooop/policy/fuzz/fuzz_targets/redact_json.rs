//! JSON stays JSON of the same shape: what is an array or object keeps its size, a scalar stays or becomes a string.

#![no_main]

use awooop_policy_fuzz::check;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let Ok(before) = serde_json::from_str::<Value>(text) else { return };
    if !before.is_array() && !before.is_object() {
        return;
    }
    // Written anew: two members of one name are one.
    let text = before.to_string();
    let after = serde_json::from_str::<Value>(&check(&text)).expect("JSON before and not after");
    assert!(same_shape(&before, &after));
});

fn same_shape(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Array(before), Value::Array(after)) => {
            before.len() == after.len() && before.iter().zip(after).all(|(before, after)| same_shape(before, after))
        }
        (Value::Object(before), Value::Object(after)) => before.len() == after.len(),
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        (before, after) => after.is_string() || before == after,
    }
}
