/** Looking for due jobs: what a poller's beliefs about the lanes are built on. */
import { type ClaimLane, IS_LIMITED, IS_PAUSED } from './claims.ts'
import { type Queryable, within } from './database.ts'

export interface LaneView extends ClaimLane {
  /** True when its queue has a limit that counts for these jobs. */
  readonly limited: boolean
  /** When its first pending job that this poller can run is due, seconds since epoch; null: none. */
  readonly firstDueAt: number | null
  /** The same among those not due yet; only for keyed jobs, whose first one may be held back by its key. */
  readonly laterDueAt: number | null
}

export interface Look {
  readonly lanes: readonly LaneView[]
  /** The database's clock, seconds since epoch. */
  readonly now: number
}

/**
 * A look whose answer is this late is given up, ms. More than for other questions: one over a cold table may be slow,
 * and without its answer no lane is known.
 */
const LOOK_TIMEOUT_MS = 8_000

const RATED = `rated as (
  select r.job_type from rowbeat.job_type_rates r where r.job_type = any ($1)
)`

const SEEN_KEYED = `
  select l.queue, l.priority, true as keyed, r.job_type as rated_type, first.scheduled_at as first_due,
         later.scheduled_at as later_due
  from rowbeat.lanes l
  cross join (select null::text as job_type union all select rated.job_type from rated) r
  left join lateral (
    select j.scheduled_at
    from rowbeat.scheduled_jobs j
    where j.queue = l.queue
      and j.priority = l.priority
      and j.ready_key is not null
      and j.job_type = any ($1)
    order by j.scheduled_at
    limit 1
  ) first on true
  left join lateral (
    select j.scheduled_at
    from rowbeat.scheduled_jobs j
    where j.queue = l.queue
      and j.priority = l.priority
      and j.ready_key is not null
      and j.scheduled_at > now()
      and j.job_type = any ($1)
    order by j.scheduled_at
    limit 1
  ) later on true
  where l.keyed`

/** Of the lanes `seen`, those that are not paused; one row of nulls when there is none, for the clock. */
const VIEWS = `
select s.queue, s.priority, s.keyed, s.rated_type,
       coalesce(${IS_LIMITED} or (s.keyed and q.max_per_key is not null), false) as limited,
       date_part('epoch', s.first_due), date_part('epoch', s.later_due), date_part('epoch', now())
from (select 1) always
left join (seen s left join rowbeat.queues q on q.name = s.queue)
  on not coalesce(${IS_PAUSED}, false)
order by s.priority desc, s.queue, s.keyed, s.rated_type nulls first`

/**
 * Looks at every lane: which hold a pending job that this poller can run, and when it is due. Lanes of paused queues
 * are left out. Walks the order indexes from lane to lane and starts at the floors, so its cost follows the number of
 * lanes, not of jobs.
 */
export function look(db: Queryable, jobTypes: readonly string[]): Promise<Look> {
  return ask(db, jobTypes, {
    name: 'look',
    text: `with ${RATED}, seen_plain as (
  select l.queue, l.priority, l.floor_at as begins_at, first.scheduled_at, first.id
  from rowbeat.lanes l
  left join lateral (
    select j.scheduled_at, j.id
    from rowbeat.scheduled_jobs j
    where j.queue = l.queue
      and j.priority = l.priority
      and j.concurrency_key is null
      and j.scheduled_at >= l.floor_at
      and j.status = 'pending'
      and j.job_type = any (array(
        select known.job_type
        from unnest($1::text[]) as known (job_type)
        where not exists (select from rated r where r.job_type = known.job_type)))
    order by j.scheduled_at, j.id
    limit 1
  ) first on true
  where not l.keyed
), seen as (
  select queue, priority, false as keyed, null::text as rated_type, scheduled_at as first_due,
         null::timestamptz as later_due
  from seen_plain
  union all
  -- No further than the first job without a rate: those behind it have to wait for it anyway, and the walk to them
  -- may be long.
  select l.queue, l.priority, false, r.job_type, first.scheduled_at, null::timestamptz
  from seen_plain l
  cross join rated r
  left join lateral (
    select j.scheduled_at
    from rowbeat.scheduled_jobs j
    where j.queue = l.queue
      and j.priority = l.priority
      and j.concurrency_key is null
      and j.scheduled_at >= l.begins_at
      and (j.scheduled_at, j.id) <= (coalesce(l.scheduled_at, 'infinity'), coalesce(l.id, 0))
      and j.status = 'pending'
      and j.job_type = r.job_type
    order by j.scheduled_at, j.id
    limit 1
  ) first on true
  union all${SEEN_KEYED}
)${VIEWS}`,
  })
}

/**
 * {@link look}, at the lanes of jobs with a concurrency key alone. These are in indexes that hold pending jobs only,
 * so it is cheap also where a busy lane of plain jobs makes the other look dear.
 */
export function lookForKeys(db: Queryable, jobTypes: readonly string[]): Promise<Look> {
  return ask(db, jobTypes, {
    name: 'look_for_keys',
    text: `with ${RATED}, seen as (${SEEN_KEYED}
)${VIEWS}`,
  })
}

async function ask(
  db: Queryable,
  jobTypes: readonly string[],
  question: { readonly name: string; readonly text: string },
): Promise<Look> {
  const statement = within(LOOK_TIMEOUT_MS, { ...question, values: [jobTypes], rowMode: 'array' as const })
  const { rows } = await db.query<LookRow>(statement)
  return { now: rows[0]?.[7] ?? 0, lanes: rows.flatMap(toView) }
}

type LookRow = [
  queue: string | null,
  priority: number | null,
  keyed: boolean,
  ratedType: string | null,
  limited: boolean,
  firstDueAt: number | null,
  laterDueAt: number | null,
  now: number,
]

function toView(row: LookRow): LaneView[] {
  const [queue, priority, keyed, ratedType, limited, firstDueAt, laterDueAt] = row
  if (queue === null || priority === null) return []
  return [{ queue, priority, keyed, ratedType, limited, firstDueAt, laterDueAt }]
}
