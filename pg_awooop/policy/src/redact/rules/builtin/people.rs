//! Data about people: addresses, telephone numbers, cards, identities, accounts. Every example is made up or published
//! as one.

use super::builtin_rules;
use crate::redact::rules::context::{CARD_SIGNS, CARD_WORDS, PHONE_SIGNS, PHONE_WORDS, SSN_SIGNS, SSN_WORDS};

builtin_rules! {
    EMAIL_ADDRESS = Email "email-address", &[&["@"]], "local part, @ and domain (RFC 5321, RFC 6531)", TopLevelDomain,
    finds ["write to jane.doe@example.com", "{\"to\":\"o'neil+tag@mail.example.co.uk\"}", "信箱:王小明@例子.台灣"],
    passes ["logo@2x.png", "git@github.com:org/repo.git", "@types/node@20.1.0", "user@localhost"];
    PHONE_INTERNATIONAL = Phone "phone-international", &[&["+", "00"]], "country code and national number (ITU-T E.164)",
    NumberingPlan,
    finds ["+1 415 555 2671", "tel:+442079460958", "00 49 30 12345678", "+886 (0)912 345 678"],
    passes ["+1 day", "1+200300400", "+00000000", "2024+08:00"];
    PHONE_TAIWAN = Phone "phone-taiwan", &[&["09", "02", "03", "04", "05", "06", "07", "08", "886"]],
    "Taiwanese mobile number or landline with area code", NumberingPlan,
    finds ["0912-345-678", "call 0912345678", "(02) 2345-6789", "886912345678"],
    passes ["0901234567", "20240912345678", "v0.2.2345"];
    PHONE_NORTH_AMERICA = Phone "phone-north-america", &[&["(", "-"]], "area code, exchange and line", NumberingPlan,
    finds ["(415) 555-2671", "415-555-2671", "1-800-555-0199"],
    passes ["415 555 2671 ms", "123-456-7890", "415-055-2671"];
    PHONE_CHINA = Phone "phone-china", &[&["13", "14", "15", "16", "17", "18", "19"]],
    "mobile number of mainland China in groups of 3, 4 and 4", NumberingPlan,
    finds ["138 1234 5678", "139-1234-5678"],
    passes ["118 1234 5678", "138.1234.5678"];
    PHONE_NATIONAL = Phone "phone-national", &[&["0", "("]], "trunk zero, area and number in groups", NumberingPlan,
    finds ["020 7946 0958", "06 12 34 56 78", "09012345678"],
    passes ["0 1 2 3", "2024 01 02 03 04", "0.5 0.25 0.125"];
    PHONE_BY_NAME = Phone "phone-by-name", &[PHONE_WORDS, PHONE_SIGNS], "7 to 15 digits that a word before calls a number",
    Context,
    finds ["phone: 2345678", "手機 912345678", "\"mobile\": 91234567"],
    passes ["order 91234567", "phone 2024-01-02", "code: 2345678"];
    PAYMENT_CARD = PaymentCard "payment-card", &[CARD_WORDS, CARD_SIGNS],
    "12 to 19 digits, alone or grouped; context words widen the issuers' ranges", Luhn,
    finds ["4111 1111 1111 1111", "card=5555555555554444", "3714 496353 98431", "卡號 6759649826438453"],
    passes ["4111 1111 1111 1112", "0000000000000000", "1234567890123456"];
    TAIWAN_IDENTITY_CARD = NationalId "taiwan-identity-card", &[&["A", "Z"]], "letter, 1 or 2, eight digits", TaiwanId,
    finds ["A123456789", "身分證字號:B142610160"],
    passes ["A123456788", "XA123456789", "A12345678"];
    TAIWAN_RESIDENT_CERTIFICATE = NationalId "taiwan-resident-certificate", &[&["A", "Z"]],
    "letter, 8 or 9 (before 2021 a letter from A to D), eight digits", TaiwanId,
    finds ["A800000014", "AC01234567"],
    passes ["A800000015", "AE01234567"];
    BANK_ACCOUNT_NUMBER = NationalId "bank-account-number", &[&["DE", "GB", "FR", "NL"]],
    "IBAN: country, check digits and the country's length, spaced or not", Mod97,
    finds ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000"],
    passes ["GB82 WEST 1234 5698 7654 33", "DE8937040044053201300"];
    US_SOCIAL_SECURITY_NUMBER = NationalId "us-social-security-number", &[SSN_WORDS, SSN_SIGNS],
    "three, two and four digits; nine in a row after a context word", SsnAreas,
    finds ["536-90-4399", "ssn 536904399"],
    passes ["000-12-3456", "666-12-3456", "987-65-4321", "536904399"];
}
