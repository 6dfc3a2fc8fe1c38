//! What a name says about its value: `db_password`, `X-Api-Key`, `accessToken`, `sort_key`.
//!
//! A name is cut into its words, by separators and by capitals; the last words decide. The lists are the data; the
//! scanner asks for every name that is followed by an operator, so what is no secret's name must be seen at once.

use super::bloom::{Bloom, SEED};
use super::meanings::{Lists, lists_of};
use super::rules::context::{NAME_NAMES, OTHER_NAMES, PASSWORD_WORDS, TOKEN_WORDS, TYPES};
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

/// Words that can make a name a secret's.
static SECRET: Bloom = {
    let mut bloom = Bloom::of(PASSWORD_WORDS);
    bloom.insert_all(TOKEN_WORDS);
    bloom.insert_all(OTHER_NAMES);
    bloom.insert_all(SERVICES);
    bloom
};
/// Those, types, and names of names.
static REMARKABLE: Bloom = {
    let mut bloom = SECRET.copy();
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
    let (mut hash, mut before, mut letters) = (SEED, SEED, 0);
    // The cases of the last two letters: a small one behind two capitals belongs with the second.
    let (mut capital, mut capital_before) = (false, false);
    for (at, byte) in name.iter().enumerate() {
        if !byte.is_ascii_alphabetic() {
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
            if words.has(hash) || ends_like_a_secret(&name[..at]) {
                return true;
            }
            (hash, letters) = (SEED, 0);
        } else if !upper && capital && capital_before {
            if words.has(before) {
                return true;
            }
            (hash, letters) = (Bloom::step(SEED, name[at - 1]), 1);
        }
        before = hash;
        hash = Bloom::step(hash, *byte);
        letters += 1;
        if letters >= LONG_SERVICE && LONG_SERVICES.has(hash) {
            return true;
        }
        (capital_before, capital) = (capital, upper);
    }
    letters > 0 && words.has(hash) || ends_like_a_secret(name)
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
    lists: [Lists; WORDS],
    count: usize,
}

impl Name {
    /// Cuts a name into words. What does not fit is left out at its beginning.
    pub(super) fn cut(name: &[u8]) -> Self {
        let name = &name[name.len().saturating_sub(64)..];
        let mut cut = Name { text: [0; 64], ends: [(0, 0); WORDS], lists: Default::default(), count: 0 };
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
            // `s3` is a word, `token2` one that is numbered.
            self.lists[self.count] = lists_of(&self.text[start..end]).or(lists_of(self.word_of(start, end)));
            self.count += 1;
        }
    }

    /// The `n`th word from the end, without digits that number it.
    fn word(&self, n: usize) -> &str {
        if n >= self.count {
            return "";
        }
        let (start, end) = self.ends[n];
        // ASCII letters and digits only.
        std::str::from_utf8(self.word_of(usize::from(start), usize::from(end))).unwrap_or_default()
    }

    fn word_of(&self, start: usize, end: usize) -> &[u8] {
        let word = &self.text[start..end];
        &word[..word.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1)]
    }

    /// Whether the `n`th word from the end is in one of the lists.
    fn is(&self, n: usize, lists: Lists) -> bool {
        n < self.count && self.lists[n].have(lists)
    }

    fn any_is(&self, lists: Lists) -> bool {
        self.lists[..self.count].iter().any(|own| own.have(lists))
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
        self.count == 1 && self.is(0, Lists::TYPE)
    }

    /// Whether it names the value of a name that stands beside it.
    pub(super) fn means_value(&self) -> bool {
        self.count == 1 && self.is(0, Lists::VALUE_NAME)
    }

    /// Whether it names the name of a value that stands beside it.
    pub(super) fn means_name(&self) -> bool {
        // `apiKey` is a secret's, not the name of one.
        self.is(0, Lists::NAME_NAME) && (self.count == 1 || self.count == 2 && self.strength() < Some(Strength::Token))
    }

    /// What the name says about its value; `None` for nothing.
    pub(super) fn strength(&self) -> Option<Strength> {
        // Words that are nothing but digits number the others.
        let mut places = (0..self.count).filter(|n| !self.word(*n).is_empty());
        let (last_at, before_at) = (places.next()?, places.next().unwrap_or(WORDS));
        let (last, before) = (self.word(last_at), self.word(before_at));
        // `existingSecret: …` names where a secret is kept.
        if self.is(last_at, Lists::ABOUT) || self.words().any(|word| word == "existing") {
            return None;
        }
        if matches!(last, "key" | "keys") {
            if self.is(before_at, Lists::OTHER_KEY) {
                return None;
            }
            return Some(match before {
                "api" | "access" | "secret" | "private" | "preshared" | "shared" | "signing" | "encryption" => {
                    Strength::Password
                }
                _ if self.is(before_at, Lists::SECRET_KEY) || self.names_service() => Strength::Token,
                _ => Strength::Key,
            });
        }
        if matches!(last, "token" | "tokens")
            && (self.is(before_at, Lists::OTHER_TOKEN) || self.words().any(|word| word == "page"))
        {
            return None;
        }
        if matches!(last, "pin" | "cvv" | "cvc" | "cvn" | "csc" | "otp" | "totp") {
            return Some(Strength::Password);
        }
        if self.is(last_at, Lists::TOKEN) {
            return Some(Strength::Token);
        }
        if self.any_is(Lists::PASSWORD) {
            return Some(Strength::Password);
        }
        if last.len() > 3
            && let Some((_, strength)) = JOINED.iter().find(|(stem, _)| last.ends_with(stem))
            && !self.is(last_at, Lists::INNOCENT)
        {
            return Some(*strength);
        }
        // `secret_token_base`, `API_KEY_PROD`, `token2`.
        let any = |word: &str| self.words().any(|other| other == word);
        if any("token") || any("apikey") || any("key") && (any("api") || any("secret") || any("access")) {
            return Some(Strength::Token);
        }
        if last == "pat" {
            return Some(Strength::Key);
        }
        self.names_service().then_some(Strength::Service)
    }

    /// Whether it is the name of something that is kept elsewhere, `secret: db-credentials`, as well as of a secret.
    pub(super) fn may_refer(&self) -> bool {
        matches!(self.last(), "secret" | "secrets" | "credential" | "credentials")
    }

    fn names_service(&self) -> bool {
        self.any_is(Lists::SERVICE) || self.words().any(|word| word.len() > LONG_SERVICE && starts_with_service(word))
    }
}

fn begins_with_capital(name: &[u8], at: usize, end: usize) -> bool {
    // `accessToken` before T; `APIKey` before K; not within `TOKEN`.
    name[at].is_ascii_uppercase()
        && (name[at - 1].is_ascii_lowercase()
            || name[at - 1].is_ascii_digit()
            || at + 1 < end && name[at + 1].is_ascii_lowercase() && name[at - 1].is_ascii_uppercase())
}

fn starts_with_service(word: &str) -> bool {
    let mut hash = SEED;
    word.bytes().enumerate().any(|(n, letter)| {
        if letter.is_ascii_alphabetic() {
            hash = Bloom::step(hash, letter);
        }
        n + 1 >= LONG_SERVICE && LONG_SERVICES.has(hash) && lists_of(&word.as_bytes()[..=n]).have(Lists::SERVICE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
