//! The facts that a call is judged by, of one moment: one statement reads them, and contracts are those that it names.

use std::rc::Rc;

use awooop_contracts::model::shared::Rate;
use awooop_contracts::model::text::CredentialReference;
use awooop_contracts::model::{AgentContract, PolicyContract, ToolContract};
use awooop_contracts::{Contract, Kind};
use awooop_policy::budget::Who;
use awooop_policy::error::ErrorCode;
use awooop_policy::gates::{
    AgentFacts, Approval, ArgumentFacts, BudgetFacts, Facts, Found, GrantFacts, ProjectFacts, RateFacts, RunFacts,
    ServerFacts, ToolFacts,
};
use awooop_policy::mode::MigrationMode;
use awooop_policy::tool_name;
use pgrx::spi::SpiTupleTable;
use serde_json::{Value, json};
use uuid::Uuid;

use super::grants;
use crate::budget;
use crate::caller::Caller;
use crate::contracts::POLICY;
use crate::contracts::active::{self, Loaded};
use crate::fault::{Outcome, Stop, fault};
use crate::guarded::{self, Worker};
use crate::statement::{column, optional_uuid_column, pg_uuid, statements};

/// Refused calls of an agent in any window of so many seconds.
pub(super) const REFUSALS: (u64, u64) = (100, 60);
/// Errors of arguments that are told of at most.
const MOST_ERRORS: usize = 20;
/// How often contracts may change while a call is judged.
const MOST_ROUNDS: usize = 5;

