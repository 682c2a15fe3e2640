-- Raw SQL on schedules is safe: their settings and their pause are yours to edit, what the daemons keep there is not.
-- What follows from an edit, and its log, are in schedules.sql.

create or replace function rowbeat.guard_schedule() returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  before rowbeat.schedules;
  forbidden text;
begin
  if tg_op = 'UPDATE' then
    before := old;
  end if;
  select string_agg(c.name, ', ' order by c.name) into forbidden
    from (values
      ('seeded', new.seeded is distinct from before.seeded),
      ('last_fire_at', new.last_fire_at is distinct from before.last_fire_at),
      ('last_job_id', new.last_job_id is distinct from before.last_job_id),
      ('pause_began_at', new.pause_began_at is distinct from before.pause_began_at),
      ('pause_ended_at', new.pause_ended_at is distinct from before.pause_ended_at),
      -- Taken away, they are found anew; any other value might never be looked at.
      ('problem', new.problem is not null and new.problem is distinct from before.problem),
      ('next_fire_at', new.next_fire_at is not null and new.next_fire_at is distinct from before.next_fire_at),
      ('look_at', new.look_at > clock_timestamp() and new.look_at is distinct from before.look_at),
      ('accounted_until', new.accounted_until > clock_timestamp() and new.accounted_until is distinct from before.accounted_until),
      ('paused_at', (not isfinite(new.paused_at) or new.paused_at > clock_timestamp() + interval '1 minute')
                    and new.paused_at is distinct from before.paused_at),
      ('paused_reason', new.paused_at is null and before.paused_at is null and new.paused_reason is not null)
    ) as c (name, is_forbidden)
    where c.is_forbidden;
  if forbidden is not null then
    raise exception 'column % of schedule % cannot be set so by hand', forbidden, new.name
      using errcode = 'RB002',
            hint = format('Daemons keep these. To stop it: select * from rowbeat.pause_schedule(%L, ''why''); to run it now: select rowbeat.fire_schedule(%L, ''why''); to have its next time computed anew: set next_fire_at = null', new.name, new.name);
  end if;
  perform rowbeat.require_schedule(before, new);
  if new.paused_at is not null and before.paused_at is null then
    new.paused_reason := coalesce(new.paused_reason, rowbeat.hand_reason());
  end if;
  return new;
end
$$;
comment on function rowbeat.guard_schedule() is 'Trigger: refuses a hand-written change of what daemons keep in a schedule, and what they could not work with.';

-- By its name it fires before schedules_edit, which writes some of these columns itself.
create or replace trigger guard_schedule
  before insert or update on rowbeat.schedules
  for each row
  when (rowbeat.is_by_hand())
  execute function rowbeat.guard_schedule();

create or replace trigger guard_schedule_truncate
  before truncate on rowbeat.schedules
  for each statement
  when (rowbeat.is_by_hand())
  execute function rowbeat.refuse_truncate();
