//! Becoming somebody else by way of API keys: a login that may administer keys, and reads only what is its own, after
//! another principal's runs.

use serde_json::json;

use crate::harness::platform_logins::gateway_login_in;
use crate::harness::quiet::text;
use crate::harness::{Actor, Project, Session, literal, unique};

const SECRET: &str = "ada.lovelace@example.com";

/// The thief may administer keys and read runs; the victim has created one.
struct Scene {
    project: Project,
    thief: Actor,
    victim: Actor,
    admin: Session,
    run: String,
}

impl Scene {
    fn new() -> Self {
        let project = Project::new();
        let (mut victim, mut admin) = (project.actor(), project.admin());
        let role = unique("thief");
        admin.run(&format!("create role {role} login password 'secret'"));
        admin.run(&format!("select awooop.bind_role('{role}', '{}', '{{keys:admin,runs:read}}')", project.id));
        let thief = Project { role, ..project.clone() }.actor();
        let run = victim.create_id(&format!(", input => {}", literal(&json!({"note": SECRET}).to_string())));
        Self { project, thief, victim, admin, run }
    }

    fn principal_of_the_victim(&self) -> String {
        format!("role.{}", self.project.role)
    }

    /// Tries to make a key of that principal; the code of the refusal, nothing where there is none.
    #[track_caller]
    fn steal(&mut self, principal: &str) -> String {
        let sql =
            format!("select awooop.create_api_key('steal', '{{runs:read}}', principal_id => {})", literal(principal));
        text_of(&self.thief.call(&sql)["code"])
    }

    /// Whether a key sees the run exact.
    #[track_caller]
    fn sees(&mut self, key: &str) -> bool {
        let arguments = json!({"run_id": self.run}).to_string();
        let reply = gateway_login_in(&self.project.database).call(&self.project.id, key, "get_run", &arguments);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body.to_string().contains(SECRET)
    }
}

