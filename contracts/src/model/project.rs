//! The project contract: how far a tenant has moved, who answers for it, where its data may be and for how long.

use serde::{Deserialize, Serialize};

use super::collection::UniqueList;
use super::quantity::{Bytes, Count, Days, Seconds};
use super::shared::{ContractVersion, Labels};
use super::text::{Line, Locale, PrincipalId, ProjectId, Prose, Region, TimeZone};
use super::words::words;

words! {
    /// The tag of this kind.
    pub enum ProjectTag { Project = "project", }
}

words! {
    /// How far the project may go, a later mode allowing more.
    pub enum MigrationMode {
        LegacyAwoooiDefault = "legacy_awoooi_default",
        Shadow = "shadow",
        Suggest = "suggest",
        Active = "active",
    }
}

words! {
    /// What an owner answers for.
    pub enum Responsibility {
        Accountable = "accountable",
        Technical = "technical",
        Security = "security",
        Billing = "billing",
    }
}

/// A project contract; the schema says what each field means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct ProjectContract {
    pub kind: ProjectTag,
    pub contract_version: ContractVersion,
    pub name: ProjectId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Line<120>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Prose<4000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    pub migration_mode: MigrationMode,
    pub owners: UniqueList<Owner, 1, 20>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<Regions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Sessions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration_aids: Option<MigrationAids>,
}

checked!(ProjectContract);

impl ProjectContract {
    fn holds(&self) -> bool {
        self.owners.as_slice().iter().any(|owner| owner.responsibility == Responsibility::Accountable)
    }

    /// The zone in which the project's days begin.
    pub fn time_zone(&self) -> &str {
        self.time_zone.as_ref().map_or("UTC", TimeZone::as_str)
    }

    /// The language of what the platform itself tells people.
    pub fn locale(&self) -> &str {
        self.locale.as_ref().map_or("en", Locale::as_str)
    }
}

/// A person or service, and what they answer for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    pub principal_id: PrincipalId,
    pub responsibility: Responsibility,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Line<256>>,
}

/// Where data may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regions {
    pub home: Region,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing: Option<UniqueList<Region, 1, 16>>,
}

/// How long records are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_days: Option<Days<1, 3650>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_days: Option<Days<1, 3650>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_days: Option<Days<90, 36_500>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger_days: Option<Days<90, 36_500>>,
}

defaults! { Retention {
    run_days: u64 = 30;
    conversation_days: u64 = 90;
    audit_days: u64 = 365;
    ledger_days: u64 = 365;
} }

/// What is remembered of a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_seconds: Option<Seconds<60, 2_592_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<Bytes<1024, 1_048_576>>,
}

defaults! { Sessions {
    idle_seconds: u64 = 86_400;
    max_bytes: u64 = 65_536;
} }

/// Limits of what exists at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_running_runs: Option<Count<1, 10_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pending_runs: Option<Count<1, 1_000_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_waiting_approvals: Option<Count<1, 100_000>>,
}

defaults! { Capacity {
    max_running_runs: u64 = 50;
    max_pending_runs: u64 = 10_000;
    max_waiting_approvals: u64 = 1000;
} }

/// Shared state with the legacy path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationAids {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legacy_session_keys: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legacy_counters: Option<bool>,
}

defaults! { MigrationAids {
    legacy_session_keys: bool = false;
    legacy_counters: bool = false;
} }
