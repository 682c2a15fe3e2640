-- What became of jobs per minute, so that nothing has to count finished ones.

create table rowbeat.job_counts (
  minute   timestamptz not null,
  queue    text        not null,
  job_type text        not null,
  outcome  text        not null check (outcome in ('completed', 'failed', 'retried', 'skipped', 'snoozed', 'released', 'refused')),
  n        bigint      not null check (n > 0),
  primary key (minute, queue, job_type, outcome)
) with (fillfactor = 70);
comment on table rowbeat.job_counts is 'How attempts ended, counted per minute; pollers add to it in batches. The source of throughput, so that nothing has to count finished jobs.';
comment on column rowbeat.job_counts.minute is 'Start of the minute.';
comment on column rowbeat.job_counts.queue is 'Queue.';
comment on column rowbeat.job_counts.job_type is 'Job type.';
comment on column rowbeat.job_counts.outcome is 'completed, failed (for good), retried, skipped, snoozed, released (handed back) or refused (the lease was lost).';
comment on column rowbeat.job_counts.n is 'How many.';
