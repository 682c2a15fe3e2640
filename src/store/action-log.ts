/** Who did what by hand or through a function; see migrations/0004_guard_tables.sql. */
import type { Queryable } from './database.ts'

/** Forgets entries older than 90 days, some at a time. */
export async function trimActionLog(db: Queryable): Promise<void> {
  await db.query({
    name: 'trim_action_log',
    text: `delete from rowbeat.action_log
where id = any (array(
  select oldest.id
  -- The oldest come first by id: only those are looked at, not the whole log when none is old.
  from (select a.id, a.at from rowbeat.action_log a order by a.id limit 10000) oldest
  where oldest.at < now() - interval '90 days'
))`,
  })
}