/// SQL for the revision of a contract that is active.
macro_rules! active {
    ($kind:literal, $name:literal) => {
        concat!(
            "(select c.revision_id from awooop.active_contracts c
              where c.project_id = $1 and c.kind = '",
            $kind,
            "' and c.name = ",
            $name,
            ")"
        )
    };
}
/// SQL for the seconds until there is room for one more of `$key`; null where there is. Under row-level security only what is
/// computed already finds a row by its key, hence `offset 0`.
macro_rules! wait {
    ($key:literal, $count:literal, $seconds:literal) => {
        concat!(
            "(select (select ceil(extract(epoch from h.at - now.at) + ",
            $seconds,
            ")::int8 from awooop.mcp_rate_hit h
                      where h.project_id = $1 and h.key = n.key and h.call = n.call
                        and h.at > now.at - ",
            $seconds,
            " * interval '1 second')
              from (select r.key, r.calls + 1 - ",
            $count,
            " as call from awooop.mcp_rate r where r.project_id = $1 and r.key = ",
            $key,
            " offset 0) n)"
        )
    };
}

statements! {
    SNAPSHOT: reading_alike [TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID, TEXTOID,
                       TEXTOID, TEXTOID] = concat!(
        "select p.migration_mode, p.suspended_at is not null, p.credential_namespaces, a.enabled, ",
                active!("agent", "$2"), ", ", active!("tool", "$3"), ", ", active!("policy", "$11"), ",
                s.transport, s.address, s.credential_reference, s.credential_placement, s.credential_name,
                s.max_concurrency, s.max_response_bytes, s.disabled_at is null, h.host is not null,
                t.upstream_name, t.digest, t.disabled_at is null, t.gone_at is not null,
                g.grant_id, g.constraints::text, coalesce(g.expires_at <= now.at, false), g.rate_count, g.rate_window_seconds, ",
                wait!("'grant:' || g.grant_id", "g.rate_count", "g.rate_window_seconds"), ",
                r.mode, c.calls, c.of_tool, c.under_way,
                (select array_agg(coalesce(", wait!("w.key", "w.count", "w.seconds"), ", 0) order by w.n)
                 from unnest($6, $7, $8) with ordinality w (key, count, seconds, n)),
                exists (select from awooop.platform_subjects u
                        where u.project_id = $1 and u.channel_type = $9 and u.channel_user_id = $10)
         from (select clock_timestamp() as at) now
         left join awooop.projects p on p.project_id = $1
         left join awooop.agents a on a.project_id = $1 and a.agent_id = $2
         left join awooop.mcp_tool t on t.project_id = $1 and t.name = $3
         left join awooop.mcp_server s on s.project_id = $1 and s.server_id = $4
         left join awooop.mcp_private_host h on h.host = s.host
         left join awooop.mcp_grant g
                on g.project_id = $1 and g.agent_id = $2 and g.tool = $3 and g.revoked_at is null
         left join awooop.run_state r on r.project_id = $1 and r.run_id = $5
         left join lateral (
             select count(*) as calls, count(*) filter (where k.tool = $3) as of_tool,
                    count(*) filter (where k.finished_at is null) as under_way
             from awooop.mcp_call k where k.project_id = $1 and k.run_id = $5 and k.begun_at is not null
         ) c on $5 is not null");
}

/// A contract of the call, if it is there and vouched for.
pub(super) enum Proof {
    None,
    Unproven,
    Active(Rc<Loaded>),
}

impl Proof {
    fn of(project_id: &str, kind: Kind, name: &str) -> Outcome<Self> {
        match active::of(project_id, kind, name) {
            Ok(Some(loaded)) => Ok(Proof::Active(loaded)),
            Ok(None) => Ok(Proof::None),
            Err(Stop::Refused(_)) => Ok(Proof::Unproven),
            Err(stop) => Err(stop),
        }
    }

    /// Its revision, where one is believed.
    pub(super) fn revision_id(&self) -> Option<Uuid> {
        match self {
            Proof::Active(loaded) => Some(loaded.revision_id),
            _ => None,
        }
    }

    fn as_agent(&self) -> Found<&AgentContract> {
        match self {
            Proof::Active(loaded) => match &loaded.contract {
                Contract::Agent(agent) => Found::Active(agent),
                _ => Found::Unproven,
            },
            Proof::Unproven => Found::Unproven,
            Proof::None => Found::None,
        }
    }

    fn as_tool(&self) -> Found<&ToolContract> {
        match self {
            Proof::Active(loaded) => match &loaded.contract {
                Contract::Tool(tool) => Found::Active(tool),
                _ => Found::Unproven,
            },
            Proof::Unproven => Found::Unproven,
            Proof::None => Found::None,
        }
    }
}

/// Who wants to call what.
pub(super) struct Wanted<'a> {
    pub(super) agent_id: Option<&'a str>,
    pub(super) tool: &'a str,
    pub(super) arguments: &'a Value,
    /// The run that it is made in.
    pub(super) run_id: Option<Uuid>,
    /// On whose behalf.
    pub(super) channel_type: &'a str,
    pub(super) channel_user_id: &'a str,
    pub(super) subject_id: &'a str,
}

/// Where the tool is.
pub(super) struct Upstream {
    pub(super) transport: String,
    pub(super) address: String,
    pub(super) max_concurrency: i32,
    pub(super) max_response_bytes: i32,
    pub(super) private_host_allowed: bool,
    enabled: bool,
    /// Reference, placement, name.
    credential: Option<[Option<String>; 3]>,
}

struct Registered {
    upstream_name: String,
    digest: String,
    enabled: bool,
    gone: bool,
}

pub(super) struct Granted {
    pub(super) grant_id: Uuid,
    constraints: Option<String>,
    expired: bool,
    rate: Option<(i32, i32, Option<i64>)>,
}

/// Everything that was read.
pub(super) struct Snapshot {
    pub(super) agent: Proof,
    pub(super) tool: Proof,
    policy: Option<Rc<Loaded>>,
    row: Row,
    rates: Vec<RateFacts>,
    refusals: RateFacts,
    agent_id: Option<String>,
    of_key: Option<String>,
    tool_name: String,
    pub(super) server_id: String,
    budget: BudgetFacts,
    arguments: ArgumentFacts,
}

struct Row {
    project: Option<ProjectFacts>,
    namespaces: Vec<String>,
    agent_enabled: Option<bool>,
    revisions: [Option<Uuid>; 3],
    upstream: Option<Upstream>,
    registered: Option<Registered>,
    granted: Option<Granted>,
    run: Option<RunFacts>,
    waits: Vec<i64>,
    subject_is_known: bool,
}

impl Row {
    fn read(row: &SpiTupleTable) -> Result<Self, pgrx::spi::Error> {
        let text = |n| row.get::<String>(n);
        let mode = text(1)?.and_then(|mode| MigrationMode::parse(&mode));
        let count = |n| Ok::<u64, pgrx::spi::Error>(column::<i64>(row, n)?.unsigned_abs());
        let credential = [text(10)?, text(11)?, text(12)?];
        let upstream = match text(8)? {
            None => None,
            Some(transport) => Some(Upstream {
                transport,
                address: column(row, 9)?,
                max_concurrency: column(row, 13)?,
                max_response_bytes: column(row, 14)?,
                enabled: column(row, 15)?,
                private_host_allowed: column(row, 16)?,
                credential: credential[0].is_some().then_some(credential),
            }),
        };
        let registered = match text(17)? {
            None => None,
            Some(upstream_name) => Some(Registered {
                upstream_name,
                digest: column(row, 18)?,
                enabled: column(row, 19)?,
                gone: column(row, 20)?,
            }),
        };
        let granted = match optional_uuid_column(row, 21)? {
            None => None,
            Some(grant_id) => {
                let rate = row.get::<i32>(24)?.zip(row.get::<i32>(25)?);
                let wait = row.get::<i64>(26)?;
                Some(Granted {
                    grant_id,
                    constraints: text(22)?,
                    expired: column(row, 23)?,
                    rate: rate.map(|(count, seconds)| (count, seconds, wait)),
                })
            }
        };
        let run = match text(27)? {
            None => None,
            Some(mode) => Some(RunFacts {
                mode: MigrationMode::parse(&mode).unwrap_or(MigrationMode::Shadow),
                calls: count(28)?,
                calls_of_tool: count(29)?,
                under_way: count(30)?,
            }),
        };
        Ok(Row {
            project: mode
                .map(|mode| Ok::<_, pgrx::spi::Error>(ProjectFacts { mode, suspended: column(row, 2)? }))
                .transpose()?,
            namespaces: column(row, 3)?,
            agent_enabled: row.get(4)?,
            revisions: [optional_uuid_column(row, 5)?, optional_uuid_column(row, 6)?, optional_uuid_column(row, 7)?],
            upstream,
            registered,
            granted,
            run,
            waits: column(row, 31)?,
            subject_is_known: column(row, 32)?,
        })
    }
}

/// What the contracts count calls for.
fn rates_of(policy: Option<&PolicyContract>, tool: Found<&ToolContract>, wanted: &Wanted) -> Vec<RateFacts> {
    let mut rates = Vec::new();
    let mut add = |what: &'static str, key: String, rate: Option<Rate>| {
        if let Some(rate) = rate {
            let (count, window_seconds) = (rate.count.get(), rate.window_seconds.get());
            rates.push(RateFacts { what, reason: what, key, count, window_seconds, retry_after_seconds: None });
        }
    };
    if let Some(calls) = policy.and_then(|policy| policy.rates).and_then(|rates| rates.calls) {
        add("project", "project".to_owned(), calls.project);
        add("agent", format!("agent:{}", wanted.agent_id.unwrap_or_default()), calls.agent);
        add("subject", format!("subject:{}", wanted.subject_id), calls.subject);
        add("tool", format!("tool:{}", wanted.tool), calls.tool);
    }
    if let Found::Active(tool) = tool {
        add("tool", format!("contract:{}", wanted.tool), tool.rate);
    }
    rates
}

