//! What a credential may do: a closed set of scopes, and the sets that administrators get without a binding.

/// One permission of an API key or a bound database role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    AgentsWrite,
    AnomaliesWrite,
    ApprovalsDecide,
    ApprovalsRead,
    AuditRead,
    BudgetsRead,
    BudgetsSpend,
    BudgetsWrite,
    ChannelsIngest,
    ContractsActivate,
    ContractsRead,
    ContractsSign,
    ContractsWrite,
    ConversationsRead,
    ConversationsWrite,
    EnvelopeWrite,
    KeysAdmin,
    MessagesSend,
    MessagesWrite,
    PrincipalsAdmin,
    RedactionAdmin,
    RunsRead,
    RunsWork,
    RunsWrite,
    SubjectsAdmin,
    SubjectsWrite,
    ToolsAdmin,
    ToolsCall,
    ToolsRead,
}

impl Scope {
    /// All scopes, by name.
    pub const ALL: [Scope; 29] = [
        Self::AgentsWrite,
        Self::AnomaliesWrite,
        Self::ApprovalsDecide,
        Self::ApprovalsRead,
        Self::AuditRead,
        Self::BudgetsRead,
        Self::BudgetsSpend,
        Self::BudgetsWrite,
        Self::ChannelsIngest,
        Self::ContractsActivate,
        Self::ContractsRead,
        Self::ContractsSign,
        Self::ContractsWrite,
        Self::ConversationsRead,
        Self::ConversationsWrite,
        Self::EnvelopeWrite,
        Self::KeysAdmin,
        Self::MessagesSend,
        Self::MessagesWrite,
        Self::PrincipalsAdmin,
        Self::RedactionAdmin,
        Self::RunsRead,
        Self::RunsWork,
        Self::RunsWrite,
        Self::SubjectsAdmin,
        Self::SubjectsWrite,
        Self::ToolsAdmin,
        Self::ToolsCall,
        Self::ToolsRead,
    ];

    /// The scope's name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AgentsWrite => "agents:write",
            Self::AnomaliesWrite => "anomalies:write",
            Self::ApprovalsDecide => "approvals:decide",
            Self::ApprovalsRead => "approvals:read",
            Self::AuditRead => "audit:read",
            Self::BudgetsRead => "budgets:read",
            Self::BudgetsSpend => "budgets:spend",
            Self::BudgetsWrite => "budgets:write",
            Self::ChannelsIngest => "channels:ingest",
            Self::ContractsActivate => "contracts:activate",
            Self::ContractsRead => "contracts:read",
            Self::ContractsSign => "contracts:sign",
            Self::ContractsWrite => "contracts:write",
            Self::ConversationsRead => "conversations:read",
            Self::ConversationsWrite => "conversations:write",
            Self::EnvelopeWrite => "envelope:write",
            Self::KeysAdmin => "keys:admin",
            Self::MessagesSend => "messages:send",
            Self::MessagesWrite => "messages:write",
            Self::PrincipalsAdmin => "principals:admin",
            Self::RedactionAdmin => "redaction:admin",
            Self::RunsRead => "runs:read",
            Self::RunsWork => "runs:work",
            Self::RunsWrite => "runs:write",
            Self::SubjectsAdmin => "subjects:admin",
            Self::SubjectsWrite => "subjects:write",
            Self::ToolsAdmin => "tools:admin",
            Self::ToolsCall => "tools:call",
            Self::ToolsRead => "tools:read",
        }
    }

    /// The scope of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// A set of scopes, as small as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(u32);

