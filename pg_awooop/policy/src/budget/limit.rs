//! Limits, and which of them hold for a piece of work.

use super::{Amount, UNLIMITED, Unit};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($word:ident = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($word),* }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$word),*];

            /// The word in SQL and JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$word => $text),* }
            }

            /// What the word stands for.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        }
    };
}

words! {
    /// What a limit is for. That of the platform holds for all projects together, and no project sets it.
    Level { Platform = "platform", Project = "project", Agent = "agent", Subject = "subject", Run = "run" }
}

impl Level {
    /// Those that a project sets.
    pub const OF_A_PROJECT: [Level; 4] = [Level::Project, Level::Agent, Level::Subject, Level::Run];
}

words! {
    /// How long it holds.
    Period { Run = "run", Day = "day", Month = "month", Lifetime = "lifetime" }
}

words! {
    /// Who says so. Each holds for itself, so the strictest decides.
    Source { Operation = "operation", Policy = "policy", Agent = "agent" }
}

/// The target of a limit that holds for each agent or person without one of its own.
pub const EACH: &str = "*";

/// A limit as it was set.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    pub level: Level,
    /// The agent, subject or run; [`EACH`]; empty for the project.
    pub target: String,
    pub period: Period,
    pub source: Source,
    pub hard_tokens: Option<i64>,
    pub hard_micro_usd: Option<i64>,
    pub soft_percent: Option<i64>,
    pub burst_percent: Option<i64>,
}

impl Limit {
    fn hard(&self, unit: Unit) -> Option<i64> {
        match unit {
            Unit::Tokens => self.hard_tokens,
            Unit::MicroUsd => self.hard_micro_usd,
        }
    }

    /// How far it lets go.
    pub fn bounds(&self) -> Bounds {
        // Limits are at most MOST, so that a hundred times one stays in range.
        let percent = |of: Option<i64>| {
            move |unit: Unit| self.hard(unit).zip(of).map(|(hard, percent)| hard.saturating_mul(percent) / 100)
        };
        Bounds {
            hard: Amount::by(|unit| self.hard(unit).unwrap_or(UNLIMITED)),
            flight: Amount::by(|unit| {
                let burst = percent(self.burst_percent)(unit).unwrap_or_default();
                self.hard(unit).map_or(UNLIMITED, |hard| hard.saturating_add(burst))
            }),
            soft: Amount::by(|unit| percent(self.soft_percent)(unit).unwrap_or(UNLIMITED)),
        }
    }
}

/// How far something may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// What is admitted goes as far as this,
    pub hard: Amount,
    /// what is under way as far as this;
    pub flight: Amount,
    /// and from here on people are told.
    pub soft: Amount,
}

impl Bounds {
    pub const NONE: Bounds = Bounds { hard: Amount::UNLIMITED, flight: Amount::UNLIMITED, soft: Amount::UNLIMITED };

    fn and(self, other: Bounds) -> Bounds {
        Bounds {
            hard: self.hard.at_most(other.hard),
            flight: self.flight.at_most(other.flight),
            soft: self.soft.at_most(other.soft),
        }
    }
}

/// Whose work it is.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    pub agent_id: &'a str,
    pub subject_id: &'a str,
    /// Nothing outside of a run.
    pub run_id: Option<&'a str>,
}

impl Who<'_> {
    /// Whose counter a limit of this level goes by.
    pub fn target(&self, level: Level) -> &str {
        match level {
            Level::Platform | Level::Project => "",
            Level::Agent => self.agent_id,
            Level::Subject => self.subject_id,
            Level::Run => self.run_id.unwrap_or_default(),
        }
    }
}

/// The bounds that hold, by level and period; periods that are not there are not limited. A target's own limit takes the
/// place of the common one of the same source.
pub fn bounds(limits: &[Limit], who: &Who) -> Vec<(Level, Period, Bounds)> {
    let mut held: Vec<(Level, Period, Bounds)> = Vec::new();
    for limit in limits {
        let target = who.target(limit.level);
        let is_own = limit.target == target && (limit.level == Level::Project || !target.is_empty());
        let has_own = || {
            limits
                .iter()
                .any(|other| other.level == limit.level && other.source == limit.source && other.target == target)
        };
        let is_common = limit.target == EACH && !target.is_empty() && !has_own();
        if !is_own && !is_common {
            continue;
        }
        match held.iter_mut().find(|(level, period, _)| (*level, *period) == (limit.level, limit.period)) {
            Some((.., bounds)) => *bounds = bounds.and(limit.bounds()),
            None => held.push((limit.level, limit.period, limit.bounds())),
        }
    }
    held.sort_by_key(|(level, period, _)| (*level, *period));
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(level: Level, target: &str, period: Period, source: Source, hard_tokens: i64) -> Limit {
        Limit {
            level,
            target: target.to_owned(),
            period,
            source,
            hard_tokens: Some(hard_tokens),
            hard_micro_usd: None,
            soft_percent: None,
            burst_percent: None,
        }
    }

    const WHO: Who = Who { agent_id: "a", subject_id: "p:telegram:7", run_id: Some("r") };

    fn hard(limits: &[Limit], who: &Who) -> Vec<(Level, Period, i64)> {
        bounds(limits, who).into_iter().map(|(level, period, bounds)| (level, period, bounds.hard.tokens)).collect()
    }

    #[test]
    fn the_strictest_source_decides() {
        let limits = [
            limit(Level::Project, "", Period::Month, Source::Policy, 100),
            limit(Level::Project, "", Period::Month, Source::Operation, 70),
            limit(Level::Project, "", Period::Day, Source::Policy, 10),
        ];
        assert_eq!(hard(&limits, &WHO), [(Level::Project, Period::Day, 10), (Level::Project, Period::Month, 70)]);
    }

    #[test]
    fn a_limit_of_its_own_takes_the_place_of_the_common_one() {
        let limits = [
            limit(Level::Agent, EACH, Period::Day, Source::Policy, 5),
            limit(Level::Agent, "a", Period::Month, Source::Policy, 90),
            limit(Level::Agent, EACH, Period::Day, Source::Operation, 50),
            limit(Level::Agent, "b", Period::Day, Source::Policy, 1),
        ];
        // As the contract says: budgets of single agents are in place of the common one, whatever their periods.
        assert_eq!(hard(&limits, &WHO), [(Level::Agent, Period::Day, 50), (Level::Agent, Period::Month, 90)]);
        let other = Who { agent_id: "c", ..WHO };
        assert_eq!(hard(&limits, &other), [(Level::Agent, Period::Day, 5)]);
    }

    #[test]
    fn a_limit_for_a_run_holds_for_that_run_alone() {
        let limits = [limit(Level::Run, "r", Period::Run, Source::Operation, 9)];
        assert_eq!(hard(&limits, &WHO), [(Level::Run, Period::Run, 9)]);
        assert_eq!(hard(&limits, &Who { run_id: None, ..WHO }), []);
        assert_eq!(hard(&limits, &Who { run_id: Some("s"), ..WHO }), []);
    }

    #[test]
    fn soft_and_burst_are_parts_of_the_hard_limit() {
        let one = Limit {
            soft_percent: Some(80),
            burst_percent: Some(10),
            ..limit(Level::Project, "", Period::Day, Source::Policy, 1000)
        };
        let found = bounds(&[one], &WHO)[0].2;
        assert_eq!((found.soft.tokens, found.hard.tokens, found.flight.tokens), (800, 1000, 1100));
        assert_eq!(found.hard.micro_usd, UNLIMITED);
        assert_eq!((found.soft.micro_usd, found.flight.micro_usd), (UNLIMITED, UNLIMITED));
    }
}
