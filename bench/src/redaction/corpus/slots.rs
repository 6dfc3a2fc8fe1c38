//! What a slot of a carrier can be.

use anyhow::{Context, Result, bail};

use super::random::Random;
use super::{numbers, phones, shape, values};

const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The value of `name` or `name:number`.
pub fn fill(slot: &str, random: &mut Random) -> Result<String> {
    let (name, argument) = slot.split_once(':').unwrap_or((slot, ""));
    let length = || argument.parse::<usize>().with_context(|| format!("`{slot}` needs a number"));
    Ok(match name {
        // Characters
        "hex" => shape::hex_digits(random, length()?),
        "hex_upper" => shape::hex_digits(random, length()?).to_uppercase(),
        "digits" => format!("{}{}", random.between(1, 9), random.digits(length()? - 1)),
        "alnum" => random.chars(ALNUM, length()?),
        "lower" => random.chars("abcdefghijklmnopqrstuvwxyz", length()?),
        "upper" => random.chars("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", length()?),
        "base64" => values::base64_of(length()?, random),
        "base64url" => values::base64url(length()?, random),
        "uuid" => shape::uuid(random),
        "uuid_upper" => shape::uuid(random).to_uppercase(),
        "number" => random.between(1, length()?).to_string(),

        // Secrets
        "password" => values::password(random),
        "password_word" => values::password_word(random),
        "password_url" => values::password_url(random),
        "passphrase" => values::passphrase(random),
        "jwt" => values::jwt(random),
        "basic" => values::basic(random),
        "telegram_token" => values::telegram_token(random),
        "platform_key" => values::platform_key(random),
        "platform_lease" => values::platform_lease(random),

        // People
        "user" => values::user(random),
        "person" => values::person(random),
        "chinese_name" => values::chinese_name(random),
        "email" => values::email(random),
        "phone" => phones::international(random)?,
        "phone_e164" => phones::e164(random)?,
        "phone_national" => phones::national(random)?,
        "taiwan_mobile" => phones::taiwan_mobile(random)?,
        "taiwan_landline" => phones::taiwan_landline(random)?,
        "card" => numbers::card(random),
        "card_spaced" => numbers::card_grouped(" ", random),
        "card_dashed" => numbers::card_grouped("-", random),
        "card_bad" => numbers::card_bad(random),
        "iban" => numbers::iban(random)?,
        "iban_spaced" => numbers::in_fours(&numbers::iban(random)?),
        "iban_bad" => numbers::iban_bad(random)?,
        "taiwan_id" => numbers::taiwan_id(&['1', '2'], random),
        "taiwan_resident" => numbers::taiwan_id(&['8', '9'], random),
        "taiwan_id_bad" => numbers::taiwan_id_bad(random),
        "ssn" => numbers::ssn(random),
        "ssn_bad" => numbers::ssn_bad(random),

        // Machines
        "host" => values::host(random),
        "domain" => values::domain(random),
        "word" => values::word(random),
        "ipv4" => values::ipv4(random),
        "ipv6" => values::ipv6(random)?,
        "bitcoin" => match random.below(2) {
            0 => numbers::base58_address(random),
            _ => numbers::bech32_address(random),
        },
        "ethereum" => values::ethereum_address(random),
        other => bail!("no slot `{other}`"),
    })
}
