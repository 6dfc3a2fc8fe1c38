//! The languages that the platform itself speaks to people.

/// A language of the platform's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

impl Language {
    /// The language for a locale (BCP 47): English where the platform has no words in that.
    pub fn of(locale: &str) -> Self {
        let primary = locale.split('-').next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("zh") { Language::Chinese } else { Language::English }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_read_by_its_first_part() {
        for chinese in ["zh", "zh-TW", "ZH-Hant-TW"] {
            assert_eq!(Language::of(chinese), Language::Chinese, "{chinese}");
        }
        for other in ["", "en", "en-TW", "zhx", "de"] {
            assert_eq!(Language::of(other), Language::English, "{other}");
        }
    }
}
