//! What a name says about its value: `db_password`, `X-Api-Key`, `accessToken`, `sort_key`.
//!
//! A name is cut into its words, by separators and by capitals; the last words decide. The lists are the data; the
//! scanner asks for every name that is followed by an operator, so what is no secret's name must be seen at once.

use super::rules::services::SERVICES;

/// How much a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// A service whose keys have no shape of their own: only a random value is one.
    Service,
    /// A key of some kind: only a random value is a secret.
    Key,
    /// A token or credential: a value that is no plain word is.
    Token,
    /// A password: any value is that is no placeholder.
    Password,
}

/// Words that make the name a password's, wherever they stand.
const PASSWORD_WORDS: &[&str] = &[
    "contrasena",
    "contribsys",
    "kennwort",
    "mdp",
    "pass",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "passwort",
    "psw",
    "pswd",
    "pw",
    "pwd",
    "secret",
    "secrete",
    "senha",
    "wachtwoord",
];
/// Words that make the name a token's, at its end.
const TOKEN_WORDS: &[&str] = &[
    "apitoken",
    "auth",
    "authkey",
    "authorization",
    "authtoken",
    "bearer",
    "cookie",
    "credential",
    "credentials",
    "creds",
    "hashiv",
    "hashkey",
    "hmac",
    "iv",
    "jsessionid",
    "jwt",
    "mnemonic",
    "oauth",
    "otp",
    "passkey",
    "phpsessid",
    "psk",
    "salt",
    "sastoken",
    "secrets",
    "seed",
    "sessid",
    "sessionid",
    "sid",
    "sig",
    "signature",
    "token",
    "tokens",
    "totp",
    "webhook",
];
/// Words before `key` that make it a secret one.
const SECRET_KEYS: &[&str] = &[
    "access",
    "account",
    "admin",
    "api",
    "app",
    "application",
    "auth",
    "client",
    "consumer",
    "crypto",
    "customer",
    "data",
    "deploy",
    "developer",
    "encryption",
    "function",
    "global",
    "hmac",
    "host",
    "ingest",
    "integration",
    "jwt",
    "license",
    "master",
    "personal",
    "preshared",
    "private",
    "project",
    "rest",
    "secret",
    "security",
    "server",
    "service",
    "session",
    "shared",
    "sign",
    "signing",
    "ssh",
    "storage",
    "subscription",
    "tls",
    "token",
    "user",
    "webhook",
    "write",
];
/// Words before `key` that make it a name for something else.
const OTHER_KEYS: &[&str] = &[
    "bucket",
    "cache",
    "composite",
    "cursor",
    "dedup",
    "dedupe",
    "deduplication",
    "foreign",
    "group",
    "hot",
    "i18n",
    "idempotency",
    "index",
    "key",
    "lookup",
    "map",
    "message",
    "meta",
    "metadata",
    "metric",
    "natural",
    "object",
    "order",
    "partition",
    "primary",
    "pub",
    "public",
    "publishable",
    "range",
    "registry",
    "routing",
    "row",
    "s3",
    "shard",
    "shortcut",
    "site",
    "sort",
    "state",
    "translation",
    "unique",
];
/// Words joined without a separator: `clientsecret`, `softlayerapikey`.
const JOINED: &[(&str, Strength)] = &[
    ("password", Strength::Password),
    ("passwd", Strength::Password),
    ("passphrase", Strength::Password),
    ("secret", Strength::Password),
    ("apikey", Strength::Password),
    ("api_key", Strength::Password),
    ("accesskey", Strength::Password),
    ("secretkey", Strength::Password),
    ("privatekey", Strength::Password),
    ("accountkey", Strength::Password),
    ("sharedkey", Strength::Password),
    ("authkey", Strength::Password),
    ("pass", Strength::Token),
    ("pwd", Strength::Password),
    ("token", Strength::Token),
    ("credentials", Strength::Token),
    ("sessionid", Strength::Token),
    ("sessid", Strength::Token),
];
/// Words before `token` that make it no credential: of a list's pages, of a language model's vocabulary.
const OTHER_TOKENS: &[&str] = &[
    "bos",
    "cls",
    "continuation",
    "cursor",
    "eos",
    "mask",
    "next",
    "pad",
    "page",
    "resume",
    "sep",
    "skip",
    "stop",
    "sync",
    "unk",
];
/// Words that end like a secret's name and are none.
const INNOCENT: &[&str] = &[
    "allpass",
    "bandpass",
    "bypass",
    "compass",
    "encompass",
    "eurotoken",
    "highpass",
    "jsonwebtoken",
    "lowpass",
    "multipass",
    "overpass",
    "renderpass",
    "subpass",
    "surpass",
    "topsecret",
    "trespass",
    "underpass",
];
/// Last words that say it is about the secret, not the secret itself.
const ABOUT: &[&str] = &[
    "age",
    "alg",
    "algorithm",
    "arn",
    "at",
    "attempt",
    "attempts",
    "block",
    "bucket",
    "bytes",
    "c",
    "category",
    "changed",
    "characters",
    "class",
    "column",
    "config",
    "confirm",
    "confirmed",
    "count",
    "counts",
    "cpp",
    "created",
    "cs",
    "date",
    "days",
    "default",
    "description",
    "digest",
    "dir",
    "disabled",
    "enabled",
    "encoding",
    "endpoint",
    "env",
    "error",
    "errors",
    "exists",
    "expiration",
    "expired",
    "expires",
    "expiry",
    "field",
    "file",
    "filename",
    "fingerprint",
    "format",
    "func",
    "go",
    "h",
    "handler",
    "hash",
    "hashed",
    "hasher",
    "header",
    "help",
    "hint",
    "hours",
    "html",
    "icon",
    "id",
    "ids",
    "index",
    "ini",
    "input",
    "invalid",
    "issuer",
    "java",
    "js",
    "json",
    "jsx",
    "kind",
    "kt",
    "label",
    "last",
    "len",
    "length",
    "level",
    "lifetime",
    "limit",
    "link",
    "list",
    "location",
    "manager",
    "map",
    "max",
    "md",
    "message",
    "method",
    "min",
    "minutes",
    "mode",
    "model",
    "name",
    "names",
    "not",
    "number",
    "of",
    "only",
    "option",
    "options",
    "page",
    "param",
    "parameter",
    "parser",
    "path",
    "pattern",
    "php",
    "placeholder",
    "policies",
    "policy",
    "pool",
    "position",
    "prefix",
    "price",
    "prompt",
    "provider",
    "py",
    "rate",
    "rb",
    "reader",
    "ref",
    "reference",
    "refresh",
    "regex",
    "required",
    "requirements",
    "reset",
    "result",
    "role",
    "rotation",
    "row",
    "rs",
    "rules",
    "scheme",
    "scope",
    "scopes",
    "seconds",
    "selector",
    "service",
    "set",
    "sh",
    "size",
    "source",
    "space",
    "sql",
    "state",
    "status",
    "store",
    "strategy",
    "strength",
    "style",
    "suffix",
    "swift",
    "table",
    "text",
    "time",
    "timeout",
    "title",
    "toml",
    "total",
    "ts",
    "tsx",
    "ttl",
    "txt",
    "type",
    "types",
    "uri",
    "url",
    "usage",
    "used",
    "user",
    "username",
    "validation",
    "validator",
    "version",
    "visible",
    "vue",
    "wallet",
    "word",
    "xml",
    "yaml",
    "yml",
];
/// Types that stand between a name and its `=`: `var token string = "…"`.
const TYPES: &[&str] = &[
    "any", "byte", "bytes", "char", "cstring", "nsstring", "nstring", "nvarchar", "object", "str", "string", "text",
    "varchar", "wstring",
];
/// Names that mean the value beside them, and those that name it: `{"name": "DB_PASSWORD", "value": "…"}`.
const VALUE_NAMES: &[&str] = &["content", "current", "data", "default", "plain", "plaintext", "raw", "val", "value"];
const NAME_NAMES: &[&str] = &[
    "attribute",
    "env",
    "envvar",
    "field",
    "header",
    "id",
    "identifier",
    "k",
    "key",
    "label",
    "name",
    "option",
    "param",
    "parameter",
    "property",
    "setting",
    "title",
    "var",
    "variable",
];

