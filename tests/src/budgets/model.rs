//! A model of the budget, and random work by many sessions at once against both.
//!
//! What happens between two looks has no one order, so each session keeps what it was told, and the looks are taken when
//! all of them are still: then the books are the sum of what was told, to the unit, and every refusal must have been
//! possible at some moment since the last look. 34,000 operations of each version's own, so that a run on all versions has more
//! than 100,000; or that many in one go with AWOOOP_TEST_LONG=1.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::Value;

use super::clients::{Client, Dice, busy_project};
use super::player::{Player, Refusal, Scope, Told, Who, set_limit};
use crate::harness::server::environment;
use crate::harness::{Project, Session};

const SESSIONS: usize = 8;
/// Between two looks, by each session.
const OPERATIONS: usize = 250;

/// What the database says of a scope: spent, reserved, overrun.
fn shown(status: &Value) -> BTreeMap<Scope, [i64; 3]> {
    let limits = status["limits"].as_array().expect("limits");
    let scope = |limit: &Value| {
        let text = |name: &str| limit[name].as_str().expect("a text").to_owned();
        (text("level"), text("target"))
    };
    let amounts =
        |limit: &Value| ["spent", "reserved", "overrun"].map(|part| limit["tokens"][part].as_i64().expect("a number"));
    limits.iter().map(|limit| (scope(limit), amounts(limit))).collect()
}

struct Game {
    players: Vec<Mutex<Player>>,
    client: Client,
    admin: Session,
    project: Project,
    /// What was shown at the last look, and the limits since.
    before: BTreeMap<Scope, [i64; 3]>,
    limits: BTreeMap<Scope, i64>,
    since: String,
    refused: usize,
}

impl Game {
    fn new(seed: usize) -> Self {
        let project = busy_project();
        let players = (0..SESSIONS).map(|n| Mutex::new(Player::new(&project, n, seed + n))).collect();
        let (client, admin) = (Client::of(&project), project.admin());
        let mut limits = BTreeMap::new();
        for (agent, user) in [(0, 0), (1, 1), (0, 2), (1, 3)] {
            limits.extend(Who { agent, user }.scopes(&project.id).map(|scope| (scope, 0)));
        }
        let (before, since) = (BTreeMap::new(), String::new());
        Game { players, client, admin, project, before, limits, since, refused: 0 }
    }

    fn players(&mut self) -> impl Iterator<Item = &mut Player> {
        self.players.iter_mut().map(|player| player.get_mut().expect("a player"))
    }

    /// New limits for what comes next: of some there is little left.
    fn begin(&mut self, dice: &mut Dice) {
        self.since = self.admin.value("select clock_timestamp()::text");
        let room = |level: &str| if level == "project" { 9000 } else { 5000 };
        let base: BTreeMap<Scope, i64> = self
            .limits
            .keys()
            .map(|scope| (scope.clone(), self.before.get(scope).map_or(0, |used| used.iter().sum())))
            .collect();
        for (scope, limit) in &mut self.limits {
            *limit = base[scope] + dice.roll(0, room(&scope.0));
            set_limit(&mut self.client.session, scope, *limit);
        }
        for player in self.players() {
            player.base.clone_from(&base);
        }
    }

    fn play(&self) {
        std::thread::scope(|scope| {
            for player in &self.players {
                scope.spawn(move || {
                    let mut player = player.lock().expect("a player");
                    (0..OPERATIONS).for_each(|_| player.play());
                });
            }
        });
    }