fn text_of(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
fn who_administers_keys_makes_none_of_a_logins_principal() {
    let mut scene = Scene::new();
    let principal = scene.principal_of_the_victim();
    assert_eq!(scene.steal(&principal), "E-AUTH-006");
    // Nor of a login's that is still to be bound, or is bound no longer.
    assert_eq!(scene.steal("role.tomorrow"), "E-AUTH-006");
    let unbind = format!("select awooop.unbind_role('{}', '{}')", scene.project.role, scene.project.id);
    scene.admin.run(&unbind);
    assert_eq!(scene.steal(&principal), "E-AUTH-006");
    let refused = scene.admin.value(&format!(
        "select count(*) from awooop.audit_log where project_id = '{}' and action = 'create_api_key'
         and decision = 'refused' and code = 'E-AUTH-006'",
        scene.project.id
    ));
    assert_eq!(refused, "3");
    let left = scene.admin.value(&format!(
        "select (select count(*) from awooop.api_keys where project_id = '{0}')
              + (select count(*) from awooop.principals where project_id = '{0}' and principal_id = 'role.tomorrow')",
        scene.project.id
    ));
    assert_eq!(left, "0", "a refusal writes nothing but its audit row");
}

#[test]
fn who_administers_keys_makes_none_of_a_principal_that_another_brought_into_being() {
    let mut scene = Scene::new();
    let key = scene.victim.call("select awooop.create_api_key('k', '{runs:read,runs:write}', principal_id => 'ada')");
    let (id, mut gateway) = (text_of(&key["key_id"]), gateway_login_in(&scene.project.database));
    let arguments = json!({"envelope": scene.victim.envelope(), "input": {"note": SECRET}}).to_string();
    let run = gateway.call(&scene.project.id, &text_of(&key["api_key"]), "create_run", &arguments);
    scene.run = text_of(&run.body["run_id"]);
    assert!(scene.sees(&text_of(&key["api_key"])));
    assert_eq!(scene.steal("ada"), "E-AUTH-006");
    // Rotating a key would hand over its successor.
    let rotated = scene.thief.call(&format!("select awooop.rotate_api_key('{id}')"));
    assert!(["E-AUTH-004", "E-AUTH-006"].contains(&rotated["code"].as_str().unwrap_or_default()), "{rotated}");
    let weak = scene.victim.call("select awooop.create_api_key('k', '{runs:read}', principal_id => 'ada')");
    let rotated = scene.thief.call(&format!("select awooop.rotate_api_key('{}')", text_of(&weak["key_id"])));
    assert_eq!(rotated["code"], "E-AUTH-006");
    // To revoke is the thief's right; what it leaves is not up for grabs.
    scene.thief.call(&format!("select awooop.revoke_api_key('{id}')"));
    scene.thief.call(&format!("select awooop.revoke_api_key('{}')", text_of(&weak["key_id"])));
    assert_eq!(scene.steal("ada"), "E-AUTH-006");
    // A key of its own sees the run as others do.
    let own = scene.thief.call("select awooop.create_api_key('own', '{runs:read,keys:admin}', principal_id => 'eve')");
    assert!(!scene.sees(&text_of(&own["api_key"])));
    // Nor do its keys reach further than it does.
    let arguments = json!({"name": "k", "scopes": ["runs:read"], "principal_id": "ada"}).to_string();
    let reply = gateway.call(&scene.project.id, &text_of(&own["api_key"]), "create_api_key", &arguments);
    assert_eq!((reply.status, text(&reply.body["code"])), (403, "E-AUTH-006".to_owned()));
}

#[test]
fn what_remains_is_ones_own_principals_and_an_operators_choice() {
    let mut scene = Scene::new();
    let thief = format!("role.{}", text_of(&scene.thief.call("select to_json(session_user)")));
    let mut key = |principal: &str| {
        let sql =
            format!("select awooop.create_api_key('k', '{{runs:read,keys:admin}}', principal_id => '{principal}')");
        scene.thief.call(&sql)
    };
    // Itself; a new one, and a further key of it; after both are gone, too.
    assert_eq!(key(&thief)["principal_id"], thief.as_str());
    let (first, second) = (key("eve"), key("eve"));
    for made in [&first, &second] {
        assert_eq!(made["principal_id"], "eve", "{made}");
        scene.thief.call(&format!("select awooop.rotate_api_key('{}')", text_of(&made["key_id"])));
        scene.thief.call(&format!("select awooop.revoke_api_key('{}')", text_of(&made["key_id"])));
    }
    let sql = "select awooop.create_api_key('k', '{runs:read,keys:admin}', principal_id => 'eve')";
    let made = scene.thief.call(sql);
    // A principal rotates its own key, whoever made it.
    let arguments = json!({"key_id": made["key_id"], "grace_seconds": 0}).to_string();
    let mut gateway = gateway_login_in(&scene.project.database);
    let rotated = gateway.call(&scene.project.id, &text_of(&made["api_key"]), "rotate_api_key", &arguments);
    assert_eq!((rotated.status, &rotated.body["principal_id"]), (201, &json!("eve")));
    // An operator names any.
    let victim = scene.principal_of_the_victim();
    let sql = format!("select awooop.create_api_key('k', '{{runs:read}}', principal_id => '{victim}')");
    let project = scene.project.id.clone();
    let given = scene.admin.within(&project, &sql);
    assert!(scene.sees(&text_of(&given["api_key"])));
}

#[test]
fn of_two_that_bring_a_principal_into_being_at_once_one_has_it() {
    let mut scene = Scene::new();
    let sql = "select awooop.create_api_key('k', '{runs:read}', principal_id => 'shared')";
    let project = scene.project.id.clone();
    scene.victim.session.run(&format!("begin; select awooop.enter_project('{project}')"));
    scene.victim.session.run(sql);
    let Scene { mut victim, mut thief, mut admin, .. } = scene;
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| text_of(&thief.call(sql)["code"]));
        let blocked = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%shared%'";
        crate::harness::answer::eventually("the wait", || admin.value(blocked) != "0");
        victim.session.run("commit");
        assert_eq!(waiting.join().expect("an answer"), "E-AUTH-006");
    });
}
