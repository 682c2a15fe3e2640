/** A client of the API that never tires: audits started, their status and readiness asked for again and again. */
import { randomUUID } from 'node:crypto'
import type { App } from './apps.ts'
import { compareAnswers, type Readiness, type StatusAnswer } from './checker-answers.ts'
import { sleep } from './clock.ts'
import type { Problem } from './scenario.ts'

export interface Asker {
  /** Starts an audit of `domain`, asking again with the same key until it is acknowledged; false when stopped. */
  order(domain: string): Promise<boolean>
  /** Domain of every acknowledged audit by its execution id. */
  readonly acknowledged: ReadonlyMap<string, string>
  /** Last answer about each. */
  readonly answers: ReadonlyMap<string, StatusAnswer>
  readonly readiness: readonly Readiness[]
  readonly problems: readonly Problem[]
  /** How many statuses were answered. */
  count(): number
  stop(): Promise<void>
}

const READY_EVERY_MS = 500
/** A load balancer would have given up long before. */
const READY_TIMEOUT_MS = 10_000
const STATUS_EVERY_MS = 250
const TIMEOUT_MS = 6_000
/** Audits followed at once. */
const FOLLOWED_MAX = 10
const PROBLEMS_MAX = 50

/** Asks whichever of `apps()` live at the moment. */
export function startAsker(apps: () => readonly App[]): Asker {
  const acknowledged = new Map<string, string>()
  const answers = new Map<string, StatusAnswer>()
  const readiness: Readiness[] = []
  const problems: Problem[] = []
  const open = new Set<Promise<void>>()
  let stopped = false
  let turn = 0
  let count = 0

  const nextApp = (): App | undefined => {
    const living = apps().filter((one) => !one.isGone())
    turn += 1
    return living[turn % Math.max(1, living.length)]
  }
  const askReady = async (app: App): Promise<void> => {
    const askedMs = performance.now()
    const status = await fetch(`${app.url}/health/ready`, { signal: AbortSignal.timeout(READY_TIMEOUT_MS) })
      .then(async (answer) => {
        await answer.arrayBuffer()
        return answer.status
      })
      .catch(() => null)
    // One that was killed owes no answer.
    if (!app.isGone()) readiness.push({ server: app.name, askedMs, answeredMs: performance.now(), status })
  }
  const readyLoop = async (): Promise<void> => {
    while (!stopped) {
      for (const app of apps().filter((one) => !one.isGone())) {
        const asking: Promise<void> = askReady(app).finally(() => open.delete(asking))
        open.add(asking)
      }
      await sleep(READY_EVERY_MS)
    }
  }
  const askStatus = async (executionId: string, domain: string): Promise<void> => {
    const app = nextApp()
    if (app === undefined) return
    const path = `${app.url}/api/v1/sites/${domain}/audit/status/${executionId}`
    const answer = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const body = (await answer.json()) as Record<string, unknown>
    if (answer.status === 404)
      problems.push({ check: 'the API is truthful', row: `${app.name} does not know audit ${executionId}` })
    if (answer.status !== 200) return
    const now: StatusAnswer = {
      executionId,
      status: String(body.overall_status),
      progress: Number(body.overall_progress),
      hasEnded: body.end_time !== null,
    }
    count += 1
    const before = answers.get(executionId)
    if (before !== undefined && problems.length < PROBLEMS_MAX) problems.push(...compareAnswers(before, now))
    answers.set(executionId, now)
  }
  const statusLoop = async (): Promise<void> => {
    while (!stopped) {
      const live = [...acknowledged].filter(([id]) => answers.get(id)?.hasEnded !== true)
      for (const [id, domain] of live.slice(-FOLLOWED_MAX)) {
        // No answer while the database is away is no wrong answer.
        await askStatus(id, domain).catch(() => undefined)
      }
      await sleep(STATUS_EVERY_MS)
    }
  }
  const post = async (domain: string, key: string): Promise<boolean> => {
    const app = nextApp()
    if (app === undefined) return false
    const answer = await fetch(`${app.url}/api/v1/sites/${domain}/audit`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ force: true }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const body = (await answer.json()) as Record<string, unknown>
    if (!answer.ok) return false
    acknowledged.set(String(body.execution_id), domain)
    return true
  }
  const loops = [readyLoop(), statusLoop()]
  return {
    order: async (domain) => {
      const key = randomUUID()
      while (!stopped) {
        if (await post(domain, key).catch(() => false)) return true
        await sleep(300)
      }
      return false
    },
    acknowledged,
    answers,
    readiness,
    problems,
    count: () => count,
    stop: async () => {
      stopped = true
      await Promise.all([...loops, ...open])
    },
  }
}
