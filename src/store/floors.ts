/**
 * The claim floors: per queue and priority, a time before which nothing is pending, so that a claim does not
 * walk over finished rows. They are about jobs without a concurrency key; keyed ones are in indexes that hold
 * pending jobs only.
 *
 * A floor may only pass what can never become pending unseen. A row inserted at clock time s has a scheduled_at
 * no older than s − 30 s, or a trigger notes it in `backdated_jobs` (functions/note_backdated_job.sql), which every
 * look reads beside the floor until it is taken in here. So a floor at t − 60 s is safe once every transaction that
 * was open at t has ended: rows written before t are visible or gone, rows written later are due after the floor.
 * `claim_horizon` holds such a t: it notes the time and a transaction id of then, and waits until the oldest running
 * transaction is younger.
 */
import type pg from 'pg'
import { transaction } from './database.ts'

/**
 * Moves every floor as far as it may go; one caller at a time, others return at once.
 * @returns false when another process is at it.
 */
export async function raiseClaimFloors(pool: pg.Pool): Promise<boolean> {
  return transaction(pool, async (client) => {
    // Taken before the statements below take their snapshots: each must see what the last pass wrote.
    const lock = await client.query<{ locked: boolean }>({
      name: 'lock_claim_floors',
      text: 'select pg_try_advisory_xact_lock(19047, 1) as locked',
    })
    if (lock.rows[0]?.locked !== true) return false
    await client.query({
      name: 'probe_horizon',
      // Our own id, for it is newer than all given out before. The xmax of a snapshot is not: it follows the newest
      // transaction that has ended, and the open ones beyond it would not be waited for.
      // An id beyond ours is of another cluster, from which this one was restored: waiting for it would stop the
      // floors for good. It says nothing about the transactions here, so a new probe is taken and the time stays.
      text: `update rowbeat.claim_horizon
set safe_at = case when probed_xid > pg_current_xact_id() then safe_at else probed_at end,
    probed_at = clock_timestamp(),
    probed_xid = pg_current_xact_id()
where pg_snapshot_xmin(pg_current_snapshot()) >= probed_xid
   or probed_xid > pg_current_xact_id()`,
    })
    await client.query({
      name: 'add_claim_floors',
      text: `insert into rowbeat.claim_floors (queue, priority)
select l.queue, l.priority from rowbeat.lanes l where not l.keyed
on conflict (queue, priority) do nothing`,
    })
    await client.query({
      name: 'take_in_backdated_jobs',
      // A note and its job become visible at once, so the next statement sees every job whose note is gone here.
      text: `with noted as (
  delete from rowbeat.backdated_jobs returning queue, priority, due_at
), lowest as (
  select n.queue, n.priority, min(n.due_at) as due_at
  from noted n
  group by n.queue, n.priority
)
update rowbeat.claim_floors f
set floor_at = l.due_at
from lowest l
where f.queue = l.queue
  and f.priority = l.priority
  and f.floor_at > l.due_at`,
    })
    await client.query({
      name: 'raise_claim_floors',
      text: `update rowbeat.claim_floors f
set floor_at = next.floor_at
from (
  select l.queue, l.priority,
         least(coalesce(first.scheduled_at, 'infinity'), h.safe_at - interval '60 seconds') as floor_at
  from rowbeat.claim_floors l
  cross join rowbeat.claim_horizon h
  left join lateral (
    select j.scheduled_at
    from rowbeat.scheduled_jobs j
    where j.queue = l.queue
      and j.priority = l.priority
      and j.concurrency_key is null
      and j.scheduled_at >= l.floor_at
      and j.scheduled_at < h.safe_at
      and j.status = 'pending'
    order by j.scheduled_at, j.id
    limit 1
  ) first on true
) next
where f.queue = next.queue
  and f.priority = next.priority
  and f.floor_at < next.floor_at`,
    })
    return true
  })
}
