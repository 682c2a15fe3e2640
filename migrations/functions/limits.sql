-- Limits by hand, for operators.

create or replace function rowbeat.note_new_limits() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.limits_fresh := true;
  return new;
end
$$;
comment on function rowbeat.note_new_limits() is 'Trigger: the first claim under changed limits has to wait for those made without them.';

create or replace trigger queues_new_limits
  before update on rowbeat.queues
  for each row
  when ((new.max_running, new.max_per_key) is distinct from (old.max_running, old.max_per_key))
  execute function rowbeat.note_new_limits();

-- The log is made by another migration; without it there is nothing to write to.
create or replace function rowbeat.log_limits(action text, subject text, detail jsonb, reason text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(btrim(reason), '') = '' then
    raise exception 'a reason is needed'
      using errcode = 'invalid_parameter_value',
            hint = 'Say in a few words why, as the second argument.';
  end if;
end
$$;
comment on function rowbeat.log_limits(text, text, jsonb, text) is 'Notes a change of limits with its reason, which must not be empty.';
