import { describe, expect, it } from 'vitest'
import { addEnded, addExecution, addJob, addPoller, type Row, useSql } from './staging.ts'

const sql = useSql()

const explain = (what: unknown): Promise<Row[]> =>
  sql.hand('select * from rowbeat.explain($1) order by place', [what])

describe('explain', () => {
  it('takes a job, an execution or a subject, and goes to the root', async () => {
    await addPoller(sql.engine)
    const { id: executionId, steps } = await addExecution(sql.engine, {
      a: {},
      b: { after: ['a'] },
      c: { after: ['b'] },
      d: { after: ['c'] },
    })
    const { subject } = await sql.execution(executionId)
    for (const what of [executionId, subject, steps.d]) {
      const rows = await explain(what)
      expect(rows.map((row) => [row.about, row.code])).toEqual([
        [expect.stringContaining(String(subject)), expect.stringMatching(/pending|running/)],
        [`step a, job ${steps.a}`, 'due'],
      ])
    }
  })

  it('says of a job of its own what explain_job says', async () => {
    const id = await addEnded(sql.engine, 'failed')
    expect(await explain(id)).toMatchObject([{ place: '1', about: `job ${id}`, code: 'failed' }])
  })

  it('finds steps that nobody advanced', async () => {
    await addPoller(sql.engine)
    const { id: executionId, steps } = await addExecution(sql.engine, { a: {}, b: { after: ['a'] } })
    await sql.engine.query(
      `update rowbeat.scheduled_jobs set status = 'completed', finished_at = now() where id = $1`,
      [steps.a],
    )
    expect((await explain(executionId))[1]).toMatchObject({ code: 'not_advanced' })
  })

  it.each(['no-such.example', '', null, '00000000-0000-0000-0000-000000000000', '999999999'])(
    'has one sentence for %s, which is nothing',
    async (what) => {
      const rows = await explain(what)
      expect(rows).toHaveLength(1)
      expect(rows[0]?.help).toContain('select')
    },
  )
})

describe('a limit in explain_job', () => {
  it('tells a count from an id', async () => {
    const said = await sql.one(
      `select rowbeat.used_up(0, null) as nobody, rowbeat.used_up(1, '{59}') as one, rowbeat.used_up(2, '{59,60}') as two`,
    )
    expect(said).toEqual({
      nobody: 'may run no jobs, and none runs',
      one: 'may run one job at once, and job 59 runs',
      two: 'may run 2 jobs at once, and 2 run: jobs 59, 60',
    })
  })
})

describe('what other sessions run', () => {
  it('is shown to those only who may read all of it', async () => {
    const id = await addJob(sql.engine)
    const holder = await sql.engine.connect()
    await sql.hand('drop role if exists rowbeat_test_night')
    await sql.hand('create role rowbeat_test_night login in role rowbeat_operator')
    try {
      await holder.query('begin')
      await holder.query(`select 'swordfish' from rowbeat.scheduled_jobs where id = $1 for update`, [id])
      const asked = `select string_agg(evidence, ' ') as said from rowbeat.doctor('0')
        union all select string_agg(reason, ' ') from rowbeat.explain_job(${id})`
      expect(JSON.stringify(await sql.hand(asked))).toContain('swordfish')
      await sql.hand('set session authorization rowbeat_test_night')
      const shown = JSON.stringify(await sql.hand(asked))
      expect(shown).toContain('backend ')
      expect(shown).not.toContain('swordfish')
    } finally {
      await sql.hand('reset session authorization')
      await sql.hand('drop role rowbeat_test_night')
      await holder.query('rollback')
      holder.release()
    }
  })
})
