import { describe, expect, it } from 'vitest'
import { addEnded, addExecution, addJob, addJobThatIs, hear, refusalOf, useSql } from './staging.ts'

const sql = useSql()

describe('columns by hand', () => {
  it('of a plan may be changed while the job has not run, and pollers hear of it', async () => {
    const later = new Date(Date.now() + 3_600_000)
    const id = await addJob(sql.engine, { scheduled_at: later })
    const wakes = await hear(sql.url, 'rowbeat_wake')
    await sql.hand(
      `update rowbeat.scheduled_jobs set priority = 5, queue = 'fast', payload = '{"a":1}', max_retries = 9 where id = $1`,
      [id],
    )
    await wakes.stop()
    expect(await sql.job(id)).toMatchObject({ priority: 5, queue: 'fast', payload: { a: 1 }, max_retries: 9 })
    expect(wakes.heard).toEqual([`5|${later.getTime()}|fast`])
    const [logged] = await sql.hand('select changes from rowbeat.action_log')
    expect(logged?.changes).toEqual({
      priority: [0, 5],
      queue: ['default', 'fast'],
      payload: 'changed',
      max_retries: [3, 9],
    })
  })

  const long = 'é'.repeat(501)
  it.each([
    ['queue', "''", /queue must have 1 to 63 characters/],
    ['job_type', `'${long}'`, /job_type must have 1 to 63/],
    ['priority', '101', /priority must be -100 to 100/],
    ['scheduled_at', "'infinity'", /scheduled_at must be a time/],
    ['deadline_at', "'-infinity'", /deadline_at must be a time/],
    ['max_retries', '101', /max_retries must be 0 to 100/],
    ['timeout_seconds', '0', /timeout_seconds must be 1 to 604800/],
    ['attempt', '-1', /attempt must be 0 or more/],
    ['retry_count', '-1', /retry_count must be 0 or more/],
    ['progress', '101', /progress must be 0 to 100/],
    ['estimate_seconds', '0', /estimate_seconds must be more than 0/],
    ['dedupe_key', `'${long}'`, /dedupe_key must have at most 500/],
    ['concurrency_key', `'${long}'`, /concurrency_key must have at most 500/],
    ['errors', `'{}'`, /errors must be an array/],
    ['parent_execution_id', 'gen_random_uuid()', /a step needs step/],
  ])('of a new job are refused when out of range: %s', async (column, value, message) => {
    const columns = column === 'job_type' ? 'job_type' : `job_type, ${column}`
    const values = column === 'job_type' ? value : `'x', ${value}`
    const added = sql.hand(`insert into rowbeat.scheduled_jobs (${columns}) values (${values})`)
    await expect(added).rejects.toMatchObject({ code: '23514', message: expect.stringMatching(message) })
  })

  it('may be long in bytes and short enough in characters', async () => {
    const [added] = await sql.hand(
      `insert into rowbeat.scheduled_jobs (job_type, queue, dedupe_key, concurrency_key)
       values (repeat('é', 63), repeat('é', 63), repeat('é', 500), repeat('é', 500)) returning length(queue) as n`,
    )
    expect(added).toEqual({ n: 63 })
  })

  it.each([
    'progress = 5',
    "last_error = 'x'",
    'first_started_at = now()',
    "step = 'a'",
    "created_at = 'infinity'",
  ])('of a run are refused in a new job: %s', async (assignment) => {
    const [column, value] = assignment.split(' = ')
    const added = sql.hand(`insert into rowbeat.scheduled_jobs (job_type, ${column}) values ('x', ${value})`)
    await expect(added).rejects.toMatchObject({
      code: 'RB003',
      hint: expect.stringContaining('rowbeat.enqueue'),
    })
  })

  it('are checked by rowbeat.enqueue as well', async () => {
    await expect(sql.hand(`select rowbeat.enqueue('x', priority => 101)`)).rejects.toMatchObject({
      code: '23514',
      message: expect.stringMatching(/priority must be -100 to 100/),
    })
    expect(await sql.hand('select from rowbeat.scheduled_jobs')).toEqual([])
  })

  it.each([
    ['priority = 101', /priority must be -100 to 100/],
    ["queue = ''", /queue must have 1 to 63 characters/],
    ["scheduled_at = 'infinity'", /scheduled_at must be a time/],
    ['timeout_seconds = 0', /timeout_seconds must be 1 to 604800/],
  ])('out of range are refused: %s', async (assignment, message) => {
    const id = await addJob(sql.engine)
    const changed = sql.hand(`update rowbeat.scheduled_jobs set ${assignment} where id = $1`, [id])
    await expect(changed).rejects.toMatchObject({ code: '23514', message: expect.stringMatching(message) })
  })

  it.each([
    ['running', `payload = '{"a":1}'`],
    ['running', `queue = 'other'`],
    ['running', 'lease_id = gen_random_uuid()'],
    ['running', `scheduled_at = now() + interval '1 hour'`],
    ['pending', 'updated_at = now()'],
    ['pending', 'attempt = 7'],
    ['pending', `result = '{}'`],
    ['pending', `created_at = now() - interval '1 day'`],
    ['completed', `result = '{"forged":true}'`],
    ['completed', `finished_at = now() + interval '1 day'`],
    ['failed', `last_error = 'nothing happened'`],
  ] as const)('of a %s job cannot be changed as in: set %s', async (status, assignment) => {
    const id = await addJobThatIs(sql.engine, status)
    const { code, message, hint } = await refusalOf(
      sql.hand(`update rowbeat.scheduled_jobs set ${assignment} where id = $1`, [id]),
    )
    expect([code, hint.length > 20]).toEqual(['RB002', true])
    expect(message).toContain(assignment.split(' ')[0])
  })

  it.each([
    ['pending', `status = 'failed', finished_at = 'infinity'`, 'RB002', 'rowbeat.cancel_job'],
    ['pending', `status = 'failed', finished_at = '1970-01-01'`, 'RB002', 'rowbeat.cancel_job'],
    [
      'running',
      `status = 'completed', finished_at = now() + interval '1 year'`,
      'RB002',
      'rowbeat.cancel_job',
    ],
    ['pending', 'retry_count = 50', 'RB002', 'max_retries = retry_count'],
    ['pending', `scheduled_at = '20000-01-01'`, 'RB010', 'rowbeat.reschedule'],
    ['failed', `status = 'pending', scheduled_at = '0044-03-15 BC'`, 'RB010', 'rowbeat.reschedule'],
  ] as const)('of a %s job do not take what cannot be: set %s', async (status, assignment, code, help) => {
    const id = await addJobThatIs(sql.engine, status)
    const refusal = await refusalOf(
      sql.hand(`update rowbeat.scheduled_jobs set ${assignment} where id = $1`, [id]),
    )
    expect(refusal.code).toBe(code)
    expect(refusal.hint).toContain(help)
  })

  it('let a job fail for good next time by taking the retries it has left', async () => {
    const id = await addJob(sql.engine, { retry_count: 2 })
    const none = sql.hand('update rowbeat.scheduled_jobs set max_retries = 0 where id = $1', [id])
    expect((await refusalOf(none)).code).toBe('RB002')
    await sql.hand('update rowbeat.scheduled_jobs set max_retries = retry_count where id = $1', [id])
    expect((await sql.job(id)).max_retries).toBe(2)
  })

  it('of a running job that steer its time may be changed', async () => {
    const id = await addJobThatIs(sql.engine, 'running')
    await sql.hand('update rowbeat.scheduled_jobs set timeout_seconds = 60, priority = 1 where id = $1', [id])
    expect(await sql.job(id)).toMatchObject({ status: 'running', timeout_seconds: 60, priority: 1 })
  })

  it('that would make a step wait for ever are refused', async () => {
    const { steps } = await addExecution(sql.engine, { a: {}, b: { after: ['a'] } })
    const nobody = sql.hand(`update rowbeat.scheduled_jobs set depends_on = '{nobody}' where id = $1`, [
      steps.b,
    ])
    expect((await refusalOf(nobody)).code).toBe('RB003')
    const itself = sql.hand(`update rowbeat.scheduled_jobs set depends_on = '{b}' where id = $1`, [steps.b])
    expect((await refusalOf(itself)).code).toBe('RB003')
    for (const nothing of ['null', `'{}'`, `'{a,null}'`]) {
      const { code, hint } = await refusalOf(
        sql.hand(`update rowbeat.scheduled_jobs set depends_on = ${nothing} where id = $1`, [steps.b]),
      )
      expect([nothing, code]).toEqual([nothing, 'RB003'])
      expect(hint).toMatch(/rowbeat\.\w+/)
    }
    const inTurn = sql.hand(`update rowbeat.scheduled_jobs set depends_on = '{b}' where id = $1`, [steps.a])
    expect((await refusalOf(inTurn)).message).toContain('would wait for itself')
  })

  it('may be written as they are: nothing happens and nothing is logged', async () => {
    const id = await addEnded(sql.engine, 'completed')
    await sql.hand('update rowbeat.scheduled_jobs set status = status where id = $1', [id])
    expect(await sql.hand('select from rowbeat.action_log')).toEqual([])
  })
})