/// Names that are not a secret's and still are looked at.
const OTHER_NAMES: &[&str] =
    &["authorization", "cookie", "cookies", "csc", "cvc", "cvn", "cvv", "key", "keys", "kind", "lines", "pin"];

/// The words above by a hash of their letters: nearly every name that has none of them is recognised at once.
pub(super) struct Bloom([u64; 1024]);

impl Bloom {
    pub(super) const fn empty() -> Self {
        Bloom([0; 1024])
    }

    pub(super) const fn step(hash: u32, letter: u8) -> u32 {
        (hash ^ (letter | 32) as u32).wrapping_mul(0x0100_0193)
    }

    const fn slot(hash: u32) -> usize {
        ((hash ^ hash >> 15) & 0xffff) as usize
    }

    const fn insert(&mut self, letters: &[u8]) {
        let mut hash = SEED;
        let mut n = 0;
        while n < letters.len() {
            if letters[n].is_ascii_alphabetic() {
                hash = Bloom::step(hash, letters[n]);
            }
            n += 1;
        }
        self.0[Bloom::slot(hash) >> 6] |= 1 << (Bloom::slot(hash) & 63);
    }

    pub(super) const fn insert_all(&mut self, words: &[&str]) {
        let mut n = 0;
        while n < words.len() {
            self.insert(words[n].as_bytes());
            n += 1;
        }
    }

