//! A database that goes away and comes back: the gateway says so, lives on, and needs no restart.

use serde_json::json;

use super::client::Caller;
use super::scene::{message, project_on};
use crate::harness::answer::eventually;
use crate::harness::gateway::{HttpGateway, gateway_uri};
use crate::harness::{Options, OwnServer};

#[test]
fn a_restarted_database_is_served_again_without_restarting_the_gateway() {
    let server = OwnServer::start(&Options::default());
    let (_, key) = project_on(&server);
    let gateway = HttpGateway::start_on(&server, &[]);
    let caller = Caller::new(&gateway, &key);
    assert_eq!(caller.call("build_envelope", message("7")).status, 200);
    let ready = caller.get("/readyz").expect(200);
    assert_eq!((&ready["ready"], &ready["in_recovery"]), (&json!(true), &json!(false)));

    for stop in [OwnServer::stop, OwnServer::kill9] {
        stop(&server);
        assert_eq!(caller.get("/healthz").expect(200)["alive"], true, "the process itself is well");
        // The answer of a moment ago still counts for that moment.
        eventually("not being ready", || caller.get("/readyz").status == 503);
        for reply in [caller.call("whoami", json!({})), caller.call("build_envelope", message("7"))] {
            assert_eq!(reply.problem(), (503, "E-HTTP-006".into()));
            assert!(!reply.header("retry-after").is_empty());
        }
        assert_eq!(caller.get("/readyz").problem(), (503, "E-HTTP-006".into()));
        assert_eq!(caller.get("/openapi.json").status, 200, "the operations are still known");
        server.restart();
        eventually("being ready", || caller.get("/readyz").status == 200);
        // The first request already: nobody meets a connection of before.
        for _ in 0..8 {
            assert_eq!(caller.call("build_envelope", message("7")).status, 200);
        }
    }
    assert!(gateway.ended().is_none());
    assert!(gateway.log().contains("the database cannot be reached"));
}

#[test]
fn connections_that_died_while_idle_cost_at_most_a_retry() {
    let server = OwnServer::start(&Options::default());
    let (_, key) = project_on(&server);
    let gateway = HttpGateway::start_on(&server, &[]);
    let caller = Caller::new(&gateway, &key);
    // Fills the pool with connections that the restart then kills behind the gateway's back.
    let sessions = crate::harness::at_once(8, |_| caller.clone(), |_, caller| caller.call("whoami", json!({})).status);
    assert_eq!(sessions, [200; 8]);
    server.restart();
    let answers: Vec<u16> = (0..12).map(|_| caller.call("whoami", json!({})).status).collect();
    let failed = answers.iter().filter(|status| **status == 503).count();
    let served = answers.iter().filter(|status| **status == 200).count();
    assert!(failed <= 1 && failed + served == 12, "{answers:?}");
}

#[test]
fn a_gateway_may_start_before_its_database() {
    let server = OwnServer::start(&Options::default());
    let (_, key) = project_on(&server);
    let uri = gateway_uri(&server);
    server.stop();
    let gateway = HttpGateway::launch(&uri, &[]);
    let caller = Caller::new(&gateway, &key);
    assert_eq!(caller.get("/healthz").status, 200);
    for reply in [caller.get("/readyz"), caller.get("/openapi.json"), caller.call("whoami", json!({}))] {
        assert_eq!(reply.problem(), (503, "E-HTTP-006".into()));
    }
    server.restart();
    eventually("being ready", || caller.get("/readyz").status == 200);
    assert_eq!(caller.call("whoami", json!({})).status, 200);
}

#[test]
fn a_database_that_is_not_installed_or_not_migrated_is_not_ready() {
    let server = OwnServer::start(&Options { install: false, ..Options::default() });
    let mut admin = server.superuser();
    admin.run("create role awooop_gateway login");
    let gateway = HttpGateway::launch(&gateway_uri(&server), &[]);
    let caller = Caller::new(&gateway, "");
    assert_eq!(caller.get("/healthz").status, 200);
    for path in ["/readyz", "/openapi.json", "/v1/platform/whoami"] {
        assert!(caller.get(path).problem().0 >= 500, "{path}");
    }
    admin.run("create extension pg_awooop");
    eventually("the word that a migration is missing", || caller.get("/readyz").json()["code"] == "E-INSTALL-004");
    assert_eq!(caller.get("/readyz").problem(), (503, "E-INSTALL-004".into()));
    assert!(caller.get("/v1/platform/whoami").problem().0 >= 500);
    admin.run("select awooop.migrate()");
    eventually("being ready", || caller.get("/readyz").status == 200);
    assert_eq!(caller.get("/v1/platform/whoami").problem(), (401, "E-AUTH-001".into()));
}
