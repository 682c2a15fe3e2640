-- Which jobs were there when pollers died. A lost poller charges nobody a retry, for most of what it ran is innocent;
-- what ran on two of them runs alone from then on, and only what dies alone is to blame.

create table rowbeat.suspects (
  job_id        bigint      primary key,
  deaths        integer     not null check (deaths > 0),
  alone_deaths  integer     not null default 0 check (alone_deaths between 0 and deaths),
  alone_lease   uuid,
  alone_since   timestamptz,
  last_death_at timestamptz not null default now(),
  last_poller   uuid
);
comment on table rowbeat.suspects is 'Jobs that ran on pollers that were lost: one row each, removed within a minute of the job''s end and a day after its last such attempt. No foreign key: the tables are written by different hands, and the delete of a job shall not pay for it.';
comment on column rowbeat.suspects.job_id is 'The job.';
comment on column rowbeat.suspects.deaths is 'How many pollers were lost while it ran on them. From 2 on it is a suspect: it runs in a slot of its own, one suspect of a poller at a time.';
comment on column rowbeat.suspects.alone_deaths is 'How many of them were lost while it was the one suspect that ran. At 2 it fails with POISON.';
comment on column rowbeat.suspects.alone_lease is 'The lease of the attempt that was begun in the slot for suspects; written before its handler starts, void when the lease is.';
comment on column rowbeat.suspects.alone_since is 'When that attempt was begun.';
comment on column rowbeat.suspects.last_death_at is 'When it was last taken back from a lost poller.';
comment on column rowbeat.suspects.last_poller is 'That poller.';
