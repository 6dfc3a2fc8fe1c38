//! What the ids and texts a caller chooses may look like.
//!
//! Ids are joined with `:` and `.` into subjects and credentials, and printed in logs; a rule that keeps separators
//! and control characters out of them makes those forms unambiguous.

/// A rule for a text argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRule {
    /// Letters, digits, `.`, `_`, `-`; begins with a letter or digit. Project ids, channel types, agents, steps.
    Id,
    /// Any text of one line: no control characters.
    Line,
    /// Any text.
    Free,
}

impl NameRule {
    /// Whether `text` follows the rule (length aside).
    pub fn admits(self, text: &str) -> bool {
        match self {
            NameRule::Id => {
                text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
            }
            NameRule::Line => !text.is_empty() && !text.chars().any(char::is_control),
            NameRule::Free => true,
        }
    }

    /// The same as a regular expression for JSON Schema, if one is needed.
    pub const fn pattern(self) -> Option<&'static str> {
        match self {
            NameRule::Id => Some("^[A-Za-z0-9][A-Za-z0-9._-]*$"),
            NameRule::Line => Some("^[^\\u0000-\\u001f\\u007f-\\u009f]+$"),
            NameRule::Free => None,
        }
    }

    /// The rule in words, for an error's `expected`.
    pub const fn in_words(self) -> &'static str {
        match self {
            NameRule::Id => "letters, digits, '.', '_' or '-', beginning with a letter or digit",
            NameRule::Line => "text of one line without control characters",
            NameRule::Free => "text",
        }
    }
}

/// Longest project id, channel type, agent id, in characters.
pub const MAX_ID: usize = 64;
/// Longest id that a channel chooses (user, chat), in characters.
pub const MAX_CHANNEL_ID: usize = 256;
/// Longest name shown to people, in characters.
pub const MAX_DISPLAY_NAME: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_holds_what_separates_ids() {
        for good in ["ewoooc", "a", "A-1_b.c", "7"] {
            assert!(NameRule::Id.admits(good), "{good}");
        }
        for bad in ["", ":", "a:b", " a", "-a", ".a", "a b", "a\n", "é", "a/b", "a\u{202e}b"] {
            assert!(!NameRule::Id.admits(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_line_is_one_line() {
        assert!(NameRule::Line.admits("王小明: 7"));
        for bad in ["", "a\nb", "\u{7f}", "\u{85}", "\0"] {
            assert!(!NameRule::Line.admits(bad), "{bad:?}");
        }
    }
}
