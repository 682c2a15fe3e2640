/** What operators, health and metrics read: bounded counts that never walk over finished jobs. */
import type pg from 'pg'
import { type Queryable, transaction } from './database.ts'

export interface QueueReport {
  readonly queue: string
  /** Due or not, counted to 10,000 per priority. */
  readonly pending: number
  readonly running: number
  /** Age of the oldest job that is due and not claimed; 0 when there is none. */
  readonly oldestReadySeconds: number
}

export interface PollerReport {
  readonly pollerId: string
  readonly name: string
  readonly status: string
  readonly running: number
  readonly beatAt: Date
  readonly ageSeconds: number
}

export interface Snapshot {
  readonly queues: readonly QueueReport[]
  readonly executions: readonly {
    readonly workflowType: string
    readonly status: string
    readonly count: number
  }[]
  readonly pollers: readonly PollerReport[]
  /** Running attempts past their time limit by a minute. */
  readonly stuck: number
  /** Counted to 10,000. */
  readonly failedLastHour: number
}

/**
 * Reads the state of everything in one statement. Pending jobs are counted from the claim floors on, each
 * priority to 10,000, so that neither finished rows nor a long queue make it slow.
 */
export async function readSnapshot(pool: pg.Pool): Promise<Snapshot> {
  return transaction(pool, async (client) => {
    // The floors are not known when it is planned: the planner expects a third of all jobs beyond them, and would
    // read and sort the whole table for that.
    await client.query(
      `select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_sort', 'off', true), set_config('jit', 'off', true)`,
    )
    return readAll(client)
  })
}

async function readAll(db: Queryable): Promise<Snapshot> {
  const { rows } = await db.query<{ snapshot: RawSnapshot }>({
    name: 'read_snapshot',
    text: `with waiting as (
  select found.queue, sum(found.pending) as pending, min(found.first_due) as first_due
  from (
  select l.queue, c.pending, c.first_due
  from rowbeat.lanes l
  cross join lateral (
    select count(*) as pending, min(p.scheduled_at) as first_due
    from (
      select j.scheduled_at
      from rowbeat.scheduled_jobs j
      where j.queue = l.queue
        and j.priority = l.priority
        and j.concurrency_key is null
        and j.scheduled_at >= l.floor_at
        and j.status = 'pending'
      order by j.scheduled_at
      limit 10000
    ) p
  ) c
  where not l.keyed
  union all
  select l.queue, c.pending, c.first_due
  from rowbeat.lanes l
  cross join lateral (
    select count(*) as pending, min(p.scheduled_at) as first_due
    from (
      select j.scheduled_at
      from rowbeat.scheduled_jobs j
      where j.queue = l.queue
        and j.priority = l.priority
        and j.ready_key is not null
      order by j.scheduled_at
      limit 10000
    ) p
  ) c
  where l.keyed
  ) found
  group by found.queue
), active as (
  select l.queue,
         count(*) as running,
         count(*) filter (where j.started_at + make_interval(secs => coalesce(j.timeout_seconds, 300) + 60) < now()) as stuck
  from rowbeat.leases l
  cross join lateral unnest(l.job_ids) as claimed (id)
  -- The limit keeps this a look-up by id for each: the planner takes arrays for long and would join the whole table.
  cross join lateral (
    select r.started_at, r.timeout_seconds
    from rowbeat.scheduled_jobs r
    where r.id = claimed.id
      and r.lease_id = l.lease_id
      and r.status = 'running'
    limit 1
  ) j
  group by l.queue
)
select jsonb_build_object(
  'queues', (select coalesce(jsonb_agg(jsonb_build_object(
      'queue', w.queue,
      'pending', w.pending,
      'running', coalesce(a.running, 0),
      -- Within what every reader can count: the type also holds times without end.
      'oldestReadySeconds', extract(epoch from now() - greatest(least(coalesce(w.first_due, now()), now()), '1970-01-01 00:00:00+00')))
      order by w.queue), '[]')
    from waiting w left join active a on a.queue = w.queue),
  'stuck', (select coalesce(sum(a.stuck), 0) from active a),
  'executions', (select coalesce(jsonb_agg(jsonb_build_object(
      'workflowType', e.workflow_type, 'status', e.status, 'count', e.count)), '[]')
    from (select workflow_type, status, count(*) as count
          from rowbeat.workflow_executions
          where status in ('pending', 'running')
          group by workflow_type, status) e),
  'pollers', (select coalesce(jsonb_agg(jsonb_build_object(
      'pollerId', p.poller_id, 'name', p.name, 'status', p.status, 'running', p.running, 'beatAt', p.beat_at,
      'ageSeconds', extract(epoch from clock_timestamp() - p.beat_at)) order by p.started_at), '[]')
    from rowbeat.pollers p
    where p.status in ('live', 'draining')),
  'failedLastHour', (select count(*)
    from (select from rowbeat.scheduled_jobs j
          where j.failed_at is not null and j.failed_at > now() - interval '1 hour'
          order by j.failed_at desc
          limit 10000) f)
) as snapshot`,
  })
  const raw = rows[0]?.snapshot
  if (raw === undefined) throw new Error('the snapshot returned no row')
  return { ...raw, pollers: raw.pollers.map((one) => ({ ...one, beatAt: new Date(one.beatAt) })) }
}

type RawSnapshot = Omit<Snapshot, 'pollers'> & {
  readonly pollers: readonly (Omit<PollerReport, 'beatAt'> & { readonly beatAt: string })[]
}
