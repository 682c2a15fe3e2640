/**
 * What users' code does by accident: handlers that return, report and throw things that cannot be read, that leave
 * rejections behind, and that end their process. Each kind says how its job is to end.
 */
import type { JobContext } from '../../src/core/ports.ts'
import type { JobDefinition, JsonValue } from '../../src/core/workflow.ts'
import { POISON_DEATHS } from '../../src/store/suspects.ts'
import type { Ledger } from './ledger.ts'
import type { CoreModules } from './workload.ts'

export const CULPRIT_TYPE = 'chaos_culprit'

/** Retries of every culprit. */
export const CULPRIT_RETRY = { delays: [0.2, 0.4, 0.8] } as const
const RETRIES = CULPRIT_RETRY.delays.length

/** The code a process ends with that a handler ends by `process.exit`. */
export const EXIT_OF_POISON = 7

/** What is thrown or rejected where nobody waits for it. */
export const STRAY_MESSAGE = 'left behind as planned'

export interface CulpritPlan {
  /** Unique within a run. */
  readonly key: string
  readonly kind: string
}

/** How a culprit ends. */
export interface CulpritEnd {
  readonly status: 'completed' | 'failed'
  readonly code: string | null
  /** What its own throws and deaths are charged. */
  readonly retries: readonly [least: number, most: number]
}

interface Kind {
  readonly end: CulpritEnd
  readonly run: (context: JobContext<CulpritPlan>, core: CoreModules) => unknown
}

const boom = (): never => {
  throw new Error('Invalid time value')
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function circle(): object {
  const ring: { self?: object } = {}
  ring.self = ring
  return ring
}

const COMPLETED: CulpritEnd = { status: 'completed', code: null, retries: [0, 0] }
const atOnce = (code: string): CulpritEnd => ({ status: 'failed', code, retries: [0, 0] })
const usedUp = (code: string): CulpritEnd => ({ status: 'failed', code, retries: [RETRIES, RETRIES] })

const returns = (make: () => unknown, code = 'INVALID_RESULT'): Kind => ({ end: atOnce(code), run: make })
const throws = (make: () => unknown, code = 'UNHANDLED_ERROR'): Kind => ({
  end: usedUp(code),
  run: () => {
    throw make()
  },
})
const reports = (make: () => unknown): Kind => ({
  end: COMPLETED,
  run: async ({ progress }) => {
    for (const done of [1, 2]) progress({ done, total: 2, unit: 'ms', message: make() as string })
    await pause(1_200)
  },
})

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const MIB = 2 ** 20

/** Kinds that hurt nobody but themselves. */
const HARMLESS: Readonly<Record<string, Kind>> = {
  result_to_json: returns(() => ({ when: { toJSON: boom } })),
  result_getter: returns(() => Object.defineProperty({}, 'x', { enumerable: true, get: boom })),
  result_proxy: returns(() => ({ x: new Proxy({}, { ownKeys: boom }) })),
  result_revoked: returns(() => ({ x: revoked() })),
  result_bigint: returns(() => ({ n: 10n })),
  result_circle: returns(circle),
  result_large: returns(() => 'x'.repeat(2 * MIB), 'RESULT_TOO_LARGE'),
  throws_plain: throws(() => new Error('smtp said no')),
  throws_refused: throws(() =>
    Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:25'), { code: 'ECONNREFUSED' }),
  ),
  throws_message: throws(() => Object.defineProperty(new Error('x'), 'message', { get: boom })),
  throws_code: throws(() => Object.defineProperty(new Error('x'), 'code', { get: boom })),
  throws_revoked: throws(revoked),
  throws_null: throws(() => null),
  throws_symbol: throws(() => Symbol('s')),
  recovers: {
    // None when the first attempt was lost with its process.
    end: { ...COMPLETED, retries: [0, 1] },
    run: ({ attempt }) => {
      if (attempt === 1) throw new Error('smtp said not yet')
    },
  },
  fails: {
    end: usedUp('MAILBOX_FULL'),
    run: (_context, core) => core.outcome.fail('MAILBOX_FULL', 'no room'),
  },
  fatal: {
    end: atOnce('NO_SUCH_MAILBOX'),
    run: (_context, core) => core.outcome.fatal('NO_SUCH_MAILBOX', 'gone'),
  },
  progress_bigint: reports(() => 10n),
  progress_revoked: reports(revoked),
  progress_throws: reports(() => ({ toString: boom })),
}

/** Kinds that leave something behind which takes the process down, in order: it drains, hands back and ends with 1. */
const STRAY: Readonly<Record<string, Kind>> = {
  stray_rejection: {
    end: COMPLETED,
    run: () => void setTimeout(() => void Promise.reject(new Error(STRAY_MESSAGE)), 20),
  },
  stray_exception: {
    end: COMPLETED,
    run: () =>
      void setTimeout(() => {
        throw new Error(STRAY_MESSAGE)
      }, 20),
  },
}

/** Convicted when it died alone for the last time; each of these deaths is charged. */
const CONVICTED: CulpritEnd = { status: 'failed', code: 'POISON', retries: [POISON_DEATHS, POISON_DEATHS] }

/** Kinds that end their process in the middle of its work, each time. */
const POISON: Readonly<Record<string, Kind>> = {
  poison_exit: {
    end: CONVICTED,
    run: async () => {
      await pause(100)
      process.exit(EXIT_OF_POISON)
    },
  },
  poison_kill: {
    end: CONVICTED,
    run: async () => {
      await pause(100)
      process.kill(process.pid, 'SIGKILL')
      await pause(60_000)
    },
  },
}

const KINDS: Readonly<Record<string, Kind>> = { ...HARMLESS, ...STRAY, ...POISON }

export const HARMLESS_KINDS: readonly string[] = Object.keys(HARMLESS)
export const STRAY_KINDS: readonly string[] = Object.keys(STRAY)
export const POISON_KINDS: readonly string[] = Object.keys(POISON)

/** How a job of this kind is to end; throws for a kind that does not exist. */
export function endOf(kind: string): CulpritEnd {
  return kindOf(kind).end
}

/** Defines the culprits; each notes in the ledger that it begins. */
export function defineCulprits(core: CoreModules, ledger: Ledger): JobDefinition<CulpritPlan> {
  return core.workflow.defineJob<CulpritPlan>({
    jobType: CULPRIT_TYPE,
    input: { parse: (value) => value as CulpritPlan },
    retry: CULPRIT_RETRY,
    timeout: 60,
    run: async (context) => {
      const { jobId, attempt, input } = context
      await ledger.note({ jobId, key: input.key, attempt, deed: 'begin' })
      return kindOf(input.kind).run(context, core) as JsonValue | undefined
    },
  })
}

function kindOf(name: string): Kind {
  const kind = KINDS[name]
  if (kind === undefined) throw new Error(`there is no culprit of kind ${name}`)
  return kind
}
