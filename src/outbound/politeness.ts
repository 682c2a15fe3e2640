import { RowbeatError } from '../core/errors.ts'
import { type Clock, systemClock } from './clock.ts'

export interface PolitenessOptions {
  /** Requests at once to one host. */
  readonly atOnce: number
  /** Requests that may wait for one host; one more is refused. */
  readonly waitingMax: number
  /** Longest wait in the queue of a host, in seconds. */
  readonly waitMaxSeconds: number
  /** Hosts remembered while nothing is asked of them. */
  readonly hostsKept: number
  readonly clock?: Clock
}

export interface Politeness {
  /**
   * Waits for a turn at `host` and answers with what ends the turn (safe to call twice). Turns are given in the
   * order they were asked for. Throws `signal.reason` on abort and RATE_LIMIT_EXCEEDED when the queue is full
   * or the wait grew too long.
   */
  enter(host: string, turn: { delaySeconds: number; signal: AbortSignal }): Promise<() => void>
  /** Starts nothing more at `host` for `seconds` (0..60; more counts as 60). */
  pause(host: string, seconds: number): void
  /** Hosts in memory. */
  readonly size: number
}

interface Waiter {
  readonly delayMs: number
  readonly start: () => void
}

interface Host {
  active: number
  lastStart: number
  pausedUntil: number
  readonly waiters: Waiter[]
  callOffTimer: (() => void) | null
}

export const MAX_DELAY_SECONDS = 10
export const MAX_PAUSE_SECONDS = 60

/** Keeps, host by host, how many requests run at once and how far apart they start. */
export function createPoliteness(options: PolitenessOptions): Politeness {
  const clock = options.clock ?? systemClock
  const hosts = new Map<string, Host>()

  function hostOf(name: string): Host {
    const known = hosts.get(name)
    if (known !== undefined) return known
    if (hosts.size >= options.hostsKept) forgetHosts()
    const fresh = { active: 0, lastStart: -Infinity, pausedUntil: -Infinity, waiters: [], callOffTimer: null }
    hosts.set(name, fresh)
    return fresh
  }

  /** Makes room: first every host at rest, and when all are within their delay or pause the oldest of those. */
  function forgetHosts(): void {
    const now = clock.elapsed()
    const unused = [...hosts].filter(([, host]) => host.active === 0 && host.waiters.length === 0)
    const atRest = unused.filter(
      ([, host]) => host.pausedUntil <= now && host.lastStart + MAX_DELAY_SECONDS * 1000 <= now,
    )
    for (const [name] of atRest.length > 0 ? atRest : unused.slice(0, 1)) hosts.delete(name)
  }

  /** Gives turns until the host is full, its delay is not over, or nobody waits. */
  function serve(host: Host): void {
    host.callOffTimer?.()
    host.callOffTimer = null
    while (host.active < options.atOnce) {
      const next = host.waiters[0]
      if (next === undefined) return
      const now = clock.elapsed()
      const startAt = Math.max(host.pausedUntil, host.lastStart + next.delayMs)
      if (startAt > now) {
        host.callOffTimer = clock.after(Math.ceil(startAt - now), () => serve(host))
        return
      }
      host.waiters.shift()
      host.active += 1
      host.lastStart = now
      next.start()
    }
  }

  function turnEnder(host: Host): () => void {
    let ended = false
    return () => {
      if (ended) return
      ended = true
      host.active -= 1
      serve(host)
    }
  }

  return {
    get size() {
      return hosts.size
    },
    pause(name, seconds) {
      const until = clock.elapsed() + clampSeconds(seconds, MAX_PAUSE_SECONDS) * 1000
      const host = hostOf(name)
      host.pausedUntil = Math.max(host.pausedUntil, until)
    },
    enter(name, { delaySeconds, signal }) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason)
          return
        }
        const host = hostOf(name)
        if (host.waiters.length >= options.waitingMax) {
          reject(rateLimited(`${host.waiters.length} requests already wait for ${name}`))
          return
        }
        const leave = (reason: unknown) => {
          const place = host.waiters.indexOf(waiter)
          if (place >= 0) host.waiters.splice(place, 1)
          settle()
          reject(reason)
          serve(host)
        }
        const onAbort = () => leave(signal.reason)
        const callOffLimit = clock.after(options.waitMaxSeconds * 1000, () =>
          leave(rateLimited(`No turn at ${name} within ${options.waitMaxSeconds} s`)),
        )
        const settle = () => {
          callOffLimit()
          signal.removeEventListener('abort', onAbort)
        }
        const waiter: Waiter = {
          delayMs: clampSeconds(delaySeconds, MAX_DELAY_SECONDS) * 1000,
          start: () => {
            settle()
            resolve(turnEnder(host))
          },
        }
        signal.addEventListener('abort', onAbort, { once: true })
        host.waiters.push(waiter)
        serve(host)
      })
    },
  }
}

function rateLimited(message: string): RowbeatError {
  return new RowbeatError('RATE_LIMIT_EXCEEDED', message)
}

/** `seconds` within 0..`most`; what is not a number counts as 0. */
function clampSeconds(seconds: number, most: number): number {
  return Number.isNaN(seconds) ? 0 : Math.min(Math.max(seconds, 0), most)
}
