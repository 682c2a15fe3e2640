/**
 * The part of the checker that is about users' code: who did harm ends with the right code, and nobody else pays for
 * it. Pure.
 */
import { SUSPECT_DEATHS } from '../../src/store/suspects.ts'
import {
  CULPRIT_TYPE,
  type CulpritPlan,
  EXIT_OF_POISON,
  endOf,
  POISON_KINDS,
  STRAY_MESSAGE,
} from './culprits.ts'
import type { Ended } from './daemons.ts'
import type { History } from './history.ts'
import type { Effect } from './ledger.ts'
import { withClient } from './ledger.ts'
import { STRAY_TEXT } from './messages.ts'
import type { Problem } from './scenario.ts'

/** A culprit's row as it ended. */
export interface CulpritRow {
  readonly id: string
  readonly status: string
  readonly lastErrorCode: string | null
  readonly retryCount: number
}

/** A daemon as it ended by itself. */
export interface Death {
  readonly name: string
  readonly ended: Ended
  readonly texts: readonly string[]
  /** What its row of rowbeat.pollers says afterwards. */
  readonly status: string | null
}

/** Every culprit has ended as its kind says, with the code that names what it did. */
export function checkCulprits(
  rows: readonly CulpritRow[],
  acknowledged: ReadonlyMap<string, CulpritPlan>,
): Problem[] {
  const found = new Map(rows.map((row) => [row.id, row]))
  return [...acknowledged].flatMap(([id, plan]) => {
    const end = endOf(plan.kind)
    const row = found.get(id)
    const [least, most] = end.retries
    const right =
      row !== undefined &&
      row.status === end.status &&
      (end.status === 'completed' || row.lastErrorCode === end.code) &&
      row.retryCount >= least &&
      row.retryCount <= most
    if (right) return []
    const is =
      row === undefined
        ? 'is gone'
        : `is ${row.status} (${row.lastErrorCode}) after ${row.retryCount} retries`
    const retries = least === most ? `${least}` : `${least} to ${most}`
    return [
      {
        check: 'culprits end as they should',
        row: `job ${id} (${plan.kind}) ${is}, and should be ${end.status} (${end.code}) after ${retries}`,
      },
    ]
  })
}

/** Lost attempts from which on one may have been that of a suspect in its own slot, which is charged. */
const ALONE_FROM = SUSPECT_DEATHS + 1

/**
 * No innocent job was charged a failure that its own handler did not throw, or failed for a process that was lost. One
 * more is allowed to a suspect that ran in its own slot when another job, of which nothing was known, killed the process.
 */
export function checkInnocents(history: Pick<History, 'jobs'>, effects: readonly Effect[]): Problem[] {
  const thrown = new Map<string, number>()
  for (const one of effects) {
    if (one.deed === 'throw') thrown.set(one.jobId, (thrown.get(one.jobId) ?? 0) + 1)
  }
  return history.jobs.flatMap((job) => {
    const failed = job.status === 'failed'
    const charged = job.retryCount + (failed ? 1 : 0)
    const own = thrown.get(job.id) ?? 0
    const rows: string[] = []
    if (charged > own + (job.lost >= ALONE_FROM ? 1 : 0))
      rows.push(`job ${job.id} was charged ${charged} failures, and threw ${own} times (${job.lost} lost)`)
    if (failed && (job.lastErrorCode === 'POISON' || job.lastErrorCode === 'POLLER_LOST'))
      rows.push(`job ${job.id} failed for ${job.lastErrorCode}`)
    return rows.map((row) => ({ check: 'innocents pay for nobody', row }))
  })
}

/** Daemons died of poison, or drained because of what was left behind; of nothing else. */
export function checkDeaths(deaths: readonly Death[]): Problem[] {
  const check = 'daemons end of culprits only'
  return deaths.flatMap(({ name, ended, texts, status }) => {
    const strays = texts.filter((text) => text.startsWith(STRAY_TEXT))
    const odd = strays.filter((text) => text !== `${STRAY_TEXT}${STRAY_MESSAGE}`)
    const rows = odd.map((text) => `${name} was ended by ${text}`)
    const poisoned = ended.code === EXIT_OF_POISON || ended.signal === 'SIGKILL'
    const drained = ended.code === 1 && strays.length > 0
    if (!poisoned && !drained) rows.push(`${name} ended with ${JSON.stringify(ended)}`)
    if (drained && status !== 'stopped')
      rows.push(
        `${name} drained, and its poller is ${status} instead of stopped: its work was not handed back`,
      )
    return rows.map((row) => ({ check, row }))
  })
}

/** Every poison job was named by doctor() while it was one. */
export function checkNamed(
  acknowledged: ReadonlyMap<string, CulpritPlan>,
  named: ReadonlySet<string>,
): Problem[] {
  return [...acknowledged]
    .filter(([id, plan]) => POISON_KINDS.includes(plan.kind) && !named.has(id))
    .map(([id, plan]) => ({
      check: 'doctor() names the suspects',
      row: `job ${id} (${plan.kind}) never stood in pollers_died`,
    }))
}

/** The culprits' rows of a database under test. */
export async function readCulprits(url: string): Promise<readonly CulpritRow[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<CulpritRow>(
      `select id, status, last_error_code as "lastErrorCode", retry_count as "retryCount"
       from rowbeat.scheduled_jobs
       where job_type = $1`,
      [CULPRIT_TYPE],
    )
    return rows
  })
}