    /// Per scope, what was granted since the last look, and what runs hold.
    fn granted_and_held(&mut self) -> BTreeMap<Scope, [i64; 2]> {
        let sql = format!(
            "select coalesce(json_agg(json_build_array(s.level, s.target, s.granted, s.held)), '[]')
             from (
                 select v.level, v.target, sum(u.granted)::int8 as granted, sum(u.held)::int8 as held
                 from (
                     select agent_id, platform_subject_id, greatest(reserved_tokens, 0) + overrun_tokens as granted,
                            0 as held
                     from awooop.budget_ledger where project_id = '{0}' and recorded_at >= '{1}'
                     union all
                     select agent_id, platform_subject_id, 0, granted_tokens - spent_tokens
                     from awooop.budget_escrow where project_id = '{0}' and run_id is not null
                 ) u
                 cross join lateral (values ('project', ''), ('agent', u.agent_id), ('subject', u.platform_subject_id))
                     v (level, target)
                 group by v.level, v.target
             ) s",
            self.project.id, self.since
        );
        let rows = self.admin.json(&sql);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let number = |value: &Value| value.as_i64().expect("a number");
        rows.as_array()
            .expect("rows")
            .iter()
            .map(|row| ((text(&row[0]), text(&row[1])), [number(&row[2]), number(&row[3])]))
            .collect()
    }

    /// All are still: the books are the sum of what was told.
    fn look(&mut self) {
        let status = self.client.call("select awooop.budget_status()");
        let (shown, counted) = (shown(&status), self.granted_and_held());
        let mut told: BTreeMap<Scope, Told> = BTreeMap::new();
        let mut set: Vec<(Scope, i64)> = self.limits.iter().map(|(scope, limit)| (scope.clone(), *limit)).collect();
        let mut refusals = Vec::new();
        for player in self.players() {
            for (scope, part) in &player.told {
                let sum = told.entry(scope.clone()).or_default();
                sum.spent += part.spent;
                sum.overrun += part.overrun;
                sum.held += part.held;
            }
            set.append(&mut player.set);
            refusals.append(&mut player.refusals);
        }
        let limits_of = |scope: &Scope| {
            let of = || set.iter().filter(|(known, _)| known == scope).map(|(_, limit)| *limit);
            (of().min().expect("a limit"), of().max().expect("a limit"))
        };
        for scope in self.limits.keys() {
            let (told, [_, in_runs]) =
                (told.get(scope).copied().unwrap_or_default(), counted.get(scope).copied().unwrap_or_default());
            let [spent, reserved, overrun] = shown.get(scope).copied().unwrap_or_default();
            assert_eq!([spent, reserved, overrun], [told.spent, told.held + in_runs, told.overrun], "{scope:?}");
            let [spent_before, reserved_before, _] = self.before.get(scope).copied().unwrap_or_default();
            let most = limits_of(scope).1.max(spent_before + reserved_before);
            assert!(spent + reserved <= most, "{scope:?}: {spent} and {reserved} of {most}");
        }
        for Refusal { scope, asked, left } in &refusals {
            let [spent, reserved, overrun] = self.before.get(scope).copied().unwrap_or_default();
            let [granted, _] = counted.get(scope).copied().unwrap_or_default();
            let (least, most) = limits_of(scope);
            let possible = (least - spent - reserved - overrun - granted).max(0)..=(most - spent - overrun).max(0);
            assert!(left < asked && possible.contains(left), "{scope:?}: {left} left of {asked}, and {possible:?}");
        }
        let total = |part: &str, unit: &str| status["total"][part][unit].as_i64().expect("a number");
        assert_eq!(total("spent", "micro_usd"), 3 * (total("spent", "tokens") + total("overrun", "tokens")));
        self.client.check();
        self.refused += refusals.len();
        self.before = shown;
    }
}

#[test]
fn random_work_of_many_sessions_never_leaves_the_model() {
    let operations = if std::env::var("AWOOOP_TEST_LONG").is_ok_and(|long| long == "1") { 100_000 } else { 34_000 };
    // Other dice on each version.
    let version: usize = environment("AWOOOP_TEST_PG").parse().expect("a version");
    let (mut game, mut dice) = (Game::new(4711 * version), Dice::new(4711 * version));
    for _ in 0..operations / (SESSIONS * OPERATIONS) {
        game.begin(&mut dice);
        game.play();
        game.look();
    }
    assert!(game.refused > operations / 100, "{} refusals: there was room for nearly everything", game.refused);
    let [spent, _, overrun] = game.client.total();
    assert!(spent > 0 && overrun > 0, "{spent} {overrun}");
}
