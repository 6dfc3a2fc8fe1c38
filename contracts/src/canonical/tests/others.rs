//! Two implementations in Python, run over the same documents: PyPI's `jcs`, which is the reference implementation's, and
//! `rfc8785` of Trail of Bits. `cargo xtask test` fetches them and names their directory in `AWOOOP_JCS_PACKAGES`.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use super::canonical;
use super::documents::Documents;
use super::vectors::vectors;

/// A line with the canonical form of each line. Numbers are doubles, as RFC 8785 has them: Python would otherwise take
/// those without point or exponent for integers of any size.
const PROGRAM: &str = "
import json, sys
if sys.argv[1] == 'jcs':
    from jcs import canonicalize
else:
    from rfc8785 import dumps as canonicalize
exact = lambda digits: int(digits) if abs(int(digits)) < 2**53 else float(digits)
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(canonicalize(json.loads(line, parse_int=exact)) + b'\\n')
";

/// The directory of a package that was fetched.
pub(super) fn fetched(name: &str) -> PathBuf {
    let root = std::env::var_os("AWOOOP_JCS_PACKAGES").expect("AWOOOP_JCS_PACKAGES is not set");
    PathBuf::from(root).join(name)
}

/// The canonical forms of these documents by one of the two.
fn by(name: &str, documents: &[String]) -> Vec<Vec<u8>> {
    let path = match name {
        "jcs" => fetched("jcs-0.2.1"),
        _ => fetched("rfc8785-0.1.4").join("src"),
    };
    let mut python = Command::new("python3");
    python.args(["-B", "-c", PROGRAM, name]).env("PYTHONPATH", path);
    let mut python = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = python.stdin.take().unwrap();
    let lines = documents.join("\n") + "\n";
    let writing = thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success(), "{name} failed");
    let lines = output.stdout.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n');
    lines.map(<[u8]>::to_vec).collect()
}

fn compare(documents: &[String]) {
    for name in ["jcs", "rfc8785"] {
        let theirs = by(name, documents);
        assert_eq!(theirs.len(), documents.len());
        for (at, (text, theirs)) in documents.iter().zip(theirs).enumerate() {
            let theirs = String::from_utf8(theirs).unwrap();
            assert_eq!(canonical(text), theirs, "{name} writes document {at} in another way: {text}");
        }
    }
}

#[test]
#[ignore = "cargo xtask test fetches the implementations"]
fn two_other_implementations_write_the_vectors_as_we_do() {
    // In JSON a line ends nowhere but between the parts of a document.
    let inputs: Vec<String> = vectors().into_iter().map(|vector| vector.input.replace(['\n', '\r'], " ")).collect();
    compare(&inputs);
}

#[test]
#[ignore = "cargo xtask test fetches the implementations"]
fn two_other_implementations_write_documents_of_every_kind_as_we_do() {
    let mut documents = Documents(2);
    let texts: Vec<String> = (0..20_000).map(|_| documents.document()).collect();
    compare(&texts);
}

#[test]
#[ignore = "cargo xtask test fetches the implementations"]
fn two_other_implementations_write_numbers_of_every_size_as_we_do() {
    let mut documents = Documents(3);
    let texts: Vec<String> = (0..100_000).map(|_| documents.number()).collect();
    compare(&texts);
}