    #[inline(always)]
    pub(super) fn has(&self, hash: u32) -> bool {
        let slot = Bloom::slot(hash);
        self.0[slot >> 6] >> (slot & 63) & 1 == 1
    }
}

pub(super) const SEED: u32 = 0x811c_9dc5;

/// Words that can make a name a secret's.
static SECRET: Bloom = {
    let mut bloom = Bloom::empty();
    bloom.insert_all(PASSWORD_WORDS);
    bloom.insert_all(TOKEN_WORDS);
    bloom.insert_all(OTHER_NAMES);
    bloom.insert_all(SERVICES);
    bloom
};
/// Those, types, and names of names.
static REMARKABLE: Bloom = {
    let mut bloom = Bloom(SECRET.0);
    bloom.insert_all(TYPES);
    bloom.insert_all(NAME_NAMES);
    bloom
};
/// Longer services' names, which other words may be joined to.
static LONG_SERVICES: Bloom = {
    let mut bloom = Bloom::empty();
    let mut n = 0;
    while n < SERVICES.len() {
        if SERVICES[n].len() >= LONG_SERVICE {
            bloom.insert(SERVICES[n].as_bytes());
        }
        n += 1;
    }
    bloom
};
const LONG_SERVICE: usize = 6;

/// Whether a name has a word that could matter. Not exact: what it lets through is looked at properly.
pub(super) fn is_remarkable(name: &[u8]) -> bool {
    has_word_of(&REMARKABLE, name)
}

/// Whether a name has a word that could make it a secret's.
pub(super) fn could_be_secret(name: &[u8]) -> bool {
    has_word_of(&SECRET, name)
}

fn has_word_of(words: &Bloom, name: &[u8]) -> bool {
    let (mut hash, mut before, mut letters) = (SEED, SEED, 0u32);
    // The cases of the last two letters: a small one behind two capitals belongs with the second.
    let (mut capital, mut capital_before) = (false, false);
    for byte in name {
        let letter = byte.is_ascii_alphabetic();
        if !letter {
            if !byte.is_ascii_digit() {
                if letters > 0 && words.has(hash) {
                    return true;
                }
                (hash, before, letters) = (SEED, SEED, 0);
            }
            (capital, capital_before) = (false, false);
            continue;
        }
        let upper = byte.is_ascii_uppercase();
        if upper && !capital && letters > 0 {
            if words.has(hash) || joined(name, byte) {
                return true;
            }
            (hash, letters) = (SEED, 0);
        } else if !upper && capital && capital_before {
            if words.has(before) {
                return true;
            }
            let last = hash_of_last(name, byte);
            (hash, letters) = (last, 1);
        }
        before = hash;
        hash = Bloom::step(hash, *byte);
        letters += 1;
        if letters >= LONG_SERVICE as u32 && LONG_SERVICES.has(hash) {
            return true;
        }
        (capital_before, capital) = (capital, upper);
    }
    letters > 0 && words.has(hash) || ends_like_a_secret(name)
}

