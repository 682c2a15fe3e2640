import { describe, expect, it } from 'vitest'
import { openSession } from '../support/sessions.ts'
import { until } from '../support/wait.ts'
import { addJob, useSql } from './staging.ts'

const sql = useSql()

/** What a transaction of a person sends to the pollers. */
async function hintsOf(statements: readonly string[]): Promise<string[]> {
  const listener = await openSession(sql.url)
  const heard: string[] = []
  try {
    listener.on('notification', (note) => heard.push(note.channel))
    await listener.query('listen rowbeat_wake; listen rowbeat_stop; listen rowbeat_test_end')
    await sql.hand('begin')
    for (const statement of statements) await sql.hand(statement)
    await sql.hand('commit')
    // Notes arrive in the order of commits: behind this one nothing of the transaction is missing.
    await sql.hand('notify rowbeat_test_end')
    await until(() => heard.includes('rowbeat_test_end'), { what: 'the last note' })
    return heard.filter((channel) => channel !== 'rowbeat_test_end')
  } finally {
    await listener.end()
  }
}

const INSERT = `insert into rowbeat.scheduled_jobs (job_type) values ('work')`
const LATER = `insert into rowbeat.scheduled_jobs (job_type, scheduled_at) values ('work', now() + interval '1 hour')`

describe('set local rowbeat.notify = off', () => {
  it('leaves the hint of an insert out, for which prepare transaction would refuse', async () => {
    expect(await hintsOf([INSERT])).toEqual(['rowbeat_wake'])
    expect(await hintsOf([`set local rowbeat.notify = 'off'`, INSERT, LATER])).toEqual([])
    expect(await hintsOf([INSERT])).toEqual(['rowbeat_wake'])
  })

  it('leaves the hints of changes and functions out', async () => {
    const id = await addJob(sql.engine, { scheduled_at: new Date(Date.now() + 3_600_000) })
    const changes = [
      `update rowbeat.scheduled_jobs set scheduled_at = now() where id = ${id}`,
      `select rowbeat.enqueue('work')`,
      `select rowbeat.set_queue_limits('default', 'a test', max_running => 5)`,
      `select rowbeat.pause_queue('default', 'a test')`,
      `select rowbeat.resume_queue('default', 'a test')`,
    ]
    expect(await hintsOf([`set local rowbeat.notify = 'off'`, ...changes])).toEqual([])
  })

  it('lets begin; insert; prepare transaction work', async (context) => {
    const { max_prepared_transactions: most } = await sql.one('show max_prepared_transactions')
    if (most === '0') context.skip('max_prepared_transactions is 0')
    await sql.hand(`begin`)
    await sql.hand(`set local rowbeat.notify = 'off'`)
    await sql.hand(INSERT)
    await sql.hand(`prepare transaction 'notify_off'`)
    await sql.hand(`commit prepared 'notify_off'`)
    expect(await sql.hand('select from rowbeat.scheduled_jobs')).toHaveLength(1)
  })
})
