//! The documents of the reference implementation (cyberphone/json-canonicalization) and of RFC 8785 with their canonical
//! forms, as two other implementations carry them: PyPI's `rfc8785` and the crate `serde_json_canonicalizer`. They are not
//! part of this repository: `cargo xtask test` fetches the one, Cargo the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::canonical;
use super::others::fetched;

/// A document and its canonical form.
pub(super) struct Vector {
    pub(super) name: String,
    pub(super) input: String,
    pub(super) output: Vec<u8>,
}

/// All vectors, of both.
pub(super) fn vectors() -> Vec<Vector> {
    let ours = crate_directory("serde_json_canonicalizer").join("tests/resources");
    let mut vectors = of_reference(&fetched("rfc8785-0.1.4").join("test/assets"));
    vectors.extend(of_reference(&ours.join("testdata")));
    for name in ["rfc_example", "rfc_sorting"] {
        let read = |kind: &str| fs::read_to_string(ours.join(format!("{name}.{kind}.json"))).unwrap();
        let output = read("expected").trim_end().as_bytes().to_vec();
        vectors.push(Vector { name: name.into(), input: read("input"), output });
    }
    vectors
}

/// The reference implementation's, in its own layout: the form stands there as text and in hexadecimal.
fn of_reference(directory: &Path) -> Vec<Vector> {
    let names = ["arrays", "french", "structures", "unicode", "values", "weird"];
    let found = fs::read_dir(directory.join("input")).unwrap().count();
    assert_eq!(found, names.len(), "{}", directory.display());
    names
        .map(|name| {
            let read = |part: &str| fs::read_to_string(directory.join(part)).unwrap();
            let hexadecimal = read(&format!("outhex/{name}.txt"));
            let bytes = hexadecimal.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap());
            let vector = Vector {
                name: format!("{name} in {}", directory.display()),
                input: read(&format!("input/{name}.json")),
                output: bytes.collect(),
            };
            assert_eq!(read(&format!("output/{name}.json")).as_bytes(), vector.output, "{name}");
            vector
        })
        .into()
}

/// Where Cargo keeps the source of a crate.
pub(super) fn crate_directory(name: &str) -> PathBuf {
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let version = run("rustc", &["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // Of other platforms not everything was downloaded.
    let metadata =
        run("cargo", &["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", host]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let package = metadata["packages"].as_array().unwrap().iter().find(|package| package["name"] == name).unwrap();
    Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
}

#[test]
#[ignore = "cargo xtask test fetches the vectors"]
fn the_vectors_of_two_other_implementations_come_out_as_they_say() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 14);
    for vector in vectors {
        assert_eq!(canonical(&vector.input).as_bytes(), vector.output, "{}", vector.name);
    }
}
