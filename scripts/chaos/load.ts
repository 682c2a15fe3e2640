/** The load: producers that add jobs and executions all the time and remember what was acknowledged. */
import type pg from 'pg'
import { connect } from '../../src/store/database.ts'
import { createExecution } from '../../src/store/executions.ts'
import { enqueueJobs } from '../../src/store/jobs.ts'
import { sendWake } from '../../src/store/listen.ts'
import { sleep } from './clock.ts'
import type { Random } from './random.ts'
import {
  type CoreModules,
  defineWork,
  JOB_TYPE,
  type Plan,
  RETRY,
  WALK_STEPS,
  type WalkInput,
} from './workload.ts'

export interface Acknowledged {
  /** Ids of jobs whose insertion was answered. */
  readonly jobs: Map<string, Plan>
  /** Executions whose creation was answered, with their input. */
  readonly executions: Map<string, WalkInput>
}

export interface Load {
  readonly acknowledged: Acknowledged
  /** Insertions that were answered with an error or not at all: they may or may not be there. */
  doubtful(): number
  /** Adds jobs now, besides the others; returns their ids. */
  add(
    plans: readonly Plan[],
    options?: { readonly queue?: string; readonly keys?: readonly string[] },
  ): Promise<string[]>
  plan(more?: Partial<Plan>): Plan
  stop(): Promise<void>
}

export interface LoadOptions {
  readonly url: string
  readonly core: CoreModules
  readonly random: Random
  /** Batches and executions per second, about. */
  readonly perSecond: number
  /** Share of jobs, 0..1, that work for seconds instead of milliseconds. */
  readonly longShare: number
}

const QUEUES = ['default', 'second'] as const
const PRIORITIES = [0, 0, 0, 5] as const
/** Nothing more is added beyond this, whatever the time. */
const JOBS_MAX = 20_000

/** Starts adding work until stopped. Its own connections lead straight to the server. */
export function startLoad(options: LoadOptions): Load {
  const { random } = options
  const connections = connect({ url: options.url, max: 4, applicationName: 'rowbeat chaos load' })
  const { walk } = defineWork(options.core, null)
  const acknowledged: Acknowledged = { jobs: new Map(), executions: new Map() }
  let doubtful = 0
  let numbered = 0
  let stopped = false

  const plan = (more: Partial<Plan> = {}): Plan => {
    numbered += 1
    return { ...drawPlan(random, options.longShare), ...more, key: `k${numbered}` }
  }
  const insert = async (
    plans: readonly Plan[],
    queue: string,
    priority: number,
    keys: readonly string[] = [],
  ): Promise<string[]> => {
    const ids = await enqueueJobs(
      connections.pool,
      plans.map((one) => ({
        ...(keys.length === 0 ? {} : { concurrencyKey: random.pick(keys) }),
        jobType: JOB_TYPE,
        payload: one,
        queue,
        priority,
        maxRetries: one.end === 'hopeless' ? 2 : RETRY.delays.length,
        ...(random.chance(0.1) ? { scheduledAt: new Date(Date.now() + random.int(500, 3_000)) } : {}),
      })),
    )
    const known = ids.filter((id) => id !== null)
    for (const [at, id] of known.entries()) {
      const given = plans[at]
      if (given !== undefined) acknowledged.jobs.set(id, given)
    }
    return known
  }
  const walkOnce = async (): Promise<void> => {
    numbered += 1
    const subject = `s${numbered}`
    const input: WalkInput = {
      subject,
      plans: Object.fromEntries(WALK_STEPS.map((step) => [step, { ...plan(), ...drawStep(random) }])),
    }
    const { executionId } = await createExecution(connections.pool, { workflow: walk, input })
    acknowledged.executions.set(executionId, input)
    await wake(connections.pool, 'default', 0)
  }
  const once = async (): Promise<void> => {
    if (random.chance(0.25)) return walkOnce()
    const queue = random.pick(QUEUES)
    const priority = random.pick(PRIORITIES)
    await insert(
      Array.from({ length: random.int(1, 8) }, () => plan()),
      queue,
      priority,
    )
    if (random.chance(0.7)) await wake(connections.pool, queue, priority)
  }
  const run = async (): Promise<void> => {
    while (!stopped && acknowledged.jobs.size < JOBS_MAX) {
      try {
        await once()
      } catch {
        // The database is away: the client of a real system would be told, and this one counts.
        doubtful += 1
      }
      await sleep((1_000 / options.perSecond) * (0.5 + random.next()))
    }
  }
  const running = run()
  return {
    acknowledged,
    doubtful: () => doubtful,
    add: (plans, more) => insert(plans, more?.queue ?? 'default', 0, more?.keys),
    plan,
    stop: async () => {
      stopped = true
      await running
      await connections.close()
    },
  }
}

async function wake(pool: pg.Pool, queue: string, priority: number): Promise<void> {
  await sendWake(pool, { queue, priority, dueAt: null })
}

const ENDS = ['plain', 'plain', 'plain', 'plain', 'result', 'result', 'skip', 'fatal', 'hopeless'] as const

function drawPlan(random: Random, longShare: number): Omit<Plan, 'key'> {
  return {
    ms: random.chance(longShare) ? random.int(1_000, 4_000) : random.int(0, 60),
    snoozes: random.chance(0.08) ? 1 : 0,
    failures: random.chance(0.15) ? random.int(1, 2) : 0,
    end: random.pick(ENDS),
  }
}

/** Steps fail for good more seldom, or no execution would get to its end. */
function drawStep(random: Random): Pick<Plan, 'end'> {
  return { end: random.chance(0.08) ? 'fatal' : random.chance(0.5) ? 'result' : 'plain' }
}

/** An execution in which nothing goes wrong by plan. */
export function quietWalk(subject: string): WalkInput {
  const quiet: Omit<Plan, 'key'> = { ms: 5, snoozes: 0, failures: 0, end: 'result' }
  return {
    subject,
    plans: Object.fromEntries(WALK_STEPS.map((step) => [step, { ...quiet, key: `${subject} ${step}` }])),
  }
}
