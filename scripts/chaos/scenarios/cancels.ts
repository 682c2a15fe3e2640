/** People who cancel running work. */
import type pg from 'pg'
import { type Cancellation, checkCancellations, stopTimes } from '../checker-cancels.ts'
import { sleep } from '../clock.ts'
import { HAND } from '../hand.ts'
import { withClient } from '../ledger.ts'
import { createRandom, type Random } from '../random.ts'
import type { Scenario, Stage } from '../scenario.ts'
import { victims } from './kills.ts'

interface Notes {
  readonly cancellations: Cancellation[]
  /** When daemons were killed. */
  readonly goneMs: Map<string, number>
}

const notes = new WeakMap<Stage, Notes>()

/** Far more than two seconds of work, so that a signal that never fires is seen. */
const WORK_MS = [5_000, 9_000] as const

export const cancels: Scenario = {
  name: 'cancels',
  guarantee:
    'The handler of a running job that is cancelled is told within 2 s on whatever poller it runs, without LISTEN and while rows are held locked too.',
  load: { perSecond: 12, longShare: 0.1 },
  run: async (stage) => {
    const taken: Notes = { cancellations: [], goneMs: new Map() }
    notes.set(stage, taken)
    const lane = (purpose: string): Random => createRandom(stage.random.int(0, 2 ** 31), purpose)
    await Promise.all([
      cancelAgainAndAgain(stage, lane('cancels'), taken),
      deafenAndKill(stage, lane('others'), taken),
      holdRows(stage, lane('rows')),
    ])
    // The last ones have their two seconds too.
    await sleep(2_500)
  },
  inspect: ({ stage, history, effects }) => {
    const { cancellations, goneMs } = notes.get(stage) ?? { cancellations: [], goneMs: new Map() }
    const times = stopTimes(cancellations, effects)
    stage.fact(
      `${cancellations.length} running jobs cancelled; ${times.length} handlers stopped, half within ${Math.round(times[Math.floor(times.length / 2)] ?? 0)} ms, all within ${Math.round(times.at(-1) ?? 0)} ms`,
    )
    if (times.length === 0) stage.problem('faults happen', 'no handler was cancelled')
    return checkCancellations(cancellations, effects, history.jobs, goneMs)
  },
}

const RUNNING = `select id, attempt, parent_execution_id as "executionId"
  from rowbeat.scheduled_jobs
  where status = 'running' and started_at < clock_timestamp() - interval '200 milliseconds'
  order by md5(id::text || $1)
  for no key update skip locked
  limit 3`

async function cancelAgainAndAgain(stage: Stage, random: Random, taken: Notes): Promise<void> {
  await withClient(
    stage.url,
    async (client) => {
      while (stage.leftMs() > 0) {
        await stage.load.add(
          Array.from({ length: random.int(1, 4) }, () =>
            stage.load.plan({ ms: random.int(...WORK_MS), snoozes: 0, failures: 0, end: 'result' }),
          ),
        )
        await sleep(random.int(100, 900))
        await cancelSome(stage, client, random, taken)
      }
    },
    HAND,
  )
}

interface Running {
  readonly id: string
  readonly attempt: number
  readonly executionId: string | null
}

async function cancelSome(stage: Stage, client: pg.Client, random: Random, taken: Notes): Promise<void> {
  // Another may end it first, or hold it locked: then there is nothing to cancel.
  const { rows } = await client.query<Running>(RUNNING, [String(random.int(0, 1_000_000))])
  for (const job of rows) {
    const whole = job.executionId !== null && random.chance(0.5)
    const text = whole
      ? 'select job_id as id, old_status as was from rowbeat.cancel_execution($1, $2)'
      : 'select job_id as id, old_status as was from rowbeat.cancel_job($1, $2)'
    try {
      await client.query("set lock_timeout = '300ms'")
      const answer = await client.query<{ id: string; was: string }>(text, [
        whole ? job.executionId : job.id,
        'chaos',
      ])
      const atMs = Date.now()
      for (const { id, was } of answer.rows) {
        // Of the steps that end with an execution only the one that was found is known by its attempt.
        if (was === 'running' && id === job.id)
          taken.cancellations.push({ jobId: id, attempt: job.attempt, atMs })
      }
      stage.fault(`cancelled ${whole ? `execution ${job.executionId}` : `job ${job.id}`}`)
    } catch (error) {
      stage.fault(`not cancelled: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

async function deafenAndKill(stage: Stage, random: Random, taken: Notes): Promise<void> {
  while (stage.leftMs() > 0) {
    await sleep(Math.min(stage.leftMs(), random.int(500, 2_500)))
    if (random.chance(0.75)) {
      const { rowCount } = await withClient(stage.url, (client) =>
        client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and application_name = 'rowbeat-listen'`,
        ),
      )
      stage.fault(`terminated ${rowCount} connections that listen`)
      continue
    }
    const victim = random.pick(victims(stage))
    taken.goneMs.set(victim.name, Date.now())
    victim.end('SIGKILL')
    stage.fault(`kill -9 of ${victim.name}`)
    await stage.startDaemon()
  }
}

/** Somebody's open transaction: whoever reports progress of these jobs has to wait. */
async function holdRows(stage: Stage, random: Random): Promise<void> {
  while (stage.leftMs() > 0) {
    await sleep(Math.min(stage.leftMs(), random.int(500, 2_000)))
    const ms = random.int(3_000, 6_000)
    await withClient(stage.url, async (client) => {
      await client.query('begin')
      const jobs = await client.query(
        `select from rowbeat.scheduled_jobs where status = 'running' order by id desc limit 2
         for update skip locked`,
      )
      const executions = await client.query(
        `select from rowbeat.workflow_executions where status = 'running' order by execution_id desc limit 1
         for update skip locked`,
      )
      stage.fault(`held ${jobs.rowCount} jobs and ${executions.rowCount} executions for ${ms} ms`)
      await sleep(Math.max(0, Math.min(ms, stage.leftMs())))
      await client.query('rollback')
    })
  }
}
