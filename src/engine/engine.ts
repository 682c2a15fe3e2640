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
import { type Listener, listen, STOP_CHANNEL, WAKE_CHANNEL } from '../store/listen.ts'
import { beat, markPoller, registerPoller, releaseLeases } from '../store/pollers.ts'
import type { Events } from './events.ts'
import { createLoop } from './loop.ts'
import { createPoller } from './poller.ts'
import { createScheduler } from './scheduler.ts'
import { createTally } from './tally.ts'
import { TIMING, type Timing } from './timing.ts'
import { createUpkeep } from './upkeep.ts'
import { createWaker } from './waker.ts'
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
  /** Deviations from {@link TIMING}. */
  readonly timing?: Partial<Timing>
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

/** A look below this many ms may be repeated as often as asked. */
const LOOK_CHEAP_MS = 50
/** Longest rest between looks, however costly they are. */
const LOOK_REST_MAX_MS = 20_000

/** Shortest rest between looks for keys, however many hints ask for one. */
const KEYS_REST_MS = 100

const DEAF_HINT = 'behind a transaction pooler, set LISTEN_DATABASE_URL to a direct connection'

export function createEngine(options: EngineOptions): Engine {
  const { pool, events } = options
  const timing: Timing = { ...TIMING, ...options.timing }
  const selfFenceMs = timing.beatTtlSeconds * 1000 * 0.8
  let pollerId: string = randomUUID()
  /** Leases that the database knows of this poller and the poller does not. */
  let strays: readonly string[] = []
  let beatAtMs = 0
  /** True while nobody can have taken this poller for dead. */
  const isAlive = (): boolean => performance.now() - beatAtMs <= selfFenceMs
  let fenced = false
  /** True while the row of this poller says draining by somebody else's hand. */
  let drained = false
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
    isAlive,
    onSurplus: () => waker.tellAll(),
    onUnseen: () => keyLooker.wake(),
  })

  const register = async (): Promise<void> => {
    const asked = performance.now()
    // A new one for every try: when the answer to an earlier try was lost, that identity is taken.
    const fresh = randomUUID()
    await registerPoller(pool, {
      pollerId: fresh,
      name: `${hostname()}:${process.pid}`,
      version: options.version,
      jobTypes: options.registry.jobTypes,
      concurrency: options.concurrency,
    })
    pollerId = fresh
    beatAtMs = asked
    fenced = false
    strays = []
    if (drained) await markPoller(pool, pollerId, 'draining')
    if (stopping === null && !drained) poller.open(pollerId)
    events.emit({ type: 'poller.started', pollerId, concurrency: options.concurrency })
  }

  /** Drops everything and comes back under a new identity: the old one may be declared lost at any time. */
  const fence = (reason: string): void => {
    poller.close()
    const dropped = poller.drop()
    fenced = true
    events.emit({ type: 'poller.fenced', pollerId, dropped, reason })
    heartbeat.wake()
  }

  const heartbeat = createLoop({
    name: 'heartbeat',
    events,
    pass: async () => {
      if (stopping !== null && fenced) return timing.beatMs
      if (fenced) await register()
      const asked = performance.now()
      const id = pollerId
      const answer = await beat(pool, id, {
        running: poller.running(),
        listening: listener?.connected() ?? false,
      })
      // The guard was faster: this is the answer to an identity that was given up.
      if (fenced) return 0
      if (!answer.alive) {
        fence('declared lost by another poller')
        return 0
      }
      beatAtMs = asked
      strays = answer.leases.filter((leaseId) => !poller.knowsLease(leaseId))
      if (stopping === null && answer.draining !== drained) obey(answer.draining)
      return timing.beatMs
    },
  })

  // Apart from the heartbeat: handing jobs back may wait for a lock, and a beat must wait for nothing.
  const leases = createLoop({
    name: 'leases',
    events,
    pass: async () => {
      await poller.tidy()
      const lost = strays
      strays = []
      if (lost.length > 0) await releaseLeases(pool, lost)
      return timing.leasesMs
    },
  })

  // Its own timer, not part of the heartbeat's pass: that one hangs exactly when this matters.
  let guard: NodeJS.Timeout | null = null
  const guardLease = (): void => {
    if (!fenced && !isAlive()) fence('no heartbeat got through')
  }

  const looker = createLoop({
    name: 'look',
    events,
    pass: async () => {
      const restMs = listener?.connected() === true ? timing.lookListeningMs : timing.lookMs
      const begun = performance.now()
      const nextMs = await poller.look()
      const spread = (poller.running() > 0 ? timing.lookMs : restMs) * (0.9 + Math.random() / 5)
      // A look walks over what ended in the last minute or two: never more than a twentieth of the time.
      const costMs = performance.now() - begun
      return Math.max(
        costMs > LOOK_CHEAP_MS ? Math.min(19 * costMs, LOOK_REST_MAX_MS) : 0,
        Math.min(spread, Math.max(5, nextMs ?? spread)),
      )
    },
  })

  // A busy lane is never claimed from in vain, and so never tells that it holds jobs of another kind as well; and the
  // look walks over what it ended, the longer the busier it is.
  let keysLookedForMs = Number.NEGATIVE_INFINITY
  const keyLooker = createLoop({
    name: 'look for keys',
    events,
    pass: async () => {
      // A hint that finds nothing is mostly one whose job another poller was quicker to claim.
      const restMs = KEYS_REST_MS - (performance.now() - keysLookedForMs)
      if (restMs > 0) return restMs
      keysLookedForMs = performance.now()
      await poller.lookForKeys()
      return timing.lookForKeysMs
    },
  })

  const watch = createWatch({ pool, poller, registry: options.registry, events, timing })
  const tally = createTally({ pool, events })
  const upkeep = createUpkeep({ pool, events, timing, onFreed: () => poller.wakeAll() })

  const waker = createWaker({ pool, events, poller, look: () => looker.wake() })
  const wake = (queue: string, priority: number): void => {
    if (!poller.wake(queue, priority, null)) looker.wake()
    waker.tell({ queue, priority })
  }
  const { schedules } = options.registry
  const scheduler = createScheduler({ pool, events, schedules, onFired: wake })

  /** Claims nothing more; waits for what runs, then fires its signals and hands it back. */
  const handBack = async (leftMs: () => number, calledOff: () => boolean): Promise<void> => {
    poller.close()
    events.emit({ type: 'poller.draining', pollerId, running: poller.running() })
    const over = (): boolean => poller.isIdle() || calledOff()
    await until(over, leftMs)
    if (calledOff()) return
    for (const attempt of [...poller.attempts()]) attempt.abort('shutdown')
    const graceEnd = performance.now() + timing.abortGraceMs
    await until(over, () => graceEnd - performance.now())
    if (!calledOff()) watch.releaseAll()
  }

  /** Follows what somebody wrote into the row of this poller. Drained, it stays idle until it is called back. */
  const obey = (draining: boolean): void => {
    drained = draining
    if (!draining) {
      poller.open(pollerId)
      return
    }
    const endMs = performance.now() + timing.drainGraceMs
    void handBack(
      () => endMs - performance.now(),
      () => !drained || stopping !== null,
    )
  }

  const stop = async (): Promise<void> => {
    const marked = ignoreFailure(markPoller(pool, pollerId, 'draining'))
    await handBack(
      () => stopDeadline - performance.now(),
      () => false,
    )
    const flushEnd = performance.now() + timing.abortGraceMs
    await until(
      () => poller.isIdle(),
      () => flushEnd - performance.now(),
    )
    poller.halt()
    if (guard !== null) clearInterval(guard)
    listener?.stop()
    const services = [heartbeat, leases, looker, keyLooker, upkeep, watch, scheduler]
    await atMost(
      timing.lastWordsMs,
      Promise.all([marked, waker.stop(), ...services.map((one) => one.stop())]),
    )
    await atMost(timing.lastWordsMs, lastWords())
    events.emit({ type: 'poller.stopped', pollerId })
  }

  const lastWords = async (): Promise<void> => {
    await ignoreFailure(tally.stop())
    await ignoreFailure(poller.tidy())
    await ignoreFailure(markPoller(pool, pollerId, 'stopped'))
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
      if (stopping !== null) return
      if (options.listenUrl !== null) {
        listener = listen({
          url: options.listenUrl,
          db: pool,
          channels: [WAKE_CHANNEL, STOP_CHANNEL],
          onMessage: (channel, payload) =>
            channel === STOP_CHANNEL ? watch.suspect(payload) : waker.hear(payload),
          onReady: () => looker.wake(),
          onDeaf: () => events.emit({ type: 'listener.deaf', lookEveryMs: timing.lookMs, hint: DEAF_HINT }),
        })
      }
      guard = setInterval(guardLease, selfFenceMs / 16)
      heartbeat.start()
      leases.start()
      looker.start()
      keyLooker.start()
      watch.start()
      upkeep.start()
      scheduler.start()
      tally.start()
    },
    stop: (deadlineMs) => {
      stopDeadline = Math.min(stopDeadline, performance.now() + deadlineMs)
      stopping ??= stop()
      return stopping
    },
    wake,
    pollerId: () => pollerId,
    running: () => poller.running(),
    listening: () => listener?.connected() ?? false,
  }
}

/** Waits for `work`, but not longer than `ms`. */
async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits until `done`, checking every 20 ms, or until `leftMs` is used up. */
async function until(done: () => boolean, leftMs: () => number): Promise<void> {
  while (!done() && leftMs() > 0) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(20, Math.max(1, leftMs()))))
  }
}
