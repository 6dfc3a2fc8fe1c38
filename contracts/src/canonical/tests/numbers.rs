//! The forms of numbers that RFC 8785 lists, and those of a hundred thousand whose digest its authors published.

use sha2::{Digest, Sha256};

use super::vectors::crate_directory;
use crate::canonical::{canonical_json, sha256};

/// RFC 8785, appendix B.
const APPENDIX_B: &[(u64, &str)] = &[
    (0x0000_0000_0000_0000, "0"),
    (0x8000_0000_0000_0000, "0"),
    (0x0000_0000_0000_0001, "5e-324"),
    (0x8000_0000_0000_0001, "-5e-324"),
    (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
    (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
    (0x4340_0000_0000_0000, "9007199254740992"),
    (0xc340_0000_0000_0000, "-9007199254740992"),
    (0x4430_0000_0000_0000, "295147905179352830000"),
    (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
    (0x44b5_2d02_c7e1_4af6, "1e+23"),
    (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
    (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
    (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
    (0x444b_1ae4_d6e2_ef50, "1e+21"),
    (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
    (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
    (0x41b3_de43_5555_5553, "333333333.3333332"),
    (0x41b3_de43_5555_5554, "333333333.33333325"),
    (0x41b3_de43_5555_5555, "333333333.3333333"),
    (0x41b3_de43_5555_5556, "333333333.3333334"),
    (0x41b3_de43_5555_5557, "333333333.33333343"),
    (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
];

/// What cyberphone/json-canonicalization publishes as the SHA-256 of the first lines of its file of numbers.
const PUBLISHED: &[(usize, &str)] = &[
    (1_000, "be18b62b6f69cdab33a7e0dae0d9cfa869fda80ddc712221570f9f40a5878687"),
    (10_000, "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892"),
    (100_000, "22776e6d4b49fa294a0d0f349268e5c28808fe7e0cb2bcbe28f63894e494d4c7"),
];

fn form(number: f64) -> String {
    canonical_json(&number.into()).unwrap()
}

#[test]
fn numbers_have_the_forms_of_the_rfc() {
    for &(bits, expected) in APPENDIX_B {
        let number = f64::from_bits(bits);
        assert_eq!(form(number), expected, "{bits:016x}");
        // And are read back as what they were, but for the sign of zero.
        assert_eq!(expected.parse::<f64>().unwrap(), number);
    }
}

#[test]
#[ignore = "cargo xtask test runs it: it looks for the source of a crate"]
fn a_hundred_thousand_numbers_have_the_published_digest() {
    let mut lines = String::new();
    let mut published = PUBLISHED.iter();
    let mut next = published.next();
    for (count, number) in (1..).zip(numbers()) {
        lines += &format!("{:x},{}\n", number.to_bits(), form(number));
        let Some(&(end, digest)) = next else { return };
        if count == end {
            assert_eq!(sha256(lines.as_bytes()), digest, "{end} lines");
            next = published.next();
        }
    }
}

/// The numbers of the file: chosen ones, which stand in the program that makes it, the first of those that are normal, and
/// then what SHA-256 of itself yields, as often as wanted.
fn numbers() -> impl Iterator<Item = f64> {
    let program = crate_directory("serde_json_canonicalizer").join("tests/resources/generated-numbers/numgen.js");
    let program = std::fs::read_to_string(program).unwrap();
    let list = program.split_once("staticU64s").and_then(|(_, rest)| rest.split_once("])")).unwrap().0;
    let chosen: Vec<f64> = list
        .split("0x")
        .skip(1)
        .map(|number| f64::from_bits(u64::from_str_radix(&number[..16], 16).unwrap()))
        .collect();
    let serial = (0..2_000).map(|at| f64::from_bits(0x0010_0000_0000_0000 + at));
    let blocks = std::iter::successors(Some([0; 32]), |block: &[u8; 32]| Some(Sha256::digest(block).into())).skip(1);
    let random = blocks.flat_map(|block| {
        let eights: Vec<[u8; 8]> = block.chunks_exact(8).map(|eight| eight.try_into().unwrap()).collect();
        eights.into_iter().map(f64::from_le_bytes)
    });
    chosen.into_iter().chain(serial).chain(random.filter(|number| *number != 0.0 && number.is_finite()))
}
