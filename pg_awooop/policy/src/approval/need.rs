//! Whether a call needs a person's approval: the agent's contract, the project's mode and the policy, the most cautious of
//! which decides.

use awooop_contracts::model::agent::{Access, Autonomy};
use awooop_contracts::model::policy::{CallRule, Decision};
use awooop_contracts::model::tool::Risk;
use awooop_contracts::words;

use super::TokenMode;
use crate::contract::quorum::DEFAULT_APPROVERS;
use crate::mode::MigrationMode;

words! {
    /// Why a call is denied, whoever would approve it.
    pub enum Denial {
        /// The agent's contract does not name the tool.
        NotWanted = "tool_not_in_agent_contract",
        /// It names it for reading, and the call changes something.
        ForReading = "tool_wanted_for_reading",
        /// The project is not on the platform.
        Mode = "mode",
        /// In shadow nothing has side effects.
        Shadow = "shadow",
        /// The agent only reads.
        ReadOnly = "agent_is_read_only",
        /// The policy denies calls of this risk.
        Policy = "policy",
    }
}

/// All that decides.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub mode: MigrationMode,
    pub autonomy: Autonomy,
    /// What the agent's contract wants the tool for.
    pub wanted: Option<Access>,
    /// Whether it wants every call of the tool approved, whatever the policy says.
    pub always_approve: bool,
    /// What a call of the tool does.
    pub access: Access,
    pub risk: Risk,
    /// What the policy says of calls of this risk; nothing where no policy was ever active.
    pub rule: Option<&'a CallRule>,
}

/// Who must agree, and to what end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub approvers: u64,
    /// Any of these; whoever may decide at all where there are none.
    pub roles: Option<Vec<String>>,
    pub mode: TokenMode,
}

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// It goes ahead.
    Nothing,
    /// People decide.
    Approval(Terms),
    /// It does not happen.
    Denied(Denial),
}

/// The risk that counts: the tool's own, or what the project holds it for, whichever is higher.
pub fn risk(of_tool: Risk, of_project: Option<Risk>) -> Risk {
    of_project.map_or(of_tool, |risk| risk.max(of_tool))
}

/// What the call needs.
pub fn need(call: &Call) -> Need {
    let Some(wanted) = call.wanted else { return Need::Denied(Denial::NotWanted) };
    let writes = call.access == Access::Write;
    if writes {
        match call.mode {
            _ if wanted == Access::Read => return Need::Denied(Denial::ForReading),
            MigrationMode::LegacyAwoooiDefault => return Need::Denied(Denial::Mode),
            MigrationMode::Shadow => return Need::Denied(Denial::Shadow),
            _ if call.autonomy == Autonomy::ReadOnly => return Need::Denied(Denial::ReadOnly),
            MigrationMode::Suggest | MigrationMode::Active => {}
        }
    }
    let suggests = writes && (call.mode == MigrationMode::Suggest || call.autonomy == Autonomy::Suggest);
    let mode = if suggests { TokenMode::Suggest } else { TokenMode::Execute };
    match rule(call) {
        (Decision::Deny, ..) => Need::Denied(Denial::Policy),
        (Decision::Approve, approvers, roles) => Need::Approval(Terms { approvers, roles, mode }),
        // What would go ahead is only proposed, or the agent's own contract asks for somebody.
        (Decision::Allow, ..) if suggests || call.always_approve => {
            Need::Approval(Terms { approvers: 1, roles: None, mode })
        }
        (Decision::Allow, ..) => Need::Nothing,
    }
}

