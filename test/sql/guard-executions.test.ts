import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { EXECUTION_STATUSES, type ExecutionStatus, isLive } from '../../src/core/states.ts'
import { completeJobs } from '../../src/store/settlements.ts'
import { addExecution, claim, hear, refusalOf, useSql } from './staging.ts'

const sql = useSql()

/** An execution in a status with one step, open while the execution is. */
async function executionThatIs(status: ExecutionStatus): Promise<string> {
  const live = isLive(status)
  const { id } = await addExecution(
    sql.engine,
    { a: { status: live ? 'pending' : 'completed' } },
    { subject: randomUUID(), status, end_time: live ? null : new Date() },
  )
  return id
}

describe('update … set status of an execution by hand', () => {
  it('ends a live one, with its open steps, and refuses every other move with a hint', async () => {
    for (const from of EXECUTION_STATUSES) {
      for (const to of EXECUTION_STATUSES.filter((status) => status !== from)) {
        const id = await executionThatIs(from)
        const move = sql.hand('update rowbeat.workflow_executions set status = $1 where execution_id = $2', [
          to,
          id,
        ])
        if (!isLive(from) || (to !== 'failed' && to !== 'cancelled')) {
          const { code, hint } = await refusalOf(move)
          expect(code, `${from} → ${to}`).toBe('RB001')
          expect(hint).toMatch(/rowbeat\.\w+/)
          continue
        }
        await move
        const execution = await sql.execution(id)
        expect(execution).toMatchObject({ status: to, error_code: 'CANCELLED', version: '2' })
        expect(execution.end_time).not.toBeNull()
        expect(await sql.steps(id)).toEqual({ a: 'cancelled' })
      }
    }
    expect(await sql.hand('select * from rowbeat.assert_invariants()')).toEqual([])
  })

  it('closes one as completed or partial when all its steps have ended', async () => {
    const { id } = await addExecution(sql.engine, { a: { status: 'completed' } })
    await sql.hand(`update rowbeat.workflow_executions set status = 'partial' where execution_id = $1`, [id])
    expect((await sql.execution(id)).status).toBe('partial')
  })

  it('fences its running steps and stops them', async () => {
    const { id, steps } = await addExecution(sql.engine, { a: {}, b: { after: ['a'] } })
    const leaseId = await claim(sql.engine)
    const stops = await hear(sql.url, 'rowbeat_stop')
    await sql.hand('begin')
    await sql.hand(`set local rowbeat.reason = 'wrong domain'`)
    await sql.hand(`update rowbeat.workflow_executions set status = 'cancelled' where execution_id = $1`, [
      id,
    ])
    await sql.hand('commit')
    await stops.stop()
    expect(stops.heard).toEqual([steps.a])
    expect(await completeJobs(sql.engine, [{ id: steps.a ?? '', leaseId }])).toEqual(new Set())
    expect(await sql.steps(id)).toEqual({ a: 'cancelled', b: 'cancelled' })
    const logged = await sql.hand(
      'select action, job_id, old_status, new_status, reason from rowbeat.action_log order by id',
    )
    expect(logged).toEqual([
      {
        action: 'update',
        job_id: null,
        old_status: 'pending',
        new_status: 'cancelled',
        reason: 'wrong domain',
      },
      {
        action: 'update',
        job_id: steps.a,
        old_status: 'running',
        new_status: 'cancelled',
        reason: 'wrong domain',
      },
      {
        action: 'update',
        job_id: steps.b,
        old_status: 'waiting',
        new_status: 'cancelled',
        reason: 'wrong domain',
      },
    ])
  })

  it('may set the deadline of a live one, and its version grows', async () => {
    const { id } = await addExecution(sql.engine, { a: {} })
    await sql.hand(
      `update rowbeat.workflow_executions set deadline_at = now() + interval '1 day' where execution_id = $1`,
      [id],
    )
    expect((await sql.execution(id)).version).toBe('2')
  })

  it.each([
    `subject = 'elsewhere'`,
    `input_data = '{}'`,
    'start_time = now()',
    `output_data = '{"a":1}'`,
    'version = 99',
    `deadline_at = 'infinity'`,
    `status = 'failed', end_time = 'infinity'`,
    `status = 'cancelled', end_time = '1990-01-01'`,
  ])('does not change what the run was made of: set %s', async (assignment) => {
    const { id } = await addExecution(sql.engine, { a: {} }, { input_data: '{"domain":"here"}' })
    const { code, hint } = await refusalOf(
      sql.hand(`update rowbeat.workflow_executions set ${assignment} where execution_id = $1`, [id]),
    )
    expect(code).toBe('RB002')
    expect(hint).toContain('rowbeat.cancel_execution')
  })
})

describe('insert and delete of executions by hand', () => {
  const insert = `insert into rowbeat.workflow_executions (execution_id, workflow_type, subject, deadline_at)
    values ($1, 'walk', 'here', now() + interval '1 hour')`

  it('accepts an execution with its steps in one transaction', async () => {
    const id = randomUUID()
    await sql.hand('begin')
    await sql.hand(insert, [id])
    await sql.hand(
      `insert into rowbeat.scheduled_jobs (parent_execution_id, job_type, step, sequence_index, status, depends_on)
       values ($1, 'work', 'a', 1, 'pending', null), ($1, 'work', 'b', 2, 'waiting', '{a}')`,
      [id],
    )
    await sql.hand('commit')
    expect(await sql.steps(id)).toEqual({ a: 'pending', b: 'waiting' })
    expect(await sql.hand('select * from rowbeat.assert_invariants()')).toEqual([])
  })

  it('refuses one without steps, for nothing would ever end it', async () => {
    const { code, hint } = await refusalOf(sql.hand(insert, [randomUUID()]))
    expect(code).toBe('RB003')
    expect(hint).toContain('same transaction')
  })

  it.each([
    ['status', `'running'`],
    ['start_time', 'now()'],
    ['output_data', `'{}'`],
    ['error_code', `'X'`],
    ['created_at', `'infinity'`],
  ])('refuses one that claims to have run: %s', async (column, value) => {
    const made = insert
      .replace('deadline_at)', `deadline_at, ${column})`)
      .replace(`hour')`, `hour', ${value})`)
    const { code, hint } = await refusalOf(sql.hand(made, [randomUUID()]))
    expect(code).toBe('RB003')
    expect(hint).toContain('rowbeat.retry_job')
  })

  it('deletes an ended one with its steps, and no live one', async () => {
    const ended = await executionThatIs('failed')
    await sql.hand('delete from rowbeat.workflow_executions where execution_id = $1', [ended])
    expect(await sql.steps(ended)).toEqual({})
    const live = await executionThatIs('running')
    const { code, hint } = await refusalOf(
      sql.hand('delete from rowbeat.workflow_executions where execution_id = $1', [live]),
    )
    expect(code).toBe('RB004')
    expect(hint).toContain('rowbeat.cancel_execution')
  })
})