fn policy_of(loaded: Option<&Rc<Loaded>>) -> Option<&PolicyContract> {
    match &loaded?.contract {
        Contract::Policy(policy) => Some(policy),
        _ => None,
    }
}

impl Snapshot {
    /// Reads everything.
    pub(super) fn take(caller: &Caller, wanted: &Wanted) -> Outcome<Self> {
        let project_id = caller.project_id.as_str();
        let (_, provider) = tool_name::parts(wanted.tool).unwrap_or_default();
        for _ in 0..MOST_ROUNDS {
            let agent = match wanted.agent_id {
                Some(agent_id) => Proof::of(project_id, Kind::Agent, agent_id)?,
                None => Proof::None,
            };
            let tool = Proof::of(project_id, Kind::Tool, wanted.tool)?;
            let policy = active::last_policy(project_id)?;
            let mut rates = rates_of(policy_of(policy.as_ref()), tool.as_tool(), wanted);
            let mut refusals = refusals(caller, wanted.agent_id);
            let row = read(project_id, wanted, &provider, &rates, &refusals)?;
            // A contract that changed in between is read again: all that decides is of one moment.
            let is_same = |proof: &Proof, revision: Option<Uuid>| match proof {
                Proof::Active(loaded) => revision == Some(loaded.revision_id),
                Proof::None => revision.is_none(),
                Proof::Unproven => true,
            };
            let is_same_policy = row.revisions[2]
                .is_none_or(|revision| policy.as_ref().is_some_and(|policy| policy.revision_id == revision));
            if !is_same(&agent, row.revisions[0]) || !is_same(&tool, row.revisions[1]) || !is_same_policy {
                continue;
            }
            let wait = |seconds: Option<&i64>| seconds.filter(|seconds| **seconds > 0).map(|s| s.unsigned_abs());
            for (n, rate) in rates.iter_mut().enumerate() {
                rate.retry_after_seconds = wait(row.waits.get(n));
            }
            refusals.retry_after_seconds = wait(row.waits.get(rates.len()));
            if let Some((grant, (count, seconds, full))) = row.granted.as_ref().and_then(|g| Some((g, g.rate?))) {
                rates.push(RateFacts {
                    what: "grant",
                    reason: "grant",
                    key: format!("grant:{}", grant.grant_id),
                    count: u64::from(count.unsigned_abs()),
                    window_seconds: u64::from(seconds.unsigned_abs()),
                    retry_after_seconds: full.map(i64::unsigned_abs),
                });
            }
            let arguments = judge_arguments(&tool, row.granted.as_ref(), wanted.arguments)?;
            let budget = budget_of(project_id, wanted)?;
            return Ok(Snapshot {
                agent,
                tool,
                policy,
                row,
                rates,
                refusals,
                agent_id: wanted.agent_id.map(str::to_owned),
                of_key: caller.agent_id.clone(),
                tool_name: wanted.tool.to_owned(),
                server_id: provider,
                budget,
                arguments,
            });
        }
        fault(ErrorCode::SystemRetry)
    }

