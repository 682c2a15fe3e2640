import { type buildConnector, Pool } from 'undici'
import type { Clock } from './clock.ts'

export interface PoolsOptions {
  readonly connect: buildConnector.connector
  /** Origins whose connections are kept; the one used longest ago goes first. */
  readonly originsKept: number
  readonly connectionsPerOrigin: number
  readonly clock: Clock
}

export interface Pools {
  /** The pool of an origin; the caller must `release` it once the answer is read. */
  use(origin: string): { readonly pool: Pool; release(): void }
  /** Cuts every connection. */
  destroy(): Promise<void>
  readonly size: number
}

interface Entry {
  readonly pool: Pool
  users: number
  lastUse: number
}

const IDLE_MS = 60_000
const KEEP_ALIVE_MS = 5_000
const KEEP_ALIVE_MAX_MS = 15_000
const MAX_HEADER_BYTES = 16 * 1024

/** Connection pools by origin, bounded in number; sockets close after seconds, pools after a minute, unused. */
export function createPools(options: PoolsOptions): Pools {
  const entries = new Map<string, Entry>()
  const leaving = new Set<Promise<void>>()

  function dismiss(origin: string, entry: Entry): void {
    entries.delete(origin)
    const closing = entry.pool.destroy().finally(() => leaving.delete(closing))
    leaving.add(closing)
  }

  /** The map is kept in order of last use, so the first unused entries are the ones to go. */
  function makeRoom(): void {
    const now = options.clock.elapsed()
    for (const [origin, entry] of entries) {
      if (entry.users > 0) continue
      if (entries.size >= options.originsKept || now - entry.lastUse > IDLE_MS) dismiss(origin, entry)
    }
  }

  function open(origin: string): Entry {
    makeRoom()
    const pool = new Pool(origin, {
      connect: options.connect,
      connections: options.connectionsPerOrigin,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    })
    return { pool, users: 0, lastUse: 0 }
  }

  return {
    get size() {
      return entries.size
    },
    use(origin) {
      const entry = entries.get(origin) ?? open(origin)
      entries.delete(origin)
      entries.set(origin, entry)
      entry.users += 1
      return {
        pool: entry.pool,
        release() {
          entry.users -= 1
          entry.lastUse = options.clock.elapsed()
        },
      }
    },
    async destroy() {
      for (const [origin, entry] of entries) dismiss(origin, entry)
      await Promise.all(leaving)
    },
  }
}
