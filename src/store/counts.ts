/** How attempts ended, counted per minute: the source of throughput, so that nothing counts finished jobs. */
import type { Queryable } from './database.ts'
import { jsonText } from './json.ts'

export interface OutcomeCount {
  readonly queue: string
  readonly jobType: string
  readonly outcome: string
  readonly n: number
}

/**
 * Adds to the counts of this minute. In the order of the key, as pollers that count at the same moment lock the
 * same rows.
 */
export async function addCounts(db: Queryable, counts: readonly OutcomeCount[]): Promise<void> {
  await db.query({
    name: 'add_counts',
    text: `insert into rowbeat.job_counts as c (minute, queue, job_type, outcome, n)
select date_trunc('minute', now()), g.queue, g.job_type, g.outcome, g.n
from jsonb_to_recordset($1::jsonb) as g (queue text, job_type text, outcome text, n bigint)
order by g.queue, g.job_type, g.outcome
on conflict (minute, queue, job_type, outcome) do update
  set n = c.n + excluded.n`,
    values: [
      jsonText(
        counts.map((one) => ({ queue: one.queue, job_type: one.jobType, outcome: one.outcome, n: one.n })),
      ),
    ],
  })
}

/** Forgets counts older than a week, some at a time. */
export async function trimCounts(db: Queryable): Promise<void> {
  await db.query({
    name: 'trim_counts',
    text: `delete from rowbeat.job_counts
where ctid = any (array(
  select c.ctid
  from rowbeat.job_counts c
  where c.minute < now() - interval '7 days'
  limit 10000
))`,
  })
}
