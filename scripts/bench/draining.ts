/** One timed drain: a filled table, workers that start, and the moment at which nothing is left. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { type Child, startChild, withChildren } from './children.ts'
import { monotonicMs } from './clock.ts'
import { holdSnapshot, readWalBytes, settleDatabase, withClient } from './server.ts'
import { systemNamed } from './systems/index.ts'

export interface DrainRequest {
  readonly system: string
  readonly url: string
  readonly jobs: number
  readonly workers: number
  /** Empty the tables first. */
  readonly clear: boolean
  /** Hold a repeatable-read snapshot in the same database from before the start to the end. */
  readonly snapshot: boolean
  /** Share of the jobs after which {@link Drained.steady} begins; default 0. */
  readonly warmUp?: number
  /** Work done on the empty tables before the jobs are added. */
  readonly before?: (url: string) => Promise<void>
}

export interface Drained {
  /** Jobs that had durably ended. */
  readonly ended: number
  /** From the start of the first handler until the database showed the last job ended. */
  readonly seconds: number
  /** Jobs per second from the end of the warm-up to the last job. */
  readonly steady: number
  /** From the order to start until the first handler began. */
  readonly startMs: number
  readonly walBytes: number
  readonly finished: boolean
}

const DRAIN_TIMEOUT_MS = 240_000
const CHECK_EVERY_MS = 5

/** Fills, vacuums, checkpoints, then drains with `workers` processes. Bounded: what is left then is counted. */
export async function drain(request: DrainRequest): Promise<Drained> {
  const { url, jobs } = request
  const system = systemNamed(request.system)
  if (request.clear) await system.clear(url)
  await request.before?.(url)
  const openSql = await system.preload(url, jobs)
  await settleDatabase(url)
  const release = request.snapshot ? await holdSnapshot(url) : null
  try {
    const start = () => startChild(request.system, url, { kind: 'work', mode: 'throughput' })
    return await withChildren(
      Array.from({ length: request.workers }, () => start),
      (children) =>
        withClient(url, (client) =>
          timeDrain(client, children, { jobs, openSql, warmUp: request.warmUp ?? 0 }),
        ),
    )
  } finally {
    await release?.()
  }
}

async function timeDrain(
  client: pg.Client,
  children: readonly Child[],
  { jobs, openSql, warmUp }: { readonly jobs: number; readonly openSql: string; readonly warmUp: number },
): Promise<Drained> {
  const walBefore = await readWalBytes(client)
  const begunMs = monotonicMs()
  const deadlineMs = begunMs + DRAIN_TIMEOUT_MS
  await Promise.all(children.map((child) => child.start()))
  // Handler calls only tell when to begin to ask the database, which alone says what has ended.
  let warm = { handled: 0, atMs: 0 }
  for (;;) {
    const handled = handledBy(children)
    if (warm.atMs === 0 && handled > 0 && handled >= warmUp * jobs) warm = { handled, atMs: monotonicMs() }
    if (handled >= jobs || monotonicMs() > deadlineMs) break
    await sleep(CHECK_EVERY_MS)
  }
  let endedMs = monotonicMs()
  let open = await countOpen(client, openSql)
  while (open > 0 && monotonicMs() < deadlineMs) {
    await sleep(CHECK_EVERY_MS)
    endedMs = monotonicMs()
    open = await countOpen(client, openSql)
  }
  const firstMs = Math.min(...children.map((child) => child.handled().firstMs || endedMs))
  return {
    ended: jobs - open,
    seconds: Math.max(0.001, (endedMs - firstMs) / 1000),
    // What was handled and not yet settled by then counts as done before: the rate is rather too low than too high.
    steady: Math.max(0, jobs - open - warm.handled) / Math.max(0.001, (endedMs - warm.atMs) / 1000),
    startMs: firstMs - begunMs,
    walBytes: (await readWalBytes(client)) - walBefore,
    finished: open === 0,
  }
}

function handledBy(children: readonly Child[]): number {
  return children.reduce((sum, child) => sum + child.handled().count, 0)
}

async function countOpen(client: pg.Client, openSql: string): Promise<number> {
  const { rows } = await client.query<{ open: number }>(openSql)
  return rows[0]?.open ?? 0
}