    /// The facts, with what there is of an approval.
    pub(super) fn facts(&self, approval: Approval) -> Facts<'_> {
        Facts {
            project: self.row.project,
            agent: AgentFacts {
                id: self.agent_id.as_deref(),
                of_key: self.of_key.as_deref(),
                enabled: self.row.agent_enabled,
                contract: self.agent.as_agent(),
            },
            tool_name: &self.tool_name,
            server: self.row.upstream.as_ref().map(|server| ServerFacts { enabled: server.enabled }),
            tool: self.row.registered.as_ref().map(|tool| ToolFacts {
                upstream_name: &tool.upstream_name,
                digest: &tool.digest,
                enabled: tool.enabled,
                gone: tool.gone,
            }),
            tool_contract: self.tool.as_tool(),
            grant: self.row.granted.as_ref().map(|grant| GrantFacts { expired: grant.expired }),
            policy: policy_of(self.policy.as_ref()),
            arguments: self.arguments.clone(),
            run: self.row.run,
            budget: self.budget.clone(),
            rates: self.rates.clone(),
            refusals: self.refusals.clone(),
            approval,
            credential_is_own: self.credential().map(|credential| self.is_own(&credential["reference"])),
        }
    }

    fn is_own(&self, reference: &Value) -> bool {
        let reference = reference.as_str().and_then(|text| CredentialReference::try_from(text.to_owned()).ok());
        reference.is_some_and(|reference| {
            let namespace = reference.parts().0;
            self.row.namespaces.iter().any(|own| own == namespace)
        })
    }

    /// The rates that the call is counted for.
    pub(super) fn rates(&self) -> &[RateFacts] {
        &self.rates
    }

    /// What refused calls are counted for.
    pub(super) fn refusals(&self) -> &RateFacts {
        &self.refusals
    }

    pub(super) fn tool_contract(&self) -> Outcome<&ToolContract> {
        match self.tool.as_tool() {
            Found::Active(tool) => Ok(tool),
            _ => fault(ErrorCode::SystemInternal),
        }
    }

    /// What budgets say of the call, without a reservation: by what has been committed.
    pub(super) fn room(&self, caller: &Caller, wanted: &Wanted) -> Outcome<BudgetFacts> {
        let (BudgetFacts::Free, Found::Active(tool)) = (&self.budget, self.tool.as_tool()) else {
            return Ok(self.budget.clone());
        };
        let cost = i64::try_from(tool.call_cost_micro_usd()).unwrap_or(i64::MAX);
        let agent_id = wanted.agent_id.unwrap_or_default();
        let lacks = budget::lacks_for_tool(caller, agent_id, wanted.subject_id, cost)?;
        Ok(lacks.map_or(BudgetFacts::Free, BudgetFacts::Refused))
    }

    pub(super) fn subject_is_known(&self) -> bool {
        self.row.subject_is_known
    }

    pub(super) fn grant_id(&self) -> Uuid {
        self.row.granted.as_ref().map(|grant| grant.grant_id).unwrap_or_default()
    }

    pub(super) fn policy_revision_id(&self) -> Option<Uuid> {
        self.policy.as_ref().map(|policy| policy.revision_id)
    }

    pub(super) fn policy(&self) -> Option<&PolicyContract> {
        policy_of(self.policy.as_ref())
    }

    pub(super) fn upstream(&self) -> Outcome<&Upstream> {
        self.row.upstream.as_ref().map_or_else(|| fault(ErrorCode::SystemInternal), Ok)
    }

    pub(super) fn upstream_name(&self) -> &str {
        self.row.registered.as_ref().map_or("", |tool| &tool.upstream_name)
    }

    /// What the server is shown: the tool's own credential, else the server's.
    pub(super) fn credential(&self) -> Option<Value> {
        if let Found::Active(ToolContract { credential: Some(credential), .. }) = self.tool.as_tool() {
            let (namespace, secret, key) = credential.reference.parts();
            return Some(json!({
                "reference": format!("k8s://{namespace}/{secret}/{key}"), "placement": credential.placement.as_str(),
                "name": credential.header_name.as_ref().map(|name| name.as_str())
            }));
        }
        let [reference, placement, name] = self.row.upstream.as_ref()?.credential.as_ref()?;
        Some(json!({"reference": reference, "placement": placement, "name": name}))
    }

    /// What the decision is based on, for the record.
    pub(super) fn basis(&self) -> Value {
        let revision = |proof: &Proof| proof.revision_id();
        json!({
            "mode": self.facts(Approval::None).mode().as_str(), "agent_revision_id": revision(&self.agent),
            "tool_revision_id": revision(&self.tool), "policy_revision_id": self.policy_revision_id(),
            "grant_id": self.row.granted.as_ref().map(|grant| grant.grant_id),
            "definition": self.row.registered.as_ref().map(|tool| &tool.digest),
            "rates": self.rates.iter().map(|rate| json!([rate.what, rate.count, rate.window_seconds])).collect::<Vec<_>>()
        })
    }
}

