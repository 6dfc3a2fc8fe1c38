//! What a name means, remembered: most of a text's names come again and again.

use super::names::{self, Name, Strength};

/// What a name says about its value, and about values beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) look: Look,
    pub(super) strength: Option<Strength>,
    /// It names the name of a value that stands beside it.
    pub(super) names_another: bool,
    /// It names the value of a name that stands beside it.
    pub(super) holds_value: bool,
    /// It is a type's.
    pub(super) is_type: bool,
    /// It may be the name of what is kept elsewhere.
    pub(super) may_refer: bool,
    pub(super) special: Special,
}

/// How far a name has to be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Look {
    /// It has no word that could matter.
    #[default]
    None,
    /// It may be a type, or name another name; it can't be a secret's.
    Beside,
    /// It may be a secret's.
    Value,
}

/// Names whose values have a form of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Special {
    #[default]
    None,
    Authorization,
    Cookie,
    Kind,
    Lines,
    KeyMember,
}

/// The meanings of names, of the last one in each slot.
pub(super) struct Known {
    /// Those of sixteen bytes or fewer.
    names: [u128; SLOTS],
    meanings: [Meaning; SLOTS],
    /// Where longer ones stand in the text.
    long_names: [(usize, usize); SLOTS],
    long_meanings: [Meaning; SLOTS],
}

const SLOTS: usize = 64;

impl Default for Known {
    fn default() -> Self {
        Known {
            names: [0; SLOTS],
            meanings: [Meaning::default(); SLOTS],
            long_names: [(0, 0); SLOTS],
            long_meanings: [Meaning::default(); SLOTS],
        }
    }
}

impl Known {
    /// What the name from `start` to `end` means.
    #[inline]
    pub(super) fn meaning(&mut self, bytes: &[u8], start: usize, end: usize) -> Meaning {
        let name = &bytes[start..end];
        let chunk = bytes.get(start..start + 16).and_then(|chunk| chunk.first_chunk());
        let Some(chunk) = chunk.filter(|_| (1..=16).contains(&name.len())) else {
            return self.long_meaning(bytes, start, end);
        };
        let whole = u128::from_le_bytes(*chunk) & (u128::MAX >> (128 - 8 * name.len()));
        let mixed = (whole as u64 ^ (whole >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = (mixed >> 58) as usize;
        if self.names[slot] != whole {
            (self.names[slot], self.meanings[slot]) = (whole, meaning(name));
        }
        self.meanings[slot]
    }

    fn long_meaning(&mut self, bytes: &[u8], start: usize, end: usize) -> Meaning {
        let name = &bytes[start..end];
        let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) else { return meaning(name) };
        let mixed = u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29) ^ name.len() as u64;
        let slot = (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize;
        let (known_start, known_end) = self.long_names[slot];
        if &bytes[known_start..known_end] != name {
            (self.long_names[slot], self.long_meanings[slot]) = ((start, end), meaning(name));
        }
        self.long_meanings[slot]
    }
}

fn meaning(name: &[u8]) -> Meaning {
    if matches!(name, b"d" | b"p" | b"q" | b"dp" | b"dq" | b"qi" | b"k") {
        return Meaning { look: Look::Value, special: Special::KeyMember, ..Meaning::default() };
    }
    if !names::is_remarkable(name) {
        return Meaning::default();
    }
    let secret = names::could_be_secret(name);
    let cut = Name::cut(name);
    Meaning {
        look: if secret { Look::Value } else { Look::Beside },
        strength: if secret { cut.strength() } else { None },
        names_another: cut.means_name(),
        holds_value: cut.means_value(),
        is_type: cut.is_type(),
        may_refer: cut.may_refer(),
        special: match cut.last() {
            "authorization" => Special::Authorization,
            "cookie" | "cookies" => Special::Cookie,
            "kind" => Special::Kind,
            "lines" if name.eq_ignore_ascii_case(b"private-lines") => Special::Lines,
            _ => Special::None,
        },
    }
}
