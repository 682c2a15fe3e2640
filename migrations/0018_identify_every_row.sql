-- A publication for all tables (Debezium, Supabase, blue/green deployments) makes Postgres refuse to update or delete
-- rows that nothing identifies: jobs with a rate could not start any more. So every table has a primary key. The rows
-- are few: rates keep those within their window, durations the newest of each step.
alter table rowbeat.rate_starts add column id bigint generated always as identity primary key;
comment on column rowbeat.rate_starts.id is 'Identifies the row, for publications.';

alter table rowbeat.step_durations add column id bigint generated always as identity primary key;
comment on column rowbeat.step_durations.id is 'Identifies the row, for publications.';
