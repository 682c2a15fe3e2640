-- How long steps take is summed up once a minute, and not from the newest 50 runs of each whenever an execution is
-- made or its status is asked for.

create table rowbeat.step_estimates (
  job_type    text        primary key,
  p50_seconds real        not null,
  p90_seconds real        not null,
  runs        integer     not null check (runs > 0),
  updated_at  timestamptz not null default now()
);
comment on table rowbeat.step_estimates is 'How long the newest completed runs of each step took, summed up from step_durations: behind progress and ETA.';
comment on column rowbeat.step_estimates.job_type is 'Job type of the step.';
comment on column rowbeat.step_estimates.p50_seconds is 'Half of the runs took at most this.';
comment on column rowbeat.step_estimates.p90_seconds is 'Nine of ten runs took at most this.';
comment on column rowbeat.step_estimates.runs is 'How many runs are summed up, at most 50.';
comment on column rowbeat.step_estimates.updated_at is 'When it was summed up.';

insert into rowbeat.step_estimates (job_type, p50_seconds, p90_seconds, runs)
select d.job_type, percentile_cont(0.5) within group (order by d.duration_seconds),
       percentile_cont(0.9) within group (order by d.duration_seconds), least(count(*), 50)
from rowbeat.step_durations d
group by d.job_type;

-- An execution's row changes with each of its steps: with room on its page, all but the first and the last of these
-- changes touch no index.
alter table rowbeat.workflow_executions set (fillfactor = 30);
