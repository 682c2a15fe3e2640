/** Wake-ups across processes: a hint that saves waiting for the next poll. Nothing depends on it. */
import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import pg from 'pg'
import { nameSessions } from '../core/database-url.ts'
import type { Lane } from './claims.ts'
import { QUESTION_TIMEOUT_MS, type Queryable, within } from './database.ts'

/** Channel of hints that a queue has work. */
export const WAKE_CHANNEL = 'rowbeat_wake'

/** Channel that tells that a running job was cancelled or changed by hand; the message is its id. */
export const STOP_CHANNEL = 'rowbeat_stop'

export interface Wake extends Lane {
  /** Due time of the earliest job meant, whole ms since epoch; null: about now. */
  readonly dueAt: number | null
}

/** Hints that a lane has work. Call it after the commit, on a connection of its own: in the transaction of an
 * insert it would make all such commits wait for each other. */
export async function sendWake(db: Queryable, wake: Wake): Promise<void> {
  await notifyWake(db, formatWake(wake))
}

/** `priority|ms|queue`: a queue's name may hold any character, so it is the rest of the line. */
export function formatWake(wake: Wake): string {
  return `${wake.priority}|${wake.dueAt ?? ''}|${wake.queue}`
}

/** Sent in place of a hint when many lanes may have work: look at everything. */
export const WAKE_ALL = '*'

/** Hints that any lane may have work. */
export async function sendWakeAll(db: Queryable): Promise<void> {
  await notifyWake(db, WAKE_ALL)
}

async function notifyWake(db: Queryable, message: string): Promise<void> {
  const text = 'select pg_notify($1, $2)'
  await db.query(within(QUESTION_TIMEOUT_MS, { name: 'wake', text, values: [WAKE_CHANNEL, message] }))
}

/** Reads a hint; null when it is not one of ours. A hint without a priority means every lane of the queue. */
export function parseWake(
  payload: string,
): { queue: string; priority: number | null; dueAt: number | null } | null {
  const match = /^(-?\d{1,4})?\|(\d{1,16})?\|(.+)$/s.exec(payload)
  if (match === null) return null
  return {
    priority: match[1] === undefined ? null : Number(match[1]),
    dueAt: match[2] === undefined ? null : Number(match[2]),
    queue: match[3] ?? '',
  }
}

export interface Listener {
  /** True while hints arrive. */
  connected(): boolean
  stop(): void
}

const RECONNECT_MIN_MS = 250
const RECONNECT_MAX_MS = 5_000
/** A connection that says nothing for this long is asked whether it still listens. */
const HEARTBEAT_MS = 15_000

/** How long a note to ourselves may take, and its sending too. */
const PROBE_MS = 2_000
/** Pauses of a listener that hears nothing: a pooler stays where it is. */
const DEAF_MIN_MS = 5_000
const DEAF_MAX_MS = 300_000

/**
 * Listens on one connection of its own and reconnects for ever, with growing pauses, until stopped. `onReady` is
 * called after each (re)connection: hints may have been missed, so look at once.
 *
 * Behind a pooler in transaction mode LISTEN succeeds and nothing ever arrives; the same with the URL of another
 * database. So each connection first has to hear a note that is sent through `db`, as hints are. When it does not,
 * `onDeaf` is called, once until hints arrive again, and the next try comes much later.
 */
export function listen(options: {
  readonly url: string
  /** Where hints are sent from. */
  readonly db: Queryable
  readonly channels: readonly string[]
  readonly onMessage: (channel: string, payload: string) => void
  readonly onReady: () => void
  readonly onDeaf: () => void
}): Listener {
  const named = nameSessions(options.url, 'rowbeat-listen')
  let stopped = false
  let connected = false
  let client: pg.Client | null = null
  let socket: Socket | null = null
  let timer: NodeJS.Timeout | null = null
  let pause = RECONNECT_MIN_MS
  let deafPause = DEAF_MIN_MS

  const retire = (which: pg.Client, restMs = pause): void => {
    if (client !== which) return
    hangUp()
    if (stopped) return
    clearTimer()
    timer = setTimeout(open, restMs * (0.75 + Math.random() / 2))
    pause = Math.min(pause * 2, RECONNECT_MAX_MS)
  }
  const hangUp = (): void => {
    client = null
    connected = false
    // Not end(): it says goodbye and waits for an answer, which a network that swallows everything never gives.
    socket?.destroy()
    socket = null
  }
  const clearTimer = (): void => {
    if (timer !== null) clearTimeout(timer)
    timer = null
  }
  const check = (which: pg.Client): void => {
    clearTimer()
    timer = setTimeout(() => {
      // A half-open connection never reports an error by itself; a question that is not answered in time does.
      which.query('select 1').then(
        () => check(which),
        () => retire(which),
      )
    }, HEARTBEAT_MS)
  }
  const open = (): void => {
    if (stopped) return
    const wire = new Socket()
    socket = wire
    const fresh = new pg.Client({
      stream: () => wire,
      connectionString: named.url,
      application_name: named.name,
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
      keepAlive: true,
    })
    client = fresh
    fresh.on('error', () => retire(fresh))
    fresh.on('end', () => retire(fresh))
    fresh.on('notification', (message) => {
      if (connected && client === fresh) options.onMessage(message.channel, message.payload ?? '')
    })
    begin(fresh).catch(() => retire(fresh))
  }
  const begin = async (fresh: pg.Client): Promise<void> => {
    await fresh.connect()
    const heard = await hears(fresh, options.db)
    if (client !== fresh) return
    if (!heard) {
      if (deafPause === DEAF_MIN_MS) options.onDeaf()
      retire(fresh, deafPause)
      deafPause = Math.min(deafPause * 2, DEAF_MAX_MS)
      return
    }
    await fresh.query(options.channels.map((channel) => `listen ${pg.escapeIdentifier(channel)}`).join('; '))
    if (client !== fresh) return
    connected = true
    pause = RECONNECT_MIN_MS
    deafPause = DEAF_MIN_MS
    check(fresh)
    options.onReady()
  }
  open()
  return {
    connected: () => connected,
    stop: () => {
      stopped = true
      clearTimer()
      hangUp()
    },
  }
}

/**
 * True when `client` hears what is sent through `db`. It listens on a channel that nobody else knows: a pooler leaves
 * the subscription on a server connection that others use, and there it must do no harm. Throws when the note
 * cannot be sent.
 */
async function hears(client: pg.Client, db: Queryable): Promise<boolean> {
  const channel = `rowbeat_probe_${randomUUID()}`
  await client.query(`listen ${pg.escapeIdentifier(channel)}`)
  const note = within(PROBE_MS, { text: 'select pg_notify($1, $2)', values: [channel, ''] })
  const heard = new Promise<boolean>((resolve) => {
    const late = setTimeout(() => resolve(false), 2 * PROBE_MS)
    const end = (answer: boolean): void => {
      clearTimeout(late)
      resolve(answer)
    }
    client.on('notification', (message) => {
      if (message.channel === channel) end(true)
    })
    client.once('end', () => end(false))
  })
  await db.query(note)
  if (!(await heard)) return false
  await client.query(`unlisten ${pg.escapeIdentifier(channel)}`)
  return true
}
