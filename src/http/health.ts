/** Health: alive, ready, and the whole picture with reasons. */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Snapshot } from '../store/reports.ts'

export interface HealthDeps {
  /** One round trip: milliseconds it took. Throws when the database cannot be reached within two seconds. */
  pingDatabase(): Promise<number>
  /** Names of migrations this build has and the database lacks. */
  missingMigrations(): Promise<readonly string[]>
  newestMigration: string
  isDraining(): boolean
  /** The last state read, and how old it is; null before the first. */
  snapshot(): { readonly snapshot: Snapshot; readonly ageSeconds: number } | null
  /** Names of schedules that should have fired a minute ago. */
  overdueSchedules(): Promise<readonly string[]>
  /** Hosts reached at another address, for development; shown because it weakens the address guard. */
  mappedHosts: readonly string[]
}

/** A poller that has not beaten for this long is stale: max(3 × heartbeat interval, 30 s). */
const STALE_AFTER_SECONDS = 30
/** Due work older than this degrades health. */
const OLDEST_READY_SECONDS = 300
/** Longest wait for one answer of the database. */
const ANSWER_MS = 2_000

const Ready = z
  .object({ status: z.enum(['ready', 'not_ready']), reasons: z.array(z.string()).optional() })
  .openapi('Readiness')
const Check = z.object({ ok: z.boolean() })
const Health = z
  .object({
    status: z.enum(['ok', 'degraded']),
    timestamp: z.string(),
    version: z.string(),
    checks: z.object({
      db: Check.extend({ latency_ms: z.number().nullable() }),
      poller: Check.extend({
        last_heartbeat_at: z.string().nullable(),
        age_seconds: z.number().nullable(),
        stale_after_seconds: z.number(),
        pollers: z.array(
          z.object({
            poller_id: z.string(),
            name: z.string(),
            status: z.string(),
            running: z.number(),
            age_seconds: z.number(),
          }),
        ),
      }),
      queue: Check.extend({
        pending: z.number(),
        oldest_ready_age_seconds: z.number(),
        running: z.number(),
        stuck: z.number(),
        failed_last_hour: z.number(),
      }),
      cron: Check.extend({ overdue: z.array(z.string()) }),
      migrations: Check.extend({ version: z.string() }),
      dependencies: z.record(
        z.string(),
        z.object({
          state: z.enum(['closed', 'open', 'half_open']),
          failure_count: z.number(),
          latency_ms: z.number().nullable(),
        }),
      ),
    }),
    outbound_host_map: z.array(z.string()),
    reasons: z.array(z.string()),
  })
  .openapi('Health')
type Health = z.infer<typeof Health>

const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

const live = createRoute({
  method: 'get',
  path: '/health/live',
  operationId: 'getLiveness',
  summary: 'Whether the process answers; never touches the database',
  tags: ['Health'],
  responses: { 200: json(z.object({ status: z.literal('alive') }).openapi('Liveness'), 'Alive') },
})
const ready = createRoute({
  method: 'get',
  path: '/health/ready',
  operationId: 'getReadiness',
  summary: 'Whether the process can serve',
  tags: ['Health'],
  responses: { 200: json(Ready, 'Ready'), 503: json(Ready, 'Not ready, with reasons') },
})
const whole = createRoute({
  method: 'get',
  path: '/health',
  operationId: 'getHealth',
  summary: 'The whole picture, with reasons when something is wrong',
  tags: ['Health'],
  responses: { 200: json(Health, 'Healthy'), 503: json(Health, 'Degraded, with reasons') },
})

export function healthRoutes(deps: HealthDeps, version: string): OpenAPIHono {
  const app = new OpenAPIHono()

  app.openapi(live, (c) => c.json({ status: 'alive' as const }, 200, { 'Cache-Control': 'no-store' }))

  app.openapi(ready, async (c) => {
    const reasons: string[] = []
    if (deps.isDraining()) reasons.push('the process is shutting down')
    try {
      await deps.pingDatabase()
      const missing = await answered(deps.missingMigrations())
      if (missing.length > 0) reasons.push(`migrations are missing: ${missing.join(', ')}`)
    } catch {
      // The reason is for a load balancer; what exactly failed is in the log and in /health.
      reasons.push('the database cannot be reached')
    }
    const headers = { 'Cache-Control': 'no-store' }
    if (reasons.length > 0) return c.json({ status: 'not_ready' as const, reasons }, 503, headers)
    return c.json({ status: 'ready' as const }, 200, headers)
  })

  app.openapi(whole, async (c) => {
    const body = await readHealth(deps, version)
    const headers = { 'Cache-Control': 'no-store' }
    return body.status === 'ok' ? c.json(body, 200, headers) : c.json(body, 503, headers)
  })

  return app
}

