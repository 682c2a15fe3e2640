/** The embedded server for as long as a daemon lives: when it ends under the daemon, it is started again. */
import { setTimeout as rest } from 'node:timers/promises'
import { findPostmaster } from './embedded/postmaster.ts'
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbedded } from './embedded.ts'

/** What becomes of a kept server. */
export type ServerEvent =
  | { readonly type: 'database.ended'; readonly pid: number }
  | { readonly type: 'database.start_failed'; readonly tries: number; readonly error: Error }
  | { readonly type: 'database.started'; readonly pid: number; readonly tries: number }

export interface KeptPostgres extends Pick<EmbeddedPostgres, 'url'> {
  /** Resolves, with why, when the server ended and cannot be started again; the handle is to be stopped then. */
  readonly lost: Promise<Error>
  /** Stops keeping it, and stops it as {@link EmbeddedPostgres.stop} does. May be called twice. */
  stop(): Promise<void>
}

export interface KeepOptions {
  readonly tell: (event: ServerEvent) => void
  /** Milliseconds to rest before each try to start it again; there are as many tries as rests. */
  readonly rests?: readonly number[]
}

/**
 * Sessions of a killed server end by themselves and keep the next one out until then; each try waits for them a few
 * seconds, so all tries together take about half a minute.
 */
const RESTS_MS = [0, 1_000, 2_000, 4_000, 8_000]
/** A server that lived for this long did not end of what the one before ended of: its tries are counted anew. */
const STEADY_MS = 60_000
const LOOK_EVERY_MS = 500

/**
 * Starts or adopts the server as {@link startEmbedded} does, and looks after it until `stop()`: when it ended, by
 * whatever hand, it is started again in the same directory and on the same port, which recovers it. A server that is
 * ours only by adoption is started again too, when its owner stops it. A few tries, see {@link KeepOptions.rests}.
 */
export async function keepEmbedded(
  options: Omit<EmbeddedOptions, 'temporary'>,
  { tell, rests = RESTS_MS }: KeepOptions,
): Promise<KeptPostgres> {
  let server = await startEmbedded(options)
  const { url } = server
  const stopping = new AbortController()
  const lost = Promise.withResolvers<Error>()

  const startAgain = async (): Promise<void> => {
    // Lets go of what belonged to the one that ended: its watchdog, and the note of whose it was.
    await server.stop()
    server = await startEmbedded({ ...options, port: Number(new URL(url).port) })
    if (server.url !== url) {
      throw new Error('another process started it with another port or password, so that we cannot reach it')
    }
  }
  const keep = async (): Promise<void> => {
    let tries = 0
    let since = performance.now()
    let error = new Error('it ends again as soon as it is started')
    while (await hasEnded(server, stopping.signal)) {
      tell({ type: 'database.ended', pid: server.pid })
      if (performance.now() - since >= STEADY_MS) tries = 0
      for (let isUp = false; !isUp; ) {
        const ms = rests[tries++]
        if (ms === undefined) {
          lost.resolve(notAgain(rests.length, error))
          return
        }
        if (!(await pause(ms, stopping.signal))) return
        try {
          await startAgain()
          isUp = true
        } catch (thrown) {
          error = thrown instanceof Error ? thrown : new Error(String(thrown))
          tell({ type: 'database.start_failed', tries, error })
        }
      }
      since = performance.now()
      tell({ type: 'database.started', pid: server.pid, tries })
    }
  }
  const kept = keep()
  return {
    url,
    lost: lost.promise,
    stop: async () => {
      stopping.abort()
      await kept
      await server.stop()
    },
  }
}

function notAgain(tries: number, cause: Error): Error {
  return new Error(
    `Postgres ended and cannot be started again (${tries} tries, the last one: ${cause.message}).`,
    { cause },
  )
}

/** Waits for the end of the server; false when the signal came first. */
async function hasEnded(server: EmbeddedPostgres, signal: AbortSignal): Promise<boolean> {
  while ((await findPostmaster(server.dataDir))?.pid === server.pid) {
    if (!(await pause(LOOK_EVERY_MS, signal))) return false
  }
  return !signal.aborted
}

/** Rests; false as soon as the signal aborts. Does not keep the process alive. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return rest(ms, true, { signal, ref: false }).catch((error: unknown) => {
    if (signal.aborted) return false
    throw error
  })
}
