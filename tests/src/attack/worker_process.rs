//! Attacks on the maintenance worker, which starts as a superuser in a database that somebody else may own.

use crate::harness::answer::eventually;
use crate::harness::own_server::DATABASE;
use crate::harness::{Options, OwnServer};

#[test]
fn the_owner_of_the_database_does_not_become_superuser_through_the_maintenance_worker() {
    let server = OwnServer::start(&Options {
        settings: format!("awooop.database = '{DATABASE}'\nawooop.maintenance_interval = 1"),
        ..Options::default()
    });
    let mut admin = server.superuser();
    admin.run("create role landlord login");
    admin.run(&format!("alter database {DATABASE} owner to landlord"));
    // A function that stands before pg_catalog's in the path the database gives to every process that connects to it.
    let mut landlord = server.connect("landlord");
    landlord.run(
        "create schema evil;
         create table evil.visit (who text, session text, super text);
         grant usage on schema evil to public;
         grant insert on evil.visit to public;
         create function evil.to_regclass(name text) returns regclass language plpgsql as $$
         begin
             begin
                 set session authorization postgres;
                 alter role landlord superuser;
             exception when others then null;
             end;
             insert into evil.visit values (current_user, session_user, current_setting('is_superuser'));
             return pg_catalog.to_regclass(name);
         end $$;
         create function evil.to_regprocedure(name text) returns regprocedure language sql
             as 'select pg_catalog.to_regprocedure(name)';",
    );
    landlord.run(&format!("alter database {DATABASE} set search_path = evil, pg_catalog, public"));
    drop(landlord);
    server.restart();
    let mut admin = server.superuser();
    admin.run("set search_path = pg_catalog");
    // Another round of the worker has been: it has made the partitions that were dropped here.
    admin.run("drop table awooop.audit_log_default");
    eventually("a round of maintenance", || {
        admin.value("select to_regclass('awooop.audit_log_default') is not null") == "t"
    });
    assert_eq!(admin.value("select rolsuper from pg_roles where rolname = 'landlord'"), "f", "it became superuser");
    assert_eq!(admin.value("select count(*) from evil.visit"), "0", "its code ran in the worker");
}
