/** The table of a system that has been in use for years: finished rows behind, future rows ahead. */
import type pg from 'pg'
import { connect } from '../../src/store/database.ts'
import { raiseClaimFloors } from '../../src/store/floors.ts'
import type { Sizes } from './options.ts'
import { withClient } from './server.ts'
import { JOB_TYPE, rowbeat } from './systems/rowbeat.ts'

const BATCH = 500_000

/** Makes Rowbeat's tables in an empty database and fills them. Ten million rows take some minutes. */
export async function fillTable(url: string, sizes: Sizes, say: (line: string) => void): Promise<void> {
  await rowbeat.prepare(url)
  await withClient(url, async (client) => {
    for (let from = 0; from < sizes.finishedRows; from += BATCH) {
      await addFinished(client, from, Math.min(BATCH, sizes.finishedRows - from), sizes.finishedRows)
      say(`  filling: ${Math.min(sizes.finishedRows, from + BATCH)} of ${sizes.finishedRows} finished rows`)
    }
    for (let from = 0; from < sizes.futureRows; from += BATCH) {
      await addFuture(client, from, Math.min(BATCH, sizes.futureRows - from))
    }
    await client.query('vacuum (analyze) rowbeat.scheduled_jobs')
  })
  await raiseFloors(url)
}

/** Spread over the last 90 days, the newest an hour old. */
async function addFinished(client: pg.Client, from: number, count: number, of: number): Promise<void> {
  await client.query(
    `insert into rowbeat.scheduled_jobs
  (job_type, status, scheduled_at, created_at, updated_at, started_at, finished_at, attempt, lease_id, poller_id)
select $1, 'completed', due.at, due.at, due.at, due.at, due.at, 1, given.lease_id, given.poller_id
from (select gen_random_uuid() as lease_id, gen_random_uuid() as poller_id) given
cross join generate_series($2::bigint, $2::bigint + $3::bigint - 1) as n
cross join lateral (
  select now() - interval '1 hour' - interval '90 days' * (1 - (n + 1)::double precision / $4::double precision) as at
) due`,
    [JOB_TYPE, from, count, of],
  )
}

/** One a second from tomorrow on. */
async function addFuture(client: pg.Client, from: number, count: number): Promise<void> {
  await client.query(
    `insert into rowbeat.scheduled_jobs (job_type, scheduled_at)
select $1, now() + interval '1 day' + n * interval '1 second'
from generate_series($2::bigint, $2::bigint + $3::bigint - 1) as n`,
    [JOB_TYPE, from, count],
  )
}

/** What the upkeep of a running poller had done long ago: the first pass notes the queue, later ones move its floor. */
async function raiseFloors(url: string): Promise<void> {
  const connections = connect({ url, max: 1, applicationName: 'rowbeat-bench-floors' })
  try {
    for (let pass = 0; pass < 4; pass++) await raiseClaimFloors(connections.pool)
  } finally {
    await connections.close()
  }
}
