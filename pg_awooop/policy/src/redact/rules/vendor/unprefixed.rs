//! Tokens that begin with no letters of their own: with a number, or with Base64 of one.
//!
//! Their keywords are two characters long and common: a scanner does well to look at what follows a run of digits
//! (a `:`) before it tries these.
//!
//! Lengths: documentation of Telegram, Discord and ngrok; detect-secrets and TruffleHog for the variants.

use crate::redact::rule::Rule;
use crate::redact::rule::Validator::Entropy;

/// The first two digits of a number without leading zeros.
const DIGITS: &[&str] = &[
    "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28",
    "29", "30", "31", "32", "33", "34", "35", "36", "37", "38", "39", "40", "41", "42", "43", "44", "45", "46", "47",
    "48", "49", "50", "51", "52", "53", "54", "55", "56", "57", "58", "59", "60", "61", "62", "63", "64", "65", "66",
    "67", "68", "69", "70", "71", "72", "73", "74", "75", "76", "77", "78", "79", "80", "81", "82", "83", "84", "85",
    "86", "87", "88", "89", "90", "91", "92", "93", "94", "95", "96", "97", "98", "99",
];

/// What Base64 of a user id begins with, and in upper case what only looks like it.
const DISCORD: &[&str] = &[
    "MA", "MB", "MC", "MD", "ME", "MF", "MG", "MH", "MI", "MJ", "MK", "ML", "MM", "MN", "MO", "MP", "MQ", "MR", "MS",
    "MT", "MU", "MV", "MW", "MX", "MY", "MZ", "NA", "NB", "NC", "ND", "NE", "NF", "NG", "NH", "NI", "NJ", "NK", "NL",
    "NM", "NN", "NO", "NP", "NQ", "NR", "NS", "NT", "NU", "NV", "NW", "NX", "NY", "NZ", "OA", "OB", "OC", "OD", "OE",
    "OF", "OG", "OH", "OI", "OJ", "OK", "OL", "OM", "ON", "OO", "OP", "OQ", "OR", "OS", "OT", "OU", "OV", "OW", "OX",
    "OY", "OZ", "Mj", "Mz", "Nj", "Nz",
];

/// What a time-ordered id of these years begins with, unless its second character is a digit.
const KSUID: &[&str] = &[
    "1A", "1B", "1C", "1D", "1E", "1F", "1G", "1H", "1I", "1J", "1K", "1L", "1M", "1N", "1O", "1P", "1Q", "1R", "1S",
    "1T", "1U", "1V", "1W", "1X", "1Y", "1Z", "1a", "1b", "1c", "1d", "1e", "1f", "1g", "1h", "1i", "1j", "1k", "1l",
    "1m", "1n", "1o", "1p", "1q", "1r", "1s", "1t", "1u", "1v", "1w", "1x", "1y", "1z", "2A", "2B", "2C", "2D", "2E",
    "2F", "2G", "2H", "2I", "2J", "2K", "2L", "2M", "2N", "2O", "2P", "2Q", "2R", "2S", "2T", "2U", "2V", "2W", "2X",
    "2Y", "2Z", "2a", "2b", "2c", "2d", "2e", "2f", "2g", "2h", "2i", "2j", "2k", "2l", "2m", "2n", "2o", "2p", "2q",
    "2r", "2s", "2t", "2u", "2v", "2w", "2x", "2y", "2z", "3A", "3B", "3C", "3D", "3E", "3F", "3G", "3H", "3I", "3J",
    "3K", "3L", "3M", "3N", "3O", "3P", "3Q", "3R", "3S", "3T", "3U", "3V", "3W", "3X", "3Y", "3Z", "3a", "3b", "3c",
    "3d", "3e", "3f", "3g", "3h", "3i", "3j", "3k", "3l", "3m", "3n", "3o", "3p", "3q", "3r", "3s", "3t", "3u", "3v",
    "3w", "3x", "3y", "3z",
];

pub(super) const RULES: &[Rule] = rules! { VendorToken:
    "telegram-bot-token", DIGITS, Entropy(400),
    "[0-9]{5,16}:(?:A[A-Za-z0-9_-]{33,36}|[A-Za-z0-9_-]{35})",
    finds [
        "25" "90714646:AA7vGaCpH5UNHD2YST1I-NWNGW5CIENaoaf",
        "74" "0441316:AAHN_s5MnBDs2So34k1PV2lR3elE2XcacLX",
        "72" "039:AYhandYs-upTIzZ7H_BSDL_SZlNRouZSL00",
        "81" "50218983:0vXzyc7gPzaRUKrU8TwcwD8jXllqiMEO_ec",
    ],
    passes [
        "12" "345:67",
        "80" "80:internal-load-balancer-for-the-api-1",
        "0000000000:AAxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "ngrok-authtoken", KSUID, Entropy(430),
    "[123][A-Za-z0-9]{26}_[A-Za-z0-9]{18,24}",
    finds [
        "2h" "ADQmYjnI6YFSrXr4BvoIl7naM_cEEW9btpVjLRFs7yx6yG",
        "3A" "gbnQJw6p1DwtoGZY0008lijV8_BVBR3oEajGIiD9XRGiSw0",
    ],
    passes ["2024_report", "2h" "xxxxxxxxxxxxxxxxxxxxxxxxx_xxxxxxxxxxxxxxxxxxxx"];
    "discord-bot-token", DISCORD, Entropy(420),
    r"[MNO][A-Za-z0-9_-]{22,28}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}",
    finds [
        "MT" "O4G5cCWakp5s67IuQp1aAfFl.coFTd2.Am1vZIWMM1vjXh6SYd8xDQOf_zTlzs5D-Uf5Zl",
        "Nz" "FzCxpbFYialcRm81gp34Z0.fKmjrK.K-KF3hcytEqHNt4RFTX3212AWH3",
        "OD" "oPmlOzwd9AC9WObALZTGxj.5IW_Q7.eH4Gh9L70Y-6-9m_1Fp1gDcF3u7",
    ],
    passes [
        "MyApplicationConfiguration.module.initialise",
        "MT" "xxxxxxxxxxxxxxxxxxxxxxxx.xxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
};
