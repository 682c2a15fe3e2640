/** Pollers, their leases, and taking work back from those that died. */
import type pg from 'pg'
import { QUESTION_TIMEOUT_MS, type Queryable, transaction, within } from './database.ts'
import { type Advanced, advanceExecutions, lockExecutions } from './executions.ts'
import { POISON_DEATHS } from './suspects.ts'

export interface NewPoller {
  readonly pollerId: string
  readonly name: string
  readonly version: string
  readonly jobTypes: readonly string[]
  readonly concurrency: number
}

/** Adds a poller: a new row at every boot, and whenever a poller was declared lost. */
export async function registerPoller(db: Queryable, poller: NewPoller): Promise<void> {
  const statement = within(QUESTION_TIMEOUT_MS, {
    name: 'register_poller',
    text: `insert into rowbeat.pollers (poller_id, name, version, job_types, concurrency)
values ($1, $2, $3, $4, $5)`,
    values: [poller.pollerId, poller.name, poller.version, poller.jobTypes, poller.concurrency],
  })
  await db.query(statement)
}

/** Milliseconds that one heartbeat may take. */
const BEAT_TIMEOUT_MS = 3_000

export interface Beat {
  /** False when the poller was declared lost: its jobs were taken back. */
  readonly alive: boolean
  /** True when somebody asked it to claim nothing more and to hand back what it holds. */
  readonly draining: boolean
  /** Every lease the database knows of this poller, to find those whose claim's answer was lost on the way. */
  readonly leases: readonly string[]
}

/** One heartbeat. */
export async function beat(
  db: Queryable,
  pollerId: string,
  state: { readonly running: number; readonly listening: boolean },
): Promise<Beat> {
  // Less than others: there must be time for another try before the beat is too old.
  const statement = within(BEAT_TIMEOUT_MS, {
    name: 'beat',
    text: `update rowbeat.pollers
set beat_at = clock_timestamp(),
    running = $2,
    listening = $3
where poller_id = $1
  and status in ('live', 'draining')
returning status = 'draining' as draining, (
  -- Older than the longest statement: a claim that is still under way is not lost.
  select array_agg(l.lease_id)
  from rowbeat.leases l
  where l.poller_id = $1
    and l.claimed_at < clock_timestamp() - interval '40 seconds'
) as leases`,
    values: [pollerId, state.running, state.listening],
  })
  const { rows } = await db.query<{ draining: boolean; leases: string[] | null }>(statement)
  const row = rows[0]
  if (row === undefined) return { alive: false, draining: false, leases: [] }
  return { alive: true, draining: row.draining, leases: row.leases ?? [] }
}

/** Notes that a poller claims nothing more, or has ended cleanly. */
export async function markPoller(
  db: Queryable,
  pollerId: string,
  status: 'draining' | 'stopped',
): Promise<void> {
  const statement = within(QUESTION_TIMEOUT_MS, {
    name: 'mark_poller',
    text: `update rowbeat.pollers
set status = $2,
    running = case when $2 = 'stopped' then 0 else running end,
    ended_at = case when $2 = 'stopped' then clock_timestamp() end
where poller_id = $1
  and status in ('live', 'draining')`,
    values: [pollerId, status],
  })
  await db.query(statement)
}

/** Removes leases whose jobs are all settled. */
export async function endLeases(db: Queryable, leaseIds: readonly string[]): Promise<void> {
  await db.query({
    name: 'end_leases',
    text: 'delete from rowbeat.leases where lease_id = any ($1::uuid[])',
    values: [leaseIds],
  })
}

/**
 * Hands back every job of these leases that is still running, as if it had not been claimed, and ends the
 * leases. For claims whose answer never arrived.
 * @returns how many jobs were handed back.
 */
export async function releaseLeases(db: Queryable, leaseIds: readonly string[]): Promise<number> {
  const { rowCount } = await db.query({
    name: 'release_leases',
    text: `with ended as (
  delete from rowbeat.leases where lease_id = any ($1::uuid[]) returning lease_id, job_ids
), mine as materialized (
  select j.id
  from ended e
  cross join lateral unnest(e.job_ids) as claimed (id)
  join rowbeat.scheduled_jobs j on j.id = claimed.id and j.lease_id = e.lease_id
  where j.status = 'running'
  order by j.id
  for no key update of j
)
update rowbeat.scheduled_jobs j
set status = 'pending',
    lease_id = null,
    updated_at = now()
from mine
where j.id = mine.id
returning j.id`,
    values: [leaseIds],
  })
  return rowCount ?? 0
}

/** Seconds without a beat after which a poller is dead. */
export const BEAT_TTL_SECONDS = 10

export interface Reaped {
  readonly pollers: number
  /** Jobs that are pending again. */
  readonly retried: number
  /** Jobs that failed with POISON. */
  readonly failed: number
  /** What became of the executions whose steps were taken back. */
  readonly advanced: readonly Advanced[]
}

/** Most leases taken back in one transaction. */
const REAP_BATCH = 50

/**
 * Takes back the jobs of pollers whose beat is older than `ttlSeconds`: they are pending again as POLLER_LOST and
 * remembered as having been there (suspects.ts). It costs none of them a retry, but for the suspect that ran alone, which
 * fails with POISON at the second time. A poller stays on the list until all its leases are gone, so a reaper that dies
 * half-way is continued by the next.
 */
