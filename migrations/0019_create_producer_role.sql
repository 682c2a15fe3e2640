-- For applications that add jobs and do nothing else. As in 0008: roles belong to the whole server, and whoever
-- migrates may not be allowed to make them.
do $$
begin
  if exists (select from pg_roles r where r.rolname = 'rowbeat_producer') then
    return;
  end if;
  create role rowbeat_producer nologin;
exception
  when duplicate_object or unique_violation then
    -- Another database of this server is being migrated at the same moment.
    null;
  when insufficient_privilege then
    raise notice 'role rowbeat_producer is missing: have an administrator run "create role rowbeat_producer nologin", then migrate again';
end
$$;
