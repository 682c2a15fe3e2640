-- no-transaction
create index concurrently if not exists scheduled_jobs_region on rowbeat.scheduled_jobs (region_note) where region_note is not null;