export async function reapDeadPollers(pool: pg.Pool, ttlSeconds: number = BEAT_TTL_SECONDS): Promise<Reaped> {
  return transaction(pool, async (client) => {
    const dead = await client.query<{ poller_id: string }>({
      name: 'mark_lost_pollers',
      // A poller that beats at this moment waits for us, and then learns that it is lost.
      text: `update rowbeat.pollers p
set status = 'lost',
    ended_at = coalesce(p.ended_at, clock_timestamp())
where p.poller_id in (
  select d.poller_id
  from rowbeat.pollers d
  where (d.status in ('live', 'draining') and d.beat_at < clock_timestamp() - make_interval(secs => $1))
     or (d.status in ('lost', 'stopped') and exists (select from rowbeat.leases l where l.poller_id = d.poller_id))
  order by d.poller_id
  limit 100
  for no key update skip locked
)
returning p.poller_id`,
      values: [ttlSeconds],
    })
    const pollerIds = dead.rows.map((row) => row.poller_id)
    if (pollerIds.length === 0) return { pollers: 0, retried: 0, failed: 0, advanced: [] }
    const taken = await client.query<{ lease_id: string }>({
      name: 'take_leases',
      text: `select l.lease_id
from rowbeat.leases l
where l.poller_id = any ($1::uuid[])
order by l.lease_id
limit ${REAP_BATCH}
for update`,
      values: [pollerIds],
    })
    const result = await takeBack(
      client,
      taken.rows.map((row) => row.lease_id),
    )
    return { pollers: pollerIds.length, ...result }
  })
}

const LOST = 'The poller that ran this attempt stopped beating'
const POISONED = `Its poller died while it was the one suspect that ran there, ${POISON_DEATHS} times`

/**
 * The running jobs of leases: pending again, or failed where it is proven that pollers die of them. Who was marked as
 * running alone under this very lease is charged; a mark of an earlier attempt means nothing.
 */
const TAKE_BACK_TEXT = `with mine as materialized (
  select j.id, j.poller_id, coalesce(s.deaths, 0) + 1 as deaths,
         coalesce(s.alone_lease = j.lease_id, false) as alone,
         coalesce(s.alone_lease = j.lease_id and s.alone_deaths + 1 >= ${POISON_DEATHS}, false) as poison
  from rowbeat.leases l
  cross join lateral unnest(l.job_ids) as claimed (id)
  join rowbeat.scheduled_jobs j on j.id = claimed.id and j.lease_id = l.lease_id
  left join rowbeat.suspects s on s.job_id = j.id
  where l.lease_id = any ($1::uuid[])
    and j.status = 'running'
  order by j.id
  for no key update of j
), noted as (
  insert into rowbeat.suspects as s (job_id, deaths, alone_deaths, last_poller)
  select m.id, 1, m.alone::integer, m.poller_id
  from mine m
  on conflict (job_id) do update
  set deaths = s.deaths + 1,
      alone_deaths = s.alone_deaths + excluded.alone_deaths,
      alone_lease = null,
      alone_since = null,
      last_death_at = excluded.last_death_at,
      last_poller = excluded.last_poller
)
update rowbeat.scheduled_jobs j
set status = case when m.poison then 'failed' else 'pending' end,
    -- Spread over a few seconds, so that what killed one poller does not meet the next all at once.
    scheduled_at = case when m.poison then j.scheduled_at
                        else now() + make_interval(secs => 2 ^ least(m.deaths - 1, 5) * (0.5 + random() / 2)) end,
    retry_count = least(j.retry_count + m.alone::integer, j.max_retries),
    lease_id = null,
    last_error_code = case when m.poison then 'POISON' else 'POLLER_LOST' end,
    last_error = case when m.poison then $3 else $2 end,
    errors = case when jsonb_array_length(j.errors) >= 20 then j.errors - 0 else coalesce(j.errors, '[]') end
      || jsonb_build_array(jsonb_build_object('attempt', j.attempt, 'at', now(), 'started_at', j.started_at,
           'code', case when m.poison then 'POISON' else 'POLLER_LOST' end,
           'message', case when m.poison then $3 else $2 end, 'poller_id', j.poller_id)),
    finished_at = case when m.poison then now() end,
    updated_at = now()
from mine m
where j.id = m.id
returning j.status`

/** Takes back the running jobs of leases that nobody holds any more, and ends the leases. */
async function takeBack(
  client: pg.PoolClient,
  leaseIds: readonly string[],
): Promise<Omit<Reaped, 'pollers'>> {
  const parents = await client.query<{ parent_execution_id: string }>({
    name: 'parents_of_leases',
    text: `select distinct j.parent_execution_id
from rowbeat.leases l
cross join lateral unnest(l.job_ids) as claimed (id)
join rowbeat.scheduled_jobs j on j.id = claimed.id and j.lease_id = l.lease_id
where l.lease_id = any ($1::uuid[])
  and j.parent_execution_id is not null
  and j.status = 'running'`,
    values: [leaseIds],
  })
  const executionIds = parents.rows.map((row) => row.parent_execution_id)
  if (executionIds.length > 0) await lockExecutions(client, executionIds)
  const ended = await client.query<{ status: string }>({
    name: 'take_back',
    text: TAKE_BACK_TEXT,
    values: [leaseIds, LOST, POISONED],
  })
  await endLeases(client, leaseIds)
  const advanced = executionIds.length === 0 ? [] : await advanceExecutions(client, executionIds)
  return {
    retried: ended.rows.filter((row) => row.status === 'pending').length,
    failed: ended.rows.filter((row) => row.status === 'failed').length,
    advanced,
  }
}

/** Forgets pollers that ended more than a day ago. */
export async function trimPollers(db: Queryable): Promise<void> {
  await db.query({
    name: 'trim_pollers',
    text: `delete from rowbeat.pollers p
where p.status in ('stopped', 'lost')
  and p.ended_at < now() - interval '1 day'
  and not exists (select from rowbeat.leases l where l.poller_id = p.poller_id)`,
  })
}