/// The hash of the letter before `byte`, which begins a word.
fn hash_of_last(name: &[u8], byte: &u8) -> u32 {
    let at = byte as *const u8 as usize - name.as_ptr() as usize;
    Bloom::step(SEED, name[at - 1])
}

fn joined(name: &[u8], byte: &u8) -> bool {
    let at = byte as *const u8 as usize - name.as_ptr() as usize;
    ends_like_a_secret(&name[..at])
}

/// Whether the end of a name is one that other words are joined to: `apikey`, `clientsecret`.
fn ends_like_a_secret(name: &[u8]) -> bool {
    let letters = name.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
    let [.., a, b, c] = name[..letters] else { return false };
    matches!(
        [a | 32, b | 32, c | 32],
        [b'o', b'r', b'd']
            | [b's', b'w', b'd']
            | [b'a', b's', b'e']
            | [b'r', b'e', b't']
            | [b'k', b'e', b'y']
            | [b'a', b's', b's']
            | [b'p', b'w', b'd']
            | [b'k', b'e', b'n']
            | [b'a', b'l', b's']
            | [b'n', b'i', b'd']
    )
}

/// The most words of a name that are looked at, from its end.
const WORDS: usize = 6;

/// The words of a name in lower case, the last one first.
pub(super) struct Name {
    text: [u8; 64],
    ends: [(u8, u8); WORDS],
    count: usize,
}

impl Name {
    /// Cuts a name into words. What does not fit is left out at its beginning.
    pub(super) fn cut(name: &[u8]) -> Self {
        let name = &name[name.len().saturating_sub(64)..];
        let mut cut = Name { text: [0; 64], ends: [(0, 0); WORDS], count: 0 };
        for (to, from) in cut.text.iter_mut().zip(name) {
            *to = from.to_ascii_lowercase();
        }
        let mut end = name.len();
        let mut at = end;
        while at > 0 && cut.count < WORDS {
            let byte = name[at - 1];
            if !byte.is_ascii_alphanumeric() {
                cut.push(at, end);
                end = at - 1;
            } else if at < end && begins_with_capital(name, at, end) {
                cut.push(at, end);
                end = at;
            }
            at -= 1;
        }
        if cut.count < WORDS {
            cut.push(at, end);
        }
        cut
    }

    fn push(&mut self, start: usize, end: usize) {
        if end > start {
            self.ends[self.count] = (start as u8, end as u8);
            self.count += 1;
        }
    }

    /// The `n`th word from the end, without digits that number it.
    fn word(&self, n: usize) -> &str {
        if n >= self.count {
            return "";
        }
        let (start, end) = self.ends[n];
        let word = &self.text[start as usize..end as usize];
        let letters = word.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
        // ASCII letters and digits only.
        std::str::from_utf8(&word[..letters]).unwrap_or_default()
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        (0..self.count).map(|n| self.word(n)).filter(|word| !word.is_empty())
    }

    /// The last word.
    pub(super) fn last(&self) -> &str {
        self.word(0)
    }

    /// Whether the name is a type's, and no value's.
    pub(super) fn is_type(&self) -> bool {
        self.count == 1 && has(TYPES, self.word(0))
    }

    /// Whether it names the value of a name that stands beside it.
    pub(super) fn means_value(&self) -> bool {
        self.count == 1 && has(VALUE_NAMES, self.word(0))
    }

    /// Whether it names the name of a value that stands beside it.
    pub(super) fn means_name(&self) -> bool {
        (self.count == 1 || self.count == 2) && has(NAME_NAMES, self.word(0))
    }