impl ScopeSet {
    /// No scope at all.
    pub const NONE: ScopeSet = ScopeSet(0);
    /// Every scope: what a superuser has.
    pub const EVERY: ScopeSet = ScopeSet((1 << Scope::ALL.len()) - 1);
    /// What a key that is bound to one agent may have: to call in its name, and to look.
    pub const OF_AN_AGENT: ScopeSet = ScopeSet(
        1 << Scope::ApprovalsRead as u32
            | 1 << Scope::BudgetsRead as u32
            | 1 << Scope::RunsRead as u32
            | 1 << Scope::ToolsCall as u32
            | 1 << Scope::ToolsRead as u32,
    );
    /// What a run's lease is good for, in that run: to work, to spend what it has, to call tools and look.
    pub const OF_A_RUN: ScopeSet = ScopeSet(
        Self::OF_AN_AGENT.0
            | 1 << Scope::BudgetsSpend as u32
            | 1 << Scope::ConversationsRead as u32
            | 1 << Scope::ConversationsWrite as u32
            | 1 << Scope::RunsWork as u32,
    );
    /// What a channel's secret may do: bring events.
    pub const OF_A_CHANNEL: ScopeSet = ScopeSet(1 << Scope::ChannelsIngest as u32);
    /// The most that an outside issuer's token may have: everything but to hand out credentials, which would outlive it.
    pub const OF_A_TOKEN: ScopeSet = ScopeSet(Self::EVERY.0 & !(1 << Scope::KeysAdmin as u32));
    /// What a platform operator has in every project: administration, never its conversations or its work.
    pub const OPERATOR: ScopeSet = ScopeSet(
        1 << Scope::AgentsWrite as u32
            | 1 << Scope::AuditRead as u32
            | 1 << Scope::BudgetsRead as u32
            | 1 << Scope::BudgetsWrite as u32
            | 1 << Scope::KeysAdmin as u32
            | 1 << Scope::PrincipalsAdmin as u32
            | 1 << Scope::SubjectsAdmin as u32
            | 1 << Scope::ToolsAdmin as u32
            | 1 << Scope::ToolsRead as u32,
    );

    /// The set of one scope.
    pub const fn of(scope: Scope) -> Self {
        Self(1 << scope as u32)
    }

    /// The same set with one more.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | 1 << scope as u32)
    }

    /// Whether `scope` is in the set.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u32) != 0
    }

    /// Whether every scope of `other` is in this set.
    pub const fn covers(self, other: ScopeSet) -> bool {
        other.0 & !self.0 == 0
    }

    /// The part of this set that is in `other` as well.
    #[must_use]
    pub const fn within(self, other: ScopeSet) -> Self {
        Self(self.0 & other.0)
    }

    /// The set of these names; `None` if one of them is no scope.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        names
            .into_iter()
            .try_fold(Self::NONE, |set, name| Scope::parse(name).map(|scope| Self(set.0 | 1 << scope as u32)))
    }

    /// The set of those of the names that are scopes: a row may hold one that this library does not know, which then
    /// allows nothing.
    pub fn of_known<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().filter_map(Scope::parse).fold(Self::NONE, |set, scope| Self(set.0 | 1 << scope as u32))
    }

    /// The names, sorted.
    pub fn names(self) -> Vec<&'static str> {
        Scope::ALL.into_iter().filter(|scope| self.contains(*scope)).map(Scope::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let set = ScopeSet::parse(["runs:work", "agents:write"]).unwrap();
        assert_eq!(set.names(), ["agents:write", "runs:work"]);
        assert!(ScopeSet::EVERY.covers(set) && !set.covers(ScopeSet::EVERY) && set.covers(ScopeSet::NONE));
        assert_eq!(ScopeSet::parse(["runs:work", "*"]), None);
        assert_eq!(ScopeSet::EVERY.names().len(), Scope::ALL.len());
        assert_eq!(set.within(ScopeSet::of(Scope::RunsWork).with(Scope::RunsRead)).names(), ["runs:work"]);
    }

    #[test]
    fn an_operator_cannot_read_or_do_the_work_of_a_tenant() {
        for scope in [
            Scope::RunsRead,
            Scope::RunsWork,
            Scope::RunsWrite,
            Scope::EnvelopeWrite,
            Scope::ContractsWrite,
            Scope::ContractsSign,
            Scope::ContractsActivate,
            Scope::ApprovalsDecide,
            Scope::ApprovalsRead,
            Scope::ChannelsIngest,
            Scope::ConversationsRead,
            Scope::ConversationsWrite,
            Scope::MessagesSend,
            Scope::MessagesWrite,
        ] {
            assert!(!ScopeSet::OPERATOR.contains(scope));
        }
    }
}
