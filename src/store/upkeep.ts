/** What needs looking after: one cheap question, asked by every poller every few seconds. */
import { QUESTION_TIMEOUT_MS, type Queryable, within } from './database.ts'

export interface Triage {
  /** Pollers whose beat is older than the limit and not yet declared lost. */
  readonly lapsed: number
  /** Pollers that beat. */
  readonly live: number
  /** Leases of pollers that are already gone. */
  readonly orphanedLeases: boolean
  readonly overdueExecutions: boolean
  readonly overdueJobs: boolean
  readonly floorsDue: boolean
  /** Seconds since the server started. */
  readonly serverUpSeconds: number
}

/** Asks what there is to do; touches only small tables and partial indexes. */
export async function triage(db: Queryable, ttlSeconds: number): Promise<Triage> {
  const question = within(QUESTION_TIMEOUT_MS, {
    name: 'triage',
    text: `select
  (select count(*)::integer from rowbeat.pollers p
    where p.status in ('live', 'draining')
      and p.beat_at < clock_timestamp() - make_interval(secs => $1)) as lapsed,
  (select count(*)::integer from rowbeat.pollers p
    where p.status in ('live', 'draining')
      and p.beat_at >= clock_timestamp() - make_interval(secs => $1)) as live,
  exists (select from rowbeat.leases l join rowbeat.pollers p on p.poller_id = l.poller_id
    where p.status in ('lost', 'stopped')) as "orphanedLeases",
  exists (select from rowbeat.workflow_executions e
    where e.status in ('pending', 'running') and e.deadline_at <= now()) as "overdueExecutions",
  -- The order makes it an index scan: "exists" would read the whole table while statistics are old.
  coalesce((select j.open_deadline_at <= now() from rowbeat.scheduled_jobs j
    where j.open_deadline_at is not null
    order by j.open_deadline_at
    limit 1), false) as "overdueJobs",
  (select h.probed_at < clock_timestamp() - interval '20 seconds' from rowbeat.claim_horizon h) as "floorsDue",
  extract(epoch from clock_timestamp() - pg_postmaster_start_time())::double precision as "serverUpSeconds"`,
    values: [ttlSeconds],
  })
  const { rows } = await db.query<Triage>(question)
  const found = rows[0]
  if (found === undefined) throw new Error('triage returned no row')
  return found
}
