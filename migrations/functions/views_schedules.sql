-- What operators look at: schedules and what became of their fire times. Under the rules of views_jobs.sql.

create or replace view rowbeat.schedule_status as
select s.name,
       case when s.paused_at is not null then 'paused'
            when s.problem is not null then 'problem'
            when s.next_fire_at < clock_timestamp() - interval '60 seconds' then 'overdue'
            else 'waiting' end as state,
       s.cron,
       s.timezone,
       s.job_type,
       s.queue,
       s.next_fire_at,
       s.last_fire_at,
       s.last_job_id,
       j.status as last_job_status,
       coalesce(s.problem, s.paused_reason) as why,
       s.missed_policy,
       s.overlap_policy,
       s.edited,
       s.seeded is not null as seeded
from rowbeat.schedules s
-- The limit keeps it a look-up for each.
left join lateral (select k.status from rowbeat.scheduled_jobs k where k.id = s.last_job_id limit 1) j on true;
comment on view rowbeat.schedule_status is 'Every schedule with its state: waiting, overdue (nothing has looked at it for a minute: is a poller live?), problem or paused.';
comment on column rowbeat.schedule_status.name is 'The schedule.';
comment on column rowbeat.schedule_status.state is 'waiting, overdue (by more than 60 s), problem or paused.';
comment on column rowbeat.schedule_status.cron is 'Cron expression.';
comment on column rowbeat.schedule_status.timezone is 'Zone of the clock that cron speaks of.';
comment on column rowbeat.schedule_status.job_type is 'Job type of its jobs.';
comment on column rowbeat.schedule_status.queue is 'Queue of its jobs.';
comment on column rowbeat.schedule_status.next_fire_at is 'Next fire time; null while it is computed or when there is a problem.';
comment on column rowbeat.schedule_status.last_fire_at is 'Newest fire time that made a job.';
comment on column rowbeat.schedule_status.last_job_id is 'Newest job it made.';
comment on column rowbeat.schedule_status.last_job_status is 'Status of that job; null when it was deleted.';
comment on column rowbeat.schedule_status.why is 'The problem, or the reason of the pause.';
comment on column rowbeat.schedule_status.missed_policy is 'What runs of missed fire times.';
comment on column rowbeat.schedule_status.overlap_policy is 'Whether a job may overlap the previous one.';
comment on column rowbeat.schedule_status.edited is 'Whether it was edited since code wrote it.';
comment on column rowbeat.schedule_status.seeded is 'Whether it comes from code.';

create or replace view rowbeat.schedule_history as
select r.schedule,
       r.fire_at,
       r.outcome,
       r.fire_times,
       r.job_id,
       j.status as job_status,
       j.last_error,
       r.note,
       r.created_at
from rowbeat.schedule_runs r
left join rowbeat.scheduled_jobs j on j.id = r.job_id;
comment on view rowbeat.schedule_history is 'What became of each fire time, with the job it made. Name one schedule: where schedule = ''…'' order by fire_at desc limit 20.';
comment on column rowbeat.schedule_history.schedule is 'The schedule.';
comment on column rowbeat.schedule_history.fire_at is 'The fire time; of a row that stands for several, the newest of them.';
comment on column rowbeat.schedule_history.outcome is 'fired, missed, overlapped or paused.';
comment on column rowbeat.schedule_history.fire_times is 'How many fire times the row stands for.';
comment on column rowbeat.schedule_history.job_id is 'The job that was inserted.';
comment on column rowbeat.schedule_history.job_status is 'Its status; null when there is none or it was deleted.';
comment on column rowbeat.schedule_history.last_error is 'Its last failure in words.';
comment on column rowbeat.schedule_history.note is 'More about it, for people.';
comment on column rowbeat.schedule_history.created_at is 'When it was recorded.';