    /// What the name says about its value; `None` for nothing.
    pub(super) fn strength(&self) -> Option<Strength> {
        let mut words = self.words();
        let last = words.next()?;
        if has(ABOUT, last) {
            return None;
        }
        let before = words.next().unwrap_or_default();
        if matches!(last, "key" | "keys") {
            if has(OTHER_KEYS, before) {
                return None;
            }
            return Some(match before {
                "api" | "access" | "secret" | "private" | "preshared" | "shared" | "signing" | "encryption" => {
                    Strength::Password
                }
                _ if has(SECRET_KEYS, before) || self.names_service() => Strength::Token,
                _ => Strength::Key,
            });
        }
        if matches!(last, "token" | "tokens") && (has(OTHER_TOKENS, before) || self.words().any(|word| word == "page"))
        {
            return None;
        }
        if has(TOKEN_WORDS, last) {
            return Some(Strength::Token);
        }
        if self.words().any(|word| has(PASSWORD_WORDS, word)) {
            return Some(Strength::Password);
        }
        if matches!(last, "pin" | "cvv" | "cvc" | "cvn" | "csc") {
            return Some(Strength::Password);
        }
        if last.len() > 3
            && let Some((_, strength)) = JOINED.iter().find(|(stem, _)| last.ends_with(stem))
            && !has(INNOCENT, last)
        {
            return Some(*strength);
        }
        // `secret_token_base`, `API_KEY_PROD`, `token2`.
        let any = |word: &str| self.words().any(|other| other == word);
        if any("token") || any("apikey") || any("key") && (any("api") || any("secret") || any("access")) {
            return Some(Strength::Token);
        }
        self.names_service().then_some(Strength::Service)
    }

    fn names_service(&self) -> bool {
        self.words().any(|word| has(SERVICES, word) || word.len() > LONG_SERVICE && starts_with_service(word))
    }
}

fn begins_with_capital(name: &[u8], at: usize, end: usize) -> bool {
    // `accessToken` before T; `APIKey` before K; not within `TOKEN`.
    name[at].is_ascii_uppercase()
        && (name[at - 1].is_ascii_lowercase()
            || name[at - 1].is_ascii_digit()
            || at + 1 < end && name[at + 1].is_ascii_lowercase() && name[at - 1].is_ascii_uppercase())
}

/// Sorted lists are searched by halving.
fn has(list: &[&str], word: &str) -> bool {
    list.binary_search(&word).is_ok()
}

fn starts_with_service(word: &str) -> bool {
    let mut hash = SEED;
    word.bytes().enumerate().any(|(n, letter)| {
        if letter.is_ascii_alphabetic() {
            hash = Bloom::step(hash, letter);
        }
        n + 1 >= LONG_SERVICE && LONG_SERVICES.has(hash) && has(SERVICES, &word[..=n])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        for list in [
            PASSWORD_WORDS,
            TOKEN_WORDS,
            OTHER_TOKENS,
            SECRET_KEYS,
            OTHER_KEYS,
            INNOCENT,
            ABOUT,
            TYPES,
            VALUE_NAMES,
            NAME_NAMES,
            SERVICES,
        ] {
            for pair in list.windows(2) {
                assert!(pair[0] < pair[1], "{} before {}", pair[0], pair[1]);
            }
        }
    }

    #[test]
    fn names_say_what_people_mean() {
        for (name, wanted) in [
            ("password", Some(Strength::Password)),
            ("DB_PASSWORD", Some(Strength::Password)),
            ("my_password_super_secure", Some(Strength::Password)),
            ("clientSecret", Some(Strength::Password)),
            ("X-Api-Key", Some(Strength::Password)),
            ("APIKey", Some(Strength::Password)),
            ("softlayerapikey", Some(Strength::Password)),
            ("accessToken", Some(Strength::Token)),
            ("token2", Some(Strength::Token)),
            ("user_auth", Some(Strength::Token)),
            ("heroku_key", Some(Strength::Token)),
            ("cloudflare", Some(Strength::Service)),
            ("weird_key", Some(Strength::Key)),
            ("sort_key", None),
            ("public_key", None),
            ("password_hash", None),
            ("token_type", None),
            ("passwordResetUrl", None),
            ("author", None),
            ("compass", None),
            ("total", None),
            ("", None),
            ("___", None),
        ] {
            assert_eq!(Name::cut(name.as_bytes()).strength(), wanted, "{name}");
        }
    }
}