fn refusals(caller: &Caller, agent_id: Option<&str>) -> RateFacts {
    // By caller as well: who calls in the name of an agent must not shut out others who do.
    let key = format!("refused:{}:{}", agent_id.unwrap_or_default(), caller.principal_id);
    let (count, window_seconds) = REFUSALS;
    RateFacts { what: "refusals", reason: "refusals", key, count, window_seconds, retry_after_seconds: None }
}

fn read(project_id: &str, wanted: &Wanted, provider: &str, rates: &[RateFacts], refusals: &RateFacts) -> Outcome<Row> {
    let counted = || rates.iter().chain(std::iter::once(refusals));
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let keys: Vec<String> = counted().map(|rate| rate.key.clone()).collect();
    let counts: Vec<i64> = counted().map(|rate| number(rate.count)).collect();
    let windows: Vec<i64> = counted().map(|rate| number(rate.window_seconds)).collect();
    let parameters = [
        project_id.into(),
        wanted.agent_id.into(),
        wanted.tool.into(),
        provider.into(),
        wanted.run_id.map(pg_uuid).into(),
        keys.into(),
        counts.into(),
        windows.into(),
        wanted.channel_type.into(),
        wanted.channel_user_id.into(),
        POLICY.into(),
    ];
    let row = SNAPSHOT.with(|s| s.row(&parameters, Row::read))?;
    let Some(mut row) = row else { return fault(ErrorCode::SystemInternal) };
    // A project's own namespace is its own.
    row.namespaces.push(project_id.to_owned());
    Ok(row)
}

fn judge_arguments(tool: &Proof, granted: Option<&Granted>, arguments: &Value) -> Outcome<ArgumentFacts> {
    let mut facts = ArgumentFacts { bytes: arguments.to_string().len(), ..ArgumentFacts::default() };
    let errors_by = |schema: &awooop_contracts::schema::CompiledSchema| {
        guarded::or_fault(Worker::Validator, "arguments", facts.bytes, || match schema.is_valid(arguments) {
            true => Vec::new(),
            false => schema.violations(arguments, MOST_ERRORS).iter().map(|violation| json!(violation)).collect(),
        })
    };
    let of_tool = match tool {
        Proof::Active(loaded) => loaded.input_schema.as_ref().map(errors_by).transpose()?,
        _ => None,
    };
    let of_grant = match granted.and_then(|grant| Some((grant.grant_id, grant.constraints.as_deref()?))) {
        Some((grant_id, constraints)) => Some(errors_by(&*grants::compiled(grant_id, constraints)?)?),
        None => None,
    };
    facts.errors = of_tool.unwrap_or_default();
    facts.grant_errors = of_grant.unwrap_or_default();
    Ok(facts)
}

/// Whether a switch stops the work.
fn budget_of(project_id: &str, wanted: &Wanted) -> Outcome<BudgetFacts> {
    let run = wanted.run_id.map(|run_id| run_id.to_string());
    let who =
        Who { agent_id: wanted.agent_id.unwrap_or_default(), subject_id: wanted.subject_id, run_id: run.as_deref() };
    Ok(match budget::standing(project_id, &who)? {
        Some((_, problem)) => BudgetFacts::Refused(problem),
        None => BudgetFacts::Free,
    })
}
