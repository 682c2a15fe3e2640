/** People with psql. */
import type pg from 'pg'
import { sleep, waitFor } from '../clock.ts'
import { HAND, isHand } from '../hand.ts'
import { type History, isGuarded } from '../history.ts'
import { withClient } from '../ledger.ts'
import type { Problem, Scenario, Stage } from '../scenario.ts'

const JOBS = 'rowbeat.scheduled_jobs'

/** What a person types who has not read the manual; `$1` is the id. */
const EDITS: readonly string[] = [
  `update ${JOBS} set status = 'pending' where id = $1`,
  `update ${JOBS} set status = 'completed' where id = $1`,
  `update ${JOBS} set status = 'completed', finished_at = now() where id = $1`,
  `update ${JOBS} set status = 'cancelled', finished_at = now() where id = $1`,
  `update ${JOBS} set status = 'failed', finished_at = now(), lease_id = null where id = $1`,
  `update ${JOBS} set status = 'pending', lease_id = null, started_at = null where id = $1`,
  `update ${JOBS} set status = 'running' where id = $1`,
  `update ${JOBS} set priority = 50 where id = $1`,
  `update ${JOBS} set queue = 'by_hand' where id = $1`,
  `update ${JOBS} set scheduled_at = now() - interval '1 hour' where id = $1`,
  `update ${JOBS} set scheduled_at = now() + interval '2 seconds' where id = $1`,
  `delete from ${JOBS} where id = $1`,
]

const EXECUTION_EDITS: readonly string[] = [
  `update rowbeat.workflow_executions set status = 'cancelled' where execution_id = $1`,
  `update rowbeat.workflow_executions set status = 'cancelled', end_time = now() where execution_id = $1`,
  `update rowbeat.workflow_executions set status = 'completed', end_time = now() where execution_id = $1`,
  `delete from rowbeat.workflow_executions where execution_id = $1`,
]

const FIND_JOB = `select id from ${JOBS}
  where status = any ($1) and job_type like any ($2)
  order by md5(id::text || $3) limit 1`
const FIND_EXECUTION = `select execution_id as id from rowbeat.workflow_executions
  where status = any ($1) order by md5(execution_id::text || $2) limit 1`

export const handEdits: Scenario = {
  name: 'hand-edits',
  guarantee:
    'An UPDATE or DELETE by hand on running work is a legal move that fences whoever runs it, or is refused with a hint.',
  load: { perSecond: 10, longShare: 0.3 },
  run: async (stage) => {
    const told = { made: 0, refused: 0, withoutHint: 0 }
    const guarded = await isGuarded(stage.url)
    await withClient(
      stage.url,
      async (client) => {
        do {
          const isExecution = guarded && stage.random.chance(0.2)
          const id = await find(stage, client, isExecution, guarded)
          const edit = stage.random.pick(isExecution ? EXECUTION_EDITS : EDITS)
          if (id !== null) await tryEdit(stage, client, edit, id, told)
          await sleep(stage.random.int(20, 200))
        } while (stage.leftMs() > 0)
      },
      HAND,
    )
    if (!guarded) stage.fact('the tables are not guarded: steps and executions were left alone')
    else if (told.withoutHint > 0)
      stage.problem(
        'refusals name what to use',
        `${told.withoutHint} of ${told.refused} refusals had no hint`,
      )
    stage.fact(`${told.made} edits made, ${told.refused} refused, ${told.withoutHint} of them without a hint`)
  },
  inspect: ({ history }) => (history.guarded ? checkFollowing(history) : []),
}

/** Steps may be claimed at the very moment in which their execution is closed. */
const CROSSING_MS = 2_000

/** What must follow from an edit of an execution: its steps end with it. */
export function checkFollowing(history: History): Problem[] {
  const present = new Set(history.executions.map((one) => one.id))
  const executionOf = new Map(history.jobs.map((job) => [job.id, job.executionId]))
  const closedMs = new Map(
    history.executionMoves.filter((move) => isHand(move)).map((move) => [move.executionId, move.atMs]),
  )
  const orphans = history.jobs
    .filter((job) => job.executionId !== null && !present.has(job.executionId))
    .map((job) => `job ${job.id} (${job.step}) is a step of no execution`)
  const late = history.jobMoves
    .filter((move) => move.to === 'running')
    .filter((move) => move.atMs > (closedMs.get(executionOf.get(move.jobId) ?? '') ?? Infinity) + CROSSING_MS)
    .map((move) => `job ${move.jobId} was claimed after its execution was ended by hand`)
  return [...orphans, ...late].map((row) => ({ check: 'what follows from an edit is done', row }))
}