async function readHealth(deps: HealthDeps, version: string): Promise<Health> {
  const reasons: string[] = []
  let latency: number | null = null
  let missing: readonly string[] = []
  let overdue: readonly string[] = []
  try {
    latency = await deps.pingDatabase()
    missing = await answered(deps.missingMigrations())
    if (missing.length === 0) overdue = await answered(deps.overdueSchedules())
  } catch (error) {
    reasons.push(`the database cannot be reached: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (missing.length > 0) reasons.push(`migrations are missing: ${missing.join(', ')}`)
  if (deps.isDraining()) reasons.push('the process is shutting down')
  if (overdue.length > 0) reasons.push(`schedules do not fire: ${overdue.join(', ')}`)
  const last = deps.snapshot()
  const { poller, pollerReason } = judgePollers(last)
  if (pollerReason !== null) reasons.push(pollerReason)
  const { queue, queueReason } = judgeQueue(last?.snapshot)
  if (queueReason !== null) reasons.push(queueReason)
  return {
    status: reasons.length === 0 ? 'ok' : 'degraded',
    timestamp: new Date().toISOString(),
    version,
    checks: {
      db: { ok: latency !== null, latency_ms: latency === null ? null : round(latency) },
      poller,
      queue,
      cron: { ok: latency !== null && overdue.length === 0, overdue: [...overdue] },
      migrations: { ok: latency !== null && missing.length === 0, version: deps.newestMigration },
      dependencies: {},
    },
    outbound_host_map: [...deps.mappedHosts],
    reasons,
  }
}

/**
 * The answer, or an error after two seconds: a database may fall silent between two questions, and whoever asks for
 * our health must not wait for the time limit of a statement.
 */
async function answered<T>(question: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS / 1_000} s`)), ANSWER_MS)
  })
  try {
    return await Promise.race([question, late])
  } finally {
    clearTimeout(timer)
  }
}

type Last = ReturnType<HealthDeps['snapshot']>

function judgePollers(last: Last): { poller: Health['checks']['poller']; pollerReason: string | null } {
  const pollers = (last?.snapshot.pollers ?? []).map((one) => ({
    poller_id: one.pollerId,
    name: one.name,
    status: one.status,
    running: one.running,
    // As old as when it was read, plus the time since: a database that is gone lets every beat grow old.
    age_seconds: round(one.ageSeconds + (last?.ageSeconds ?? 0)),
    beatAt: one.beatAt,
  }))
  const newest = pollers.reduce<(typeof pollers)[number] | null>(
    (best, one) => (best === null || one.age_seconds < best.age_seconds ? one : best),
    null,
  )
  const ok = newest !== null && newest.age_seconds <= STALE_AFTER_SECONDS
  return {
    poller: {
      ok,
      last_heartbeat_at: newest?.beatAt.toISOString() ?? null,
      age_seconds: newest?.age_seconds ?? null,
      stale_after_seconds: STALE_AFTER_SECONDS,
      pollers: pollers.map(({ beatAt: _beatAt, ...one }) => one),
    },
    pollerReason: ok
      ? null
      : newest === null
        ? 'no poller is known: start one, or wait for the first look'
        : `no poller has beaten for ${newest.age_seconds} s`,
  }
}

function judgeQueue(snapshot: Snapshot | undefined): {
  queue: Health['checks']['queue']
  queueReason: string | null
} {
  const queues = snapshot?.queues ?? []
  const oldest = Math.max(0, ...queues.map((one) => one.oldestReadySeconds))
  const stuck = snapshot?.stuck ?? 0
  const ok = oldest <= OLDEST_READY_SECONDS && stuck === 0
  return {
    queue: {
      ok,
      pending: queues.reduce((sum, one) => sum + one.pending, 0),
      oldest_ready_age_seconds: round(oldest),
      running: queues.reduce((sum, one) => sum + one.running, 0),
      stuck,
      failed_last_hour: snapshot?.failedLastHour ?? 0,
    },
    queueReason: ok
      ? null
      : stuck > 0
        ? `${stuck} jobs run past their time limit`
        : `work has been ready for ${Math.round(oldest)} s and is not claimed`,
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
