//! Any text: no panic, findings on whole characters, and a second redaction changes nothing.

#![no_main]

use awooop_policy_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    check(text);
});
