import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { addExecution, addJob, refusalOf, useSql } from './staging.ts'

const sql = useSql()

/** Runs `work` while another session holds what `text` locks. */
async function whileHeld(
  text: string,
  values: readonly unknown[],
  work: (pid: number) => Promise<void>,
): Promise<void> {
  const holder: pg.PoolClient = await sql.engine.connect()
  try {
    await holder.query('begin')
    const { rows } = await holder.query<{ pid: number }>('select pg_backend_pid() as pid')
    await holder.query(text, [...values])
    await work(rows[0]?.pid ?? 0)
  } finally {
    await holder.query('rollback')
    holder.release()
  }
}

describe('a row that somebody holds', () => {
  it.each(['cancel_job', 'run_now'])('makes %s end with the name of the backend', async (name) => {
    const id = await addJob(sql.engine)
    const lock = 'select from rowbeat.scheduled_jobs where id = $1 for update'
    await whileHeld(lock, [id], async (pid) => {
      const refusal = await refusalOf(sql.hand(`select * from rowbeat.${name}($1, 'why')`, [id]))
      expect(refusal.code).toBe('RB012')
      expect(refusal.message).toContain(`job ${id} is held by backend ${pid} `)
      expect(refusal.hint).toContain(`pg_cancel_backend(${pid})`)
    })
    await sql.hand(`select * from rowbeat.${name}($1, 'why')`, [id])
    expect((await sql.one('show lock_timeout')).lock_timeout).toBe('0')
  })

  it('makes cancel_execution and the steps of it do the same', async () => {
    const { id: executionId, steps } = await addExecution(sql.engine, { a: {} })
    const lock = 'select from rowbeat.workflow_executions where execution_id = $1 for update'
    await whileHeld(lock, [executionId], async (pid) => {
      const calls = [
        `select * from rowbeat.cancel_execution('${executionId}', 'why')`,
        `select * from rowbeat.cancel_job(${steps.a}, 'why')`,
      ]
      for (const call of calls) {
        const refusal = await refusalOf(sql.hand(call))
        expect(refusal.message).toContain(`execution ${executionId} is held by backend ${pid} `)
      }
    })
  })
})