/// The policy's rule; before there is a policy, two people for what can do much harm.
fn rule(call: &Call) -> (Decision, u64, Option<Vec<String>>) {
    match call.rule {
        Some(rule) => {
            let roles = rule.roles.as_ref();
            let roles = roles.map(|roles| roles.as_slice().iter().map(|role| role.as_str().to_owned()).collect());
            (rule.decision, rule.approvers.map_or(DEFAULT_APPROVERS, |approvers| approvers.get()), roles)
        }
        None if call.risk >= Risk::High => (Decision::Approve, DEFAULT_APPROVERS, None),
        None => (Decision::Allow, 0, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use MigrationMode::{Active, LegacyAwoooiDefault as Legacy, Shadow, Suggest};
    use proptest::prelude::*;
    use serde_json::json;

    fn rule(text: &str) -> Option<CallRule> {
        let rule = match text {
            "none" => return None,
            "approve" => json!({"decision": "approve", "approvers": 3, "roles": ["lead"]}),
            decision => json!({"decision": decision}),
        };
        Some(serde_json::from_value(rule).unwrap())
    }

    /// What is said of a call, in a word.
    fn said(
        mode: MigrationMode,
        autonomy: Autonomy,
        wanted: Option<Access>,
        access: Access,
        risk: Risk,
        rule: Option<&CallRule>,
        always_approve: bool,
    ) -> String {
        match need(&Call { mode, autonomy, wanted, always_approve, access, risk, rule }) {
            Need::Nothing => "goes".to_owned(),
            Need::Denied(denial) => denial.as_str().to_owned(),
            Need::Approval(terms) => {
                format!(
                    "{} {} of {}",
                    terms.mode.as_str(),
                    terms.approvers,
                    terms.roles.map_or("any".to_owned(), |r| r.join("+"))
                )
            }
        }
    }

    #[test]
    fn the_most_cautious_of_agent_mode_and_policy_decides() {
        use Access::{Read, Write};
        use Autonomy::{Act, ReadOnly, Suggest as Suggests};
        use Risk::{Critical, High, Low, Medium};
        let (r, w) = (Some(Read), Some(Write));
        #[rustfmt::skip]
        let cases = [
            // mode, autonomy, wanted, access, risk, rule: what becomes of it
            (Active, Act, w, Write, Low, "allow", "goes"),
            (Active, Act, w, Write, High, "allow", "goes"),
            (Active, Act, w, Write, High, "approve", "execute 3 of lead"),
            (Active, Act, w, Write, High, "deny", "policy"),
            (Active, Act, w, Write, Medium, "none", "goes"),
            (Active, Act, w, Write, High, "none", "execute 2 of any"),
            (Active, Act, w, Write, Critical, "none", "execute 2 of any"),
            (Active, Suggests, w, Write, Low, "allow", "suggest 1 of any"),
            (Active, Suggests, w, Write, Low, "approve", "suggest 3 of lead"),
            (Active, Suggests, w, Write, Low, "deny", "policy"),
            (Active, ReadOnly, w, Write, Low, "allow", "agent_is_read_only"),
            (Suggest, Act, w, Write, Low, "allow", "suggest 1 of any"),
            (Suggest, Act, w, Write, High, "approve", "suggest 3 of lead"),
            (Suggest, Act, w, Write, High, "none", "suggest 2 of any"),
            (Suggest, ReadOnly, w, Write, High, "approve", "agent_is_read_only"),
            (Shadow, Act, w, Write, Low, "allow", "shadow"),
            (Shadow, Act, w, Write, Low, "approve", "shadow"),
            (Legacy, Act, w, Write, Low, "allow", "mode"),
            // What only reads goes in every mode, unless the policy asks.
            (Active, ReadOnly, r, Read, Low, "allow", "goes"),
            (Suggest, Suggests, r, Read, Low, "allow", "goes"),
            (Shadow, Act, r, Read, Medium, "allow", "goes"),
            (Shadow, Act, r, Read, High, "approve", "execute 3 of lead"),
            (Active, Act, w, Read, Low, "none", "goes"),
            (Active, Act, r, Read, High, "none", "execute 2 of any"),
            (Active, Act, r, Read, Low, "deny", "policy"),
            // What the agent's contract does not want, nobody can approve.
            (Active, Act, None, Read, Low, "allow", "tool_not_in_agent_contract"),
            (Active, Act, None, Write, Low, "approve", "tool_not_in_agent_contract"),
            (Active, Act, r, Write, Low, "allow", "tool_wanted_for_reading"),
            (Suggest, Act, r, Write, High, "approve", "tool_wanted_for_reading"),
        ];
        for (mode, autonomy, wanted, access, risk, word, expected) in cases {
            let rule = rule(word);
            let said = |always| said(mode, autonomy, wanted, access, risk, rule.as_ref(), always);
            let what = format!("{mode:?} {autonomy:?} {wanted:?} {access:?} {risk:?} {word}");
            assert_eq!(said(false), expected, "{what}");
            // Where the agent's contract wants every call approved, what would go waits, and nothing else changes.
            assert_eq!(said(true), if expected == "goes" { "execute 1 of any" } else { expected }, "{what}, always");
        }
    }

    #[test]
    fn a_project_makes_a_tool_riskier_and_never_safer() {
        assert_eq!(risk(Risk::Low, Some(Risk::Critical)), Risk::Critical);
        assert_eq!(risk(Risk::High, Some(Risk::Low)), Risk::High);
        assert_eq!(risk(Risk::Medium, None), Risk::Medium);
    }

    fn any_call() -> impl Strategy<Value = (usize, usize, usize, bool, usize, usize, bool)> {
        (0..4usize, 0..3usize, 0..3usize, any::<bool>(), 0..4usize, 0..4usize, any::<bool>())
    }

    proptest! {
        // Nothing with side effects happens in shadow or without the agent's contract, and nothing but a person's approval
        // lets a suggestion through.
        #[test]
        fn no_combination_acts_where_nobody_may((m, a, w, writes, r, rule_at, always_approve) in any_call()) {
            let mode = MigrationMode::ALL[m];
            let autonomy = Autonomy::ALL[a];
            let wanted = [None, Some(Access::Read), Some(Access::Write)][w];
            let access = if writes { Access::Write } else { Access::Read };
            let rule = rule(["none", "allow", "approve", "deny"][rule_at]);
            let call = Call { mode, autonomy, wanted, always_approve, access, risk: Risk::ALL[r], rule: rule.as_ref() };
            match need(&call) {
                Need::Nothing => {
                    prop_assert!(wanted.is_some() && rule_at != 2 && rule_at != 3 && !always_approve);
                    prop_assert!(!writes || mode == Active && autonomy == Autonomy::Act && wanted == Some(Access::Write));
                }
                Need::Approval(terms) => {
                    prop_assert!(terms.approvers >= 1 && wanted.is_some() && rule_at != 3);
                    prop_assert!(!writes || mode >= Suggest && autonomy >= Autonomy::Suggest);
                    let suggests = writes && (mode == Suggest || autonomy == Autonomy::Suggest);
                    prop_assert_eq!(terms.mode == TokenMode::Suggest, suggests);
                }
                Need::Denied(_) => prop_assert!(writes || wanted.is_none() || rule_at == 3),
            }
        }
    }
}
