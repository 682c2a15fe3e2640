/**
 * The work that chaos runs: jobs and a workflow whose payload says in advance how they end. Built from the modules
 * of a chosen build, so that a daemon of an earlier version runs the same work with its own code.
 */
import type { Compute, JobContext, Outbound } from '../../src/core/ports.ts'
import type { JobDefinition, WorkflowDefinition } from '../../src/core/workflow.ts'
import type { Deed, Ledger } from './ledger.ts'

/** How a job is to end once it gets to. */
export type PlannedEnd = 'plain' | 'result' | 'skip' | 'fatal' | 'hopeless'

export interface Plan {
  /** Unique within a run. */
  readonly key: string
  /** Milliseconds of work. */
  readonly ms: number
  /** First attempts that snooze, and then that fail before one ends as planned. */
  readonly snoozes: number
  readonly failures: number
  readonly end: PlannedEnd
}

export interface WalkInput {
  readonly subject: string
  /** Plan of each step by its name. */
  readonly plans: Readonly<Record<string, Plan>>
}

export const JOB_TYPE = 'chaos_job'
export const WALK_STEPS = ['walk_a', 'walk_b', 'walk_c', 'walk_d', 'walk_e'] as const
export type WalkStep = (typeof WALK_STEPS)[number]

/** Retries of every chaos job: enough to outlive a storm of kills. */
export const RETRY = { delays: [0.2, 0.4, 0.8, 1.5, 2, 2, 2, 2, 2, 2, 2, 2] } as const

/** The modules of a build that a chaos daemon is made of. */
export interface CoreModules {
  readonly workflow: typeof import('../../src/core/workflow.ts')
  readonly outcome: typeof import('../../src/core/outcome.ts')
  readonly errors: typeof import('../../src/core/errors.ts')
}

export const NO_OUTBOUND: Outbound = {
  fetch: () => Promise.reject(new Error('chaos jobs make no requests')),
  isMapped: () => false,
}

export const NO_COMPUTE: Compute = {
  run: () => Promise.reject(new Error('chaos jobs compute nothing')),
}

/** Loads the modules of the build at `root`, a `file:` URL that ends with a slash. */
export async function loadCore(root: string): Promise<CoreModules> {
  const load = (path: string): Promise<unknown> => import(new URL(path, root).href)
  return {
    workflow: (await load('src/core/workflow.ts')) as CoreModules['workflow'],
    outcome: (await load('src/core/outcome.ts')) as CoreModules['outcome'],
    errors: (await load('src/core/errors.ts')) as CoreModules['errors'],
  }
}

/** Defines the work; `ledger` is null where nothing is run, only created. */
export function defineWork(
  core: CoreModules,
  ledger: Ledger | null,
): { readonly job: JobDefinition<Plan>; readonly walk: WorkflowDefinition<WalkInput> } {
  const { defineJob, defineWorkflow, step } = core.workflow
  const asGiven = <T>(): { parse(value: unknown): T } => ({ parse: (value) => value as T })
  const stepOf = (name: WalkStep, critical: boolean) => ({
    title: name,
    critical,
    retry: RETRY,
    timeout: 60,
    run: (context: JobContext<WalkInput>) => act(core, ledger, context, planOf(context.input, name)),
  })
  return {
    job: defineJob<Plan>({
      jobType: JOB_TYPE,
      input: asGiven<Plan>(),
      retry: RETRY,
      timeout: 60,
      run: (context) => act(core, ledger, context, context.input),
    }),
    walk: defineWorkflow<WalkInput>({
      name: 'chaos_walk',
      input: asGiven<WalkInput>(),
      subject: (input) => input.subject,
      maxDuration: 900,
      steps: {
        walk_a: step(stepOf('walk_a', true)),
        walk_b: step({ ...stepOf('walk_b', true), after: ['walk_a'] }),
        walk_c: step({ ...stepOf('walk_c', false), after: ['walk_a'] }),
        walk_d: step({ ...stepOf('walk_d', false), needs: ['walk_c'] }),
        walk_e: step({ ...stepOf('walk_e', false), after: ['walk_b', 'walk_d'] }),
      },
    }),
  }
}

function planOf(input: WalkInput, name: WalkStep): Plan {
  const plan = input.plans[name]
  if (plan === undefined) throw new Error(`the input holds no plan for ${name}`)
  return plan
}

async function act(
  core: CoreModules,
  ledger: Ledger | null,
  context: JobContext<unknown>,
  plan: Plan,
): Promise<{ key: string } | undefined> {
  const { jobId, attempt, signal } = context
  const note = async (deed: Deed): Promise<void> =>
    ledger?.note({ jobId, key: plan.key, attempt, deed }) ?? Promise.resolve()
  await note('begin')
  if (!(await work(plan.ms, signal, context))) {
    await note('stop')
    throw new core.errors.RowbeatError('POLLER_LOST', 'stopped as told')
  }
  const isSnooze = attempt <= plan.snoozes
  const isFailure = !isSnooze && (plan.end === 'hopeless' || attempt <= plan.snoozes + plan.failures)
  const fails = isFailure || plan.end === 'fatal'
  await note(isSnooze ? 'stop' : fails ? 'throw' : 'end')
  if (isSnooze) core.outcome.snooze(0.3)
  if (isFailure) throw new core.errors.RowbeatError('UPSTREAM_ERROR', 'fails as planned')
  if (plan.end === 'fatal') throw new core.errors.RowbeatError('INVALID_INPUT', 'fails for good as planned')
  if (plan.end === 'skip') core.outcome.skip('NO_CONTENT', 'skipped as planned')
  return plan.end === 'result' ? { key: plan.key } : undefined
}

/** Takes its time and reports progress; false as soon as the signal fires. */
async function work(ms: number, signal: AbortSignal, context: JobContext<unknown>): Promise<boolean> {
  const end = performance.now() + ms
  for (let left = ms; left > 0; left = end - performance.now()) {
    await pause(Math.min(left, 250), signal)
    if (signal.aborted) return false
    if (ms >= 500) context.progress({ done: Math.min(ms, ms - left), total: ms, unit: 'ms' })
  }
  return !signal.aborted
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
