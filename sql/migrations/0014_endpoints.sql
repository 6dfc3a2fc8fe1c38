-- Agents behind HTTP: which runs the platform's worker executes. Said when the run is created, by the contract that it is under.

alter table awooop.run_state add column has_endpoint boolean not null default false;
alter table awooop.run_ready add column has_endpoint boolean not null default false;
create trigger run_state_endpoint before update of has_endpoint on awooop.run_state
    for each row execute function awooop.refuse_run_rewrite();
alter table awooop.run_state enable always trigger run_state_endpoint;
create index run_ready_endpoint on awooop.run_ready (project_id, priority desc, available_at, run_id) where has_endpoint;

-- The key that claimed the run: its lease, shown as a credential, is worth no more than that.
alter table awooop.run_lease add column key_id text collate "C";

grant select (has_endpoint) on awooop.run_state to awooop_auditor;
grant select (has_endpoint) on awooop.run_ready to awooop_scheduler;
