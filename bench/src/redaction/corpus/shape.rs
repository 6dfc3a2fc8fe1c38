//! The notation of `vendor-tokens.txt` and `services.txt`: literal text with `{class length}` in it.

use anyhow::{Context, Result, bail};

use super::random::Random;

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";

/// A text of that shape.
pub fn fill(shape: &str, random: &mut Random) -> Result<String> {
    let mut text = String::new();
    let mut rest = shape;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (class, after) = after.split_once('}').with_context(|| format!("`{shape}` has an open brace"))?;
        text.push_str(&one(class, random).with_context(|| format!("in `{shape}`"))?);
        rest = after;
    }
    Ok(text + rest)
}

fn one(class: &str, random: &mut Random) -> Result<String> {
    if class.contains('|') {
        let choices: Vec<&str> = class.split('|').collect();
        return Ok(random.pick(&choices).to_owned());
    }
    if class == "u" {
        return Ok(uuid(random));
    }
    let (letter, length) = class.split_at_checked(1).context("an empty class")?;
    let length = match length.split_once('-') {
        Some((low, high)) => random.between(low.parse()?, high.parse()?),
        None => length.parse()?,
    };
    let alphabet = match letter {
        "A" => [UPPER, LOWER, DIGITS].concat(),
        "a" => [LOWER, DIGITS].concat(),
        "U" => [UPPER, DIGITS].concat(),
        "m" => [UPPER, LOWER].concat(),
        "l" => LOWER.to_owned(),
        "L" => UPPER.to_owned(),
        "d" => DIGITS.to_owned(),
        "h" => [DIGITS, "abcdef"].concat(),
        "H" => [DIGITS, "ABCDEF"].concat(),
        "b" => [UPPER, LOWER, DIGITS, "-_"].concat(),
        "B" => [UPPER, LOWER, DIGITS, "+/"].concat(),
        "s" => [UPPER, "234567"].concat(),
        "c" => "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".to_owned(),
        other => bail!("no class `{other}`"),
    };
    Ok(random.chars(&alphabet, length))
}

/// A version 4 UUID.
pub fn uuid(random: &mut Random) -> String {
    let hex = hex_digits(random, 32);
    let variant = random.pick(&["8", "9", "a", "b"]);
    format!("{}-{}-4{}-{variant}{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

pub fn hex_digits(random: &mut Random, length: usize) -> String {
    random.chars("0123456789abcdef", length)
}
