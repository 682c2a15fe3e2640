/**
 * Failpoints of a chaos daemon: it dies around a chosen statement. They sit on the connections of the pool, so the
 * engine under test knows nothing of them.
 */
import type pg from 'pg'

/**
 * `before`: the statement is never sent. `sent`: it was sent, and its answer is not waited for; the server may
 * commit it or not. `after`: the server has answered, and the engine never hears of it.
 */
export type Moment = 'before' | 'sent' | 'after'
export const MOMENTS: readonly Moment[] = ['before', 'sent', 'after']

export interface Failpoint {
  /** Beginning of the statement's name, or of its text when it has none, for instance `exchange_` or `commit`. */
  readonly statement: string
  readonly moment: Moment
  /** 1: at its first run. */
  readonly nth: number
}

/** The statements around which work could be lost or done twice. */
export const NAMED_STATEMENTS: readonly string[] = [
  'claim_',
  'exchange_',
  'complete',
  'end_attempts',
  'settle_attempts',
  'advance_executions',
  'write_progress',
  'lost_attempts',
  'start_executions',
  'commit',
  'end_leases',
  'release_leases',
  'beat',
  'mark_lost_pollers',
  'take_back',
]

/** Text for people, for instance `after exchange_ #3`. */
export function describeFailpoint(point: Failpoint): string {
  return `${point.moment} ${point.statement} #${point.nth}`
}

type Callback = (error: unknown, result: unknown) => void

/** Arms `points` on every connection that the pool opens from now on; `die` must not return. */
export function armFailpoints(pool: pg.Pool, points: readonly Failpoint[], die: () => void): void {
  if (points.length === 0) return
  const runs = new Map<Failpoint, number>()
  const momentOf = (name: string): Moment | null => {
    let found: Moment | null = null
    for (const point of points) {
      if (!name.startsWith(point.statement)) continue
      const count = (runs.get(point) ?? 0) + 1
      runs.set(point, count)
      if (count === point.nth) found = point.moment
    }
    return found
  }
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown
    const armed = (...given: unknown[]): unknown => {
      const moment = momentOf(nameOf(given[0]))
      if (moment === 'before') die()
      const answer = query(...(moment === 'after' ? given.map((one) => dieInstead(one, die)) : given))
      if (moment === 'sent') setImmediate(die)
      return moment === 'after' && answer instanceof Promise ? answer.finally(die) : answer
    }
    Object.assign(client, { query: armed })
  })
}

function nameOf(statement: unknown): string {
  if (typeof statement === 'string') return statement
  if (typeof statement !== 'object' || statement === null) return ''
  if ('name' in statement && typeof statement.name === 'string') return statement.name
  return 'text' in statement && typeof statement.text === 'string' ? statement.text : ''
}

/** The pool hands its statements over with a callback. */
function dieInstead(given: unknown, die: () => void): unknown {
  if (typeof given !== 'function') return given
  const callback: Callback = () => die()
  return callback
}
