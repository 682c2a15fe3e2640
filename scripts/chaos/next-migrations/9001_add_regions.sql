-- Not part of Rowbeat: what a later version might bring, for chaos. Columns on the tables that daemons of this version
-- write all the time, an index, a table and a stricter check.

create table rowbeat.regions (
  name text primary key check (name <> '')
);
insert into rowbeat.regions (name) values ('here');

alter table rowbeat.scheduled_jobs
  add column region text not null default 'here',
  add column region_note text;
alter table rowbeat.workflow_executions add column region text not null default 'here';
alter table rowbeat.pollers add column region text references rowbeat.regions (name);
alter table rowbeat.leases add column region text;
alter table rowbeat.queues add column region text;
alter table rowbeat.schedules add column region text;

create index workflow_executions_region on rowbeat.workflow_executions (region, created_at);
alter table rowbeat.scheduled_jobs add constraint scheduled_jobs_region check (region <> '') not valid;
