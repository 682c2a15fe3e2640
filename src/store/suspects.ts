/**
 * Jobs that ran on pollers that were lost. A process may die of one job or of none, and what ran beside is innocent:
 * so being there charges nobody, and only what runs as the one suspect of its poller can be to blame.
 */
import { QUESTION_TIMEOUT_MS, type Queryable, within } from './database.ts'

/**
 * Lost pollers from which on a job is a suspect. After the first alone nothing is known: a killed process, a machine
 * that is gone or a lost network had hundreds of jobs, and to run those one by one would be an outage of its own.
 * Also written in functions/doctor.sql and functions/explain_job.sql.
 */
export const SUSPECT_DEATHS = 2

/**
 * Deaths in the slot for suspects after which a job fails with POISON. One may be chance (a deployment that kills);
 * and on the second attempt nothing else runs on its poller, so nothing else can be to blame.
 */
export const POISON_DEATHS = 2

/** The deaths in the slot for suspects of those of the jobs that are suspects. */
export async function readSuspects(
  db: Queryable,
  jobIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const question = within(QUESTION_TIMEOUT_MS, {
    name: 'read_suspects',
    text: `select s.job_id, s.alone_deaths
from rowbeat.suspects s
where s.job_id = any ($1::bigint[])
  and s.deaths >= ${SUSPECT_DEATHS}`,
    values: [jobIds],
  })
  const { rows } = await db.query<{ job_id: string; alone_deaths: number }>(question)
  return new Map(rows.map((row) => [row.job_id, row.alone_deaths]))
}

/**
 * Notes that this attempt is begun as the one suspect of its poller; to be committed before the handler starts.
 * @returns false when the attempt is not ours any more: then it must not begin.
 */
export async function markAlone(
  db: Queryable,
  attempt: { readonly id: string; readonly leaseId: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    within(QUESTION_TIMEOUT_MS, {
      name: 'mark_alone',
      text: `insert into rowbeat.suspects (job_id, deaths, alone_lease, alone_since)
select j.id, ${SUSPECT_DEATHS}, j.lease_id, clock_timestamp()
from rowbeat.scheduled_jobs j
where j.id = $1
  and j.lease_id = $2
  and j.status = 'running'
on conflict (job_id) do update
set alone_lease = excluded.alone_lease,
    alone_since = excluded.alone_since`,
      values: [attempt.id, attempt.leaseId],
    }),
  )
  return rowCount === 1
}

/** Forgets jobs that have ended, and those that for a day no poller was lost with. */
export async function trimSuspects(db: Queryable): Promise<void> {
  await db.query({
    name: 'trim_suspects',
    // What somebody writes at this moment is left to the next pass: nobody waits for a trim.
    text: `delete from rowbeat.suspects s
where s.job_id in (
  select t.job_id
  from rowbeat.suspects t
  where t.last_death_at < now() - interval '1 day'
     or not exists (
       select from rowbeat.scheduled_jobs j
       where j.id = t.job_id and j.status in ('waiting', 'pending', 'running'))
  for update skip locked
)`,
  })
}