async function find(
  stage: Stage,
  client: pg.Client,
  isExecution: boolean,
  guarded: boolean,
): Promise<string | null> {
  const salt = String(stage.random.int(0, 1_000_000))
  if (isExecution) {
    const { rows } = await client.query<{ id: string }>(FIND_EXECUTION, [['pending', 'running'], salt])
    return rows[0]?.id ?? null
  }
  const statuses = stage.random.chance(0.75) ? ['running'] : ['waiting', 'pending', 'completed', 'failed']
  const types = !guarded || stage.random.chance(0.6) ? ['chaos%'] : ['walk%']
  const { rows } = await client.query<{ id: string }>(FIND_JOB, [statuses, types, salt])
  return rows[0]?.id ?? null
}

async function tryEdit(
  stage: Stage,
  client: pg.Client,
  edit: string,
  id: string,
  told: { made: number; refused: number; withoutHint: number },
): Promise<void> {
  const text = edit.replace('$1', id.includes('-') ? `'${id}'` : id)
  try {
    const { rowCount } = await client.query(text)
    told.made += rowCount ?? 0
    stage.fault(`${text}: ${rowCount} rows`)
  } catch (error) {
    const hint = typeof error === 'object' && error !== null && 'hint' in error ? error.hint : undefined
    told.refused += 1
    if (hint === undefined) told.withoutHint += 1
    stage.fault(`${text}: refused: ${error instanceof Error ? error.message : String(error)}`)
  }
}

export const rowsHeld: Scenario = {
  name: 'rows-held',
  guarantee:
    'An idle transaction that holds job and execution rows locked stops those jobs, and others for 30 s at most.',
  load: { perSecond: 8, longShare: 0.1 },
  run: async (stage) => {
    do {
      const ms = stage.random.pick([4_000, 12_000, 40_000])
      await withClient(stage.url, async (client) => {
        await client.query('begin')
        const jobs = await client.query(
          `select id from ${JOBS} where status = 'running' order by id for update skip locked`,
        )
        const executions = await client.query(
          `select execution_id from rowbeat.workflow_executions
           where status = 'running' order by execution_id limit 2 for update skip locked`,
        )
        stage.fault(
          `an idle transaction holds ${jobs.rowCount} jobs and ${executions.rowCount} executions for ${ms} ms`,
        )
        await othersProgress(stage, ms)
        await client.query('rollback')
      })
      stage.fault('the transaction has ended')
      await sleep(stage.random.int(500, 3_000))
    } while (stage.leftMs() > 0)
  },
}

/** Both writes of a poller may wait for held rows until the time limit of a statement, one a little after the other. */
const AROUND_MS = 30_000

/** While rows are held, jobs that have nothing to do with them must still run. */
async function othersProgress(stage: Stage, ms: number): Promise<void> {
  const begun = performance.now()
  // Of each kind of settlement: with and without a result.
  const plans = Array.from({ length: 8 }, (_, at) =>
    stage.load.plan({ ms: 0, snoozes: 0, failures: 0, end: at % 2 === 0 ? 'plain' : 'result' }),
  )
  const ids = await stage.load.add(plans)
  const done = await waitFor(
    async () =>
      withClient(stage.url, async (client) => {
        const { rows } = await client.query(
          `select id from ${JOBS} where id = any ($1) and finished_at is null`,
          [ids],
        )
        return rows.length === 0
      }),
    Math.min(ms, AROUND_MS),
    100,
  )
  const took = ((performance.now() - begun) / 1_000).toFixed(1)
  stage.fact(
    done ? `other jobs ended ${took} s after they were added` : `other jobs had not ended after ${took} s`,
  )
  if (!done && ms > AROUND_MS)
    stage.problem('held rows stop nobody else', `other jobs waited for the rows to be free (${took} s)`)
  await sleep(Math.max(0, ms - (performance.now() - begun)))
}
