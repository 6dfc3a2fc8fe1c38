//! The migration modes of a project: how far it has moved from the legacy path to this platform.

/// In order: a later mode allows more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MigrationMode {
    LegacyAwoooiDefault,
    Shadow,
    Suggest,
    Active,
}

impl MigrationMode {
    /// All modes, in order.
    pub const ALL: [MigrationMode; 4] = [Self::LegacyAwoooiDefault, Self::Shadow, Self::Suggest, Self::Active];

    /// The mode's name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LegacyAwoooiDefault => "legacy_awoooi_default",
            Self::Shadow => "shadow",
            Self::Suggest => "suggest",
            Self::Active => "active",
        }
    }

    /// The mode of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }

    /// Whether the platform serves the project at all.
    pub fn is_on_platform(self) -> bool {
        self >= Self::Shadow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_legacy_mode_is_off_the_platform() {
        for mode in MigrationMode::ALL {
            assert_eq!(mode.is_on_platform(), mode != MigrationMode::LegacyAwoooiDefault);
            assert_eq!(MigrationMode::parse(mode.as_str()), Some(mode));
        }
        assert!(MigrationMode::parse("Shadow").is_none());
    }
}
