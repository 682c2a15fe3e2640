/**
 * Connections whose other end vanished without a word, as when a firewall between forgets them. Nothing tells of it
 * but a statement that is not answered in time, and each connection that is tried next costs such a wait again. So one
 * unanswered statement condemns its connection and every idle one that has not been heard of since it was sent.
 */
import type pg from 'pg'

/** What node-postgres says when a statement ran into its `query_timeout`. */
const UNANSWERED = 'Query read timeout'

/** Watches every connection of a pool from its making to its end. */
export function giveUpTheSilent(pool: pg.Pool): void {
  /** Idle connections, and the monotonic ms at which each last answered. */
  const idle = new Map<pg.PoolClient, number>()
  const heard = new WeakMap<pg.PoolClient, number>()

  const condemn = (client: pg.PoolClient, askedMs: number): void => {
    // Whoever holds it may give it back as if it were whole; the pool lends none that is ending.
    void client.end()
    hangUp(client)
    for (const [other, heardMs] of idle) {
      if (heardMs >= askedMs) continue
      hangUp(other)
      // The pool drops it at this word, and not only when the socket is closed: nobody may get it before.
      other.emit('error', new Error('Connection given up: another one was cut off unnoticed'))
    }
  }

  pool.on('connect', (client) => {
    heard.set(client, performance.now())
    watchAnswers(client, {
      onAnswer: () => heard.set(client, performance.now()),
      onSilence: (askedMs) => condemn(client, askedMs),
    })
  })
  pool.on('acquire', (client) => {
    idle.delete(client)
  })
  pool.on('release', (_error, client) => {
    idle.set(client, heard.get(client) ?? 0)
  })
  pool.on('remove', (client) => {
    idle.delete(client)
  })
}

type Callback = (error: unknown, result: unknown) => void

/** Tells of every answer, an error of the database too, and of every statement that got none. */
function watchAnswers(
  client: pg.PoolClient,
  tell: { readonly onAnswer: () => void; readonly onSilence: (askedMs: number) => void },
): void {
  const query = client.query.bind(client) as (...given: readonly unknown[]) => unknown
  const watched = (...given: readonly unknown[]): unknown => {
    const askedMs = performance.now()
    const note = (error: unknown): void => {
      if (error instanceof Error && error.message === UNANSWERED) tell.onSilence(askedMs)
      else tell.onAnswer()
    }
    const callback = given.at(-1)
    if (isCallback(callback)) {
      return query(...given.slice(0, -1), (error: unknown, result: unknown) => {
        note(error)
        callback(error, result)
      })
    }
    const answer = query(...given)
    if (answer instanceof Promise) answer.then(() => note(undefined), note)
    return answer
  }
  client.query = watched as typeof client.query
}

function isCallback(given: unknown): given is Callback {
  return typeof given === 'function'
}

function hangUp(client: pg.PoolClient): void {
  // Not end(): it says goodbye and waits for an answer, which never comes.
  client.connection.stream.destroy()
}
