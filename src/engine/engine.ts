/**
 * The engine of a process: one poller with its heartbeat, its watch over running attempts, the upkeep that any
 * poller does for all, and the hints that wake it.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type pg from 'pg'
import type { Log, Services } from '../core/ports.ts'
import type { Registry } from '../core/registry.ts'
import type { ClaimedJob } from '../store/claims.ts'
import { type Listener, listen, parseWake, sendWake, WAKE_CHANNEL } from '../store/listen.ts'
import { BEAT_TTL_SECONDS, beat, markPoller, registerPoller, releaseLeases } from '../store/pollers.ts'
import type { Events } from './events.ts'
import { createLoop } from './loop.ts'
import { createPoller } from './poller.ts'
import { createUpkeep } from './upkeep.ts'
import { createWatch } from './watch.ts'

export interface EngineOptions {
  readonly pool: pg.Pool
  readonly registry: Registry
  readonly services: Services
  readonly events: Events
  readonly concurrency: number
  readonly version: string
  /** Connection string for LISTEN; null: poll only. */
  readonly listenUrl: string | null
  readonly logFor: (job: ClaimedJob) => Log
}

export interface Engine {
  /** Registers the poller and begins to work. Throws when the database cannot be reached. */
  start(): Promise<void>
  /**
   * Claims nothing more, waits up to `deadlineMs` for running jobs, then fires their signals and hands them back.
   * Safe to call twice: a second call with a shorter deadline cuts the first one short.
   */
  stop(deadlineMs: number): Promise<void>
  /** Tells this process, and after that the others, that a queue has work. Call it after the commit. */
  wake(queue: string, priority: number): void
  pollerId(): string
  running(): number
  listening(): boolean
}

const BEAT_MS = 3_000
/** Rest between looks: shorter without LISTEN, since then they are all that finds new work. */
const LOOK_MS = 2_000
const LOOK_LISTENING_MS = 5_000
/** Share of the beat's limit after which a poller that cannot beat drops its work, before others take it. */
const SELF_FENCE_MS = BEAT_TTL_SECONDS * 1000 * 0.8
/** How long handlers get to stop after their signal fired at shutdown. */
const ABORT_GRACE_MS = 2_000

