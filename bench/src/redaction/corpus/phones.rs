//! Telephone numbers in the shapes that their countries write. Sources: the countries' numbering plans; where a plan
//! sets numbers aside for fiction, those.

use anyhow::Result;

use super::random::Random;
use super::shape;

/// As written abroad, by country.
const INTERNATIONAL: &[&str] = &[
    "+1 {212|415|646|312} 555 01{d2}",
    "+1-{202|303|617}-555-01{d2}",
    "+1 ({212|415|646}) 555-01{d2}",
    "+44 7700 900{d3}",
    "+44 20 7946 0{d3}",
    "+33 6 {d2} {d2} {d2} {d2}",
    "+33 1 42 {d2} {d2} {d2}",
    "+49 30 {d7}",
    "+49 151 {d8}",
    "+39 06 {d3} {d4}",
    "+39 347 {d7}",
    "+34 612 {d3} {d3}",
    "+31 6 {d8}",
    "+31 20 {d3} {d4}",
    "+32 470 {d2} {d2} {d2}",
    "+41 78 {d3} {d2} {d2}",
    "+43 664 {d6}",
    "+46 70 {d3} {d2} {d2}",
    "+47 406 {d2} {d3}",
    "+45 32 {d2} {d2} {d2}",
    "+358 41 {d7}",
    "+48 512 {d3} {d3}",
    "+351 912 {d3} {d3}",
    "+353 85 {d3} {d4}",
    "+91 98{d3} {d5}",
    "+86 138 {d4} {d4}",
    "+852 9{d3} {d4}",
    "+81 90-{d4}-{d4}",
    "+81 3-{d4}-{d4}",
    "+82 10-{d4}-{d4}",
    "+65 8{d3} {d4}",
    "+60 12-{d3} {d4}",
    "+66 81 {d3} {d4}",
    "+84 91 {d3} {d2} {d2}",
    "+63 917 {d3} {d4}",
    "+62 812-{d4}-{d4}",
    "+61 412 {d3} {d3}",
    "+64 21 {d3} {d4}",
    "+55 11 9{d4}-{d4}",
    "+52 55 {d4} {d4}",
    "+27 82 {d3} {d4}",
    "+972 50-{d3}-{d4}",
    "+971 50 {d3} {d4}",
    "+90 532 {d3} {d2} {d2}",
];

/// As written at home.
const NATIONAL: &[&str] = &[
    "({212|415|646}) 555-01{d2}",
    "{202|303|617}-555-01{d2}",
    "{212|415}.555.01{d2}",
    "07700 900{d3}",
    "020 7946 0{d3}",
    "06 {d2} {d2} {d2} {d2}",
    "030 {d7}",
    "0151 {d8}",
    "090-{d4}-{d4}",
    "03-{d4}-{d4}",
    "010-{d4}-{d4}",
    "138{d8}",
    "0412 {d3} {d3}",
    "(11) 9{d4}-{d4}",
];

const TAIWAN_MOBILE: &[&str] = &[
    "09{d2}-{d3}-{d3}",
    "09{d8}",
    "09{d2} {d3} {d3}",
    "09{d2}-{d6}",
    "+8869{d8}",
    "+886-9{d2}-{d3}-{d3}",
    "+886 9{d2} {d3} {d3}",
    "886-9{d2}-{d3}-{d3}",
];

const TAIWAN_LANDLINE: &[&str] = &[
    "(02) 2{d3}-{d4}",
    "(02)2{d3}-{d4}",
    "02-2{d7}",
    "02-2{d3}-{d4}",
    "02 2{d3} {d4}",
    "03-5{d2}-{d4}",
    "(03) 4{d2}-{d4}",
    "037-2{d2}-{d3}",
    "04-2{d3}-{d4}",
    "(04)2{d7}",
    "049-2{d2}-{d4}",
    "05-2{d2}-{d4}",
    "06-2{d2}-{d4}",
    "(07) 3{d2}-{d4}",
    "08-7{d2}-{d4}",
    "089-3{d2}-{d3}",
    "+886-2-2{d3}-{d4}",
    "+886 2 2{d3} {d4}",
    "+886-4-2{d3}-{d4}",
];

pub fn international(random: &mut Random) -> Result<String> {
    shape::fill(random.pick(INTERNATIONAL), random)
}

/// A plus and digits.
pub fn e164(random: &mut Random) -> Result<String> {
    Ok(international(random)?.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect())
}

pub fn national(random: &mut Random) -> Result<String> {
    shape::fill(random.pick(NATIONAL), random)
}

pub fn taiwan_mobile(random: &mut Random) -> Result<String> {
    shape::fill(random.pick(TAIWAN_MOBILE), random)
}

pub fn taiwan_landline(random: &mut Random) -> Result<String> {
    shape::fill(random.pick(TAIWAN_LANDLINE), random)
}
