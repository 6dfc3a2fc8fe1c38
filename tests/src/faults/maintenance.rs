//! The maintenance worker of the server.

use crate::harness::answer::eventually;
use crate::harness::own_server::{DATABASE, signal};
use crate::harness::quiet::{claims, expire};
use crate::harness::{Options, OwnServer};

#[test]
fn the_maintenance_worker_reaps_as_the_scheduler_and_not_as_a_superuser() {
    let server = super::maintained_server();
    let project = server.tenant("worker", "active", "envelope:write,runs:read,runs:write,runs:work");
    let (mut admin, mut session) = (server.superuser(), server.connect("worker"));
    // A superuser's trigger notes who it is that changes runs.
    admin.run(
        "create table public.visitor (session_name text, owner_name text, superuser text);
         grant insert on public.visitor to public;
         create function public.note() returns trigger language plpgsql as $$
         begin
             if new.state = 'pending' then
                 insert into public.visitor values (session_user, current_user, current_setting('is_superuser'));
             end if;
             return new;
         end $$;
         create trigger note after update on awooop.run_state for each row execute function public.note()",
    );
    let envelope = session.within(&project, "select awooop.build_envelope('agent', 'telegram', '7')");
    session.within(&project, &format!("select awooop.create_run('{envelope}')"));
    let claim = claims(&session.within(&project, "select awooop.claim_runs('w')")).pop().unwrap();
    expire(&mut admin, &claim.run);
    eventually("a reaped run", || admin.value("select count(*)::text from public.visitor") == "1");
    let visitor = admin.json("select json_build_array(session_name, owner_name, superuser) from public.visitor");
    assert_eq!(visitor, serde_json::json!(["awooop_scheduler", "awooop_owner", "off"]));
    let audit = admin.value("select door || ' ' || principal_id from awooop.audit_log where action = 'run_requeued'");
    assert_eq!(audit, "platform platform:reaper");
}

#[test]
fn a_server_whose_database_is_not_there_yet_or_not_installed_serves_it_later() {
    let server = OwnServer::start(&Options {
        install: false,
        settings: format!("awooop.database = '{DATABASE}'\nawooop.maintenance_interval = 1"),
        ..Options::default()
    });
    let mut admin = server.superuser();
    let worker = "select count(*)::text from pg_stat_activity where backend_type = 'awooop maintenance'";
    eventually("the maintenance worker", || admin.value(worker) == "1");
    admin.run("create extension pg_awooop");
    admin.run("select awooop.migrate()");
    admin.run("drop table awooop.step_journal_default");
    eventually("a round of maintenance", || {
        admin.value("select to_regclass('awooop.step_journal_default') is not null") == "t"
    });
}

#[test]
fn a_maintenance_worker_that_is_ended_or_killed_comes_back() {
    let server = super::maintained_server();
    let pid = "select coalesce(min(pid), 0)::text from pg_stat_activity where backend_type = 'awooop maintenance'";
    for how in ["TERM", "KILL"] {
        let mut before = String::new();
        eventually("the maintenance worker", || {
            before = server.superuser().value(pid);
            before != "0"
        });
        signal(before.parse().expect("a pid"), how);
        // One that is killed takes the sessions with it, and for a moment nobody gets a new one.
        eventually("another maintenance worker", || {
            let now = std::panic::catch_unwind(|| server.superuser().value(pid)).unwrap_or_else(|_| "0".to_owned());
            now != "0" && now != before
        });
    }
}
