-- Roles belong to the whole server, so they may exist already; and whoever migrates may not be allowed to make
-- them. Then everything works without them, and the statements to run are printed.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['rowbeat_owner', 'rowbeat_daemon', 'rowbeat_operator', 'rowbeat_reader'] loop
    continue when exists (select from pg_roles r where r.rolname = wanted);
    begin
      execute format('create role %I nologin', wanted);
    exception
      when duplicate_object or unique_violation then
        -- Another database of this server is being migrated at the same moment.
        null;
      when insufficient_privilege then
        raise notice 'role % is missing: have an administrator run "create role % nologin", then apply migrations/functions/zz_grant_roles.sql again',
          wanted, wanted;
    end;
  end loop;
end
$$;
