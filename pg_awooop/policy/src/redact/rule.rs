//! A rule: what one kind of sensitive text looks like, as data.

use super::family::Family;

/// One kind of sensitive text.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Unique, in kebab case: `github-fine-grained-token`.
    pub id: &'static str,
    pub family: Family,
    /// What a finding begins with, one of them, letter for letter; each two bytes or more. The scanner looks for these
    /// where a token can begin and tries the shape nowhere else.
    pub keywords: &'static [&'static str],
    /// A regular expression (syntax of the crate `regex`, without Unicode classes, case-sensitive unless it says `(?i)`)
    /// that is anchored where the keyword stands. What it matches is the finding; with a capture group named
    /// `secret`, only that. A letter or digit right after the match refuses it.
    pub shape: &'static str,
    pub validator: Validator,
    /// Texts in which the rule finds something.
    pub positive: &'static [&'static str],
    /// Texts in which it finds nothing.
    pub negative: &'static [&'static str],
}

/// What a match must pass besides its shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Validator {
    /// The shape says enough.
    Shape,
    /// Not a placeholder: at least this many different characters after the keyword (`ghp_xxxxxxxx` has one).
    Varied(u8),
    /// Shannon entropy of the match, in hundredths of a bit a character, at least.
    Entropy(u16),
    /// The same, and its letters are no words: `s.DefaultListableBeanFactory` is a name.
    Noise(u16),
}

impl Validator {
    /// What it asks for, in a few words.
    pub fn name(self) -> String {
        match self {
            Validator::Shape => "shape alone".to_owned(),
            Validator::Varied(least) => format!("at least {least} different characters"),
            Validator::Entropy(least) => format!("at least {}.{:02} bits a character", least / 100, least % 100),
            Validator::Noise(least) => {
                format!("at least {}.{:02} bits a character, and no words", least / 100, least % 100)
            }
        }
    }
}