export function createEngine(options: EngineOptions): Engine {
  const { pool, events } = options
  let pollerId: string = randomUUID()
  let beatAtMs = 0
  let fenced = false
  let stopping: Promise<void> | null = null
  let stopDeadline = Number.POSITIVE_INFINITY
  let listener: Listener | null = null

  const poller = createPoller({
    pool,
    registry: options.registry,
    services: options.services,
    events,
    concurrency: options.concurrency,
    logFor: options.logFor,
    onSurplus: () => tellOthers('default', 0),
  })

  const register = async (): Promise<void> => {
    const asked = performance.now()
    await registerPoller(pool, {
      pollerId,
      name: `${hostname()}:${process.pid}`,
      version: options.version,
      jobTypes: options.registry.jobTypes,
      concurrency: options.concurrency,
    })
    beatAtMs = asked
    fenced = false
    if (stopping === null) poller.open(pollerId)
    events.emit({ type: 'poller.started', pollerId, concurrency: options.concurrency })
  }

  /** Drops everything and comes back under a new identity: the old one may be declared lost at any time. */
  const fence = (reason: string): void => {
    poller.close()
    const dropped = poller.drop()
    fenced = true
    events.emit({ type: 'poller.fenced', pollerId, dropped, reason })
    pollerId = randomUUID()
  }

  const heartbeat = createLoop({
    name: 'heartbeat',
    events,
    pass: async () => {
      if (fenced) await register()
      const asked = performance.now()
      const answer = await beat(pool, pollerId, {
        running: poller.running(),
        listening: listener?.connected() ?? false,
      })
      if (!answer.alive) {
        fence('declared lost by another poller')
        await register()
        return BEAT_MS
      }
      beatAtMs = asked
      await poller.tidy()
      const strays = answer.leases.filter((leaseId) => !poller.knowsLease(leaseId))
      if (strays.length > 0) await releaseLeases(pool, strays)
      return BEAT_MS
    },
  })

  // Its own timer, not part of the heartbeat's pass: that one hangs exactly when this matters.
  let guard: NodeJS.Timeout | null = null
  const guardLease = (): void => {
    if (!fenced && performance.now() - beatAtMs > SELF_FENCE_MS) fence('no heartbeat got through')
  }

  const looker = createLoop({
    name: 'look',
    events,
    pass: async () => {
      const restMs = listener?.connected() === true ? LOOK_LISTENING_MS : LOOK_MS
      const nextMs = await poller.look()
      return Math.min(poller.running() > 0 ? LOOK_MS : restMs, Math.max(5, nextMs ?? restMs)) * (0.9 + Math.random() / 5)
    },
  })

  const watch = createWatch({ pool, poller, registry: options.registry, events })
  const upkeep = createUpkeep({ pool, events, onFreed: () => poller.wakeAll() })

  const tellOthers = (queue: string, priority: number): void => {
    sendWake(pool, { queue, priority, dueAt: null }).catch((error: unknown) =>
      events.emit({ type: 'service.failed', service: 'wake', error, failures: 1 }),
    )
  }

  const hear = (payload: string): void => {
    const wake = parseWake(payload)
    if (wake === null) return
    const dueInMs = wake.dueAt === null ? null : wake.dueAt - Date.now()
    // A clock that differs only makes the timer fire early or late; the claim asks the database's clock.
    if (!poller.wake(wake.queue, wake.priority, dueInMs)) looker.wake()
  }

  const stop = async (): Promise<void> => {
    poller.close()
    events.emit({ type: 'poller.draining', pollerId, running: poller.running() })
    await ignoreFailure(markPoller(pool, pollerId, 'draining'))
    await until(() => poller.isIdle(), () => stopDeadline - performance.now())
    for (const attempt of [...poller.attempts()]) attempt.abort('shutdown')
    const graceEnd = performance.now() + ABORT_GRACE_MS
    await until(() => poller.isIdle(), () => graceEnd - performance.now())
    watch.releaseAll()
    const flushEnd = performance.now() + ABORT_GRACE_MS
    await until(() => poller.isIdle(), () => flushEnd - performance.now())
    await Promise.all([heartbeat.stop(), looker.stop(), upkeep.stop(), watch.stop()])
    if (guard !== null) clearInterval(guard)
    await listener?.stop()
    await ignoreFailure(poller.tidy())
    await ignoreFailure(markPoller(pool, pollerId, 'stopped'))
    events.emit({ type: 'poller.stopped', pollerId })
  }

  /** At shutdown the database may be gone; the reaper of another poller does what could not be written. */
  const ignoreFailure = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work
    } catch (error) {
      events.emit({ type: 'service.failed', service: 'shutdown', error, failures: 1 })
    }
  }

  return {
    start: async () => {
      await register()
      if (options.listenUrl !== null) {
        listener = listen({
          url: options.listenUrl,
          channels: [WAKE_CHANNEL],
          onMessage: (_channel, payload) => hear(payload),
          onReady: () => looker.wake(),
        })
      }
      guard = setInterval(guardLease, 500)
      heartbeat.start()
      looker.start()
      watch.start()
      upkeep.start()
    },
    stop: (deadlineMs) => {
      stopDeadline = Math.min(stopDeadline, performance.now() + deadlineMs)
      stopping ??= stop()
      return stopping
    },
    wake: (queue, priority) => {
      if (!poller.wake(queue, priority, null)) looker.wake()
      tellOthers(queue, priority)
    },
    pollerId: () => pollerId,
    running: () => poller.running(),
    listening: () => listener?.connected() ?? false,
  }
}

/** Waits until `done`, checking every 20 ms, or until `leftMs` is used up. */
async function until(done: () => boolean, leftMs: () => number): Promise<void> {
  while (!done() && leftMs() > 0) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(20, Math.max(1, leftMs()))))
  }
}
