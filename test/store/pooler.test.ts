/** Everything through PgBouncer in transaction mode, with fewer server connections than anybody would give it. */
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { RowbeatError } from '../../src/core/errors.ts'
import { defineWorkflow, step } from '../../src/core/workflow.ts'
import { type Connections, connect, transaction } from '../../src/store/database.ts'
import { createExecution, readExecution } from '../../src/store/executions.ts'
import { migrate, missingMigrations } from '../../src/store/migrate.ts'
import { eventsOf, useEngines } from '../engine/harness.ts'
import { createTestDatabase } from '../support/database.ts'
import { findPgBouncer, type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts'
import { until } from '../support/wait.ts'

const isMissing = findPgBouncer() === null
if (isMissing) process.stderr.write('No pgbouncer on this machine: the tests of the pooler are skipped\n')

describe.skipIf(isMissing)('behind a pooler', () => {
  const engines = useEngines()
  let bouncer: PgBouncer
  const open: Connections[] = []

  beforeAll(async () => {
    bouncer = await startPgBouncer(engines.directUrl, 4)
  })
  afterEach(async () => {
    await engines.pool.query('delete from rowbeat.schedules')
  })
  afterAll(async () => {
    for (const one of open.splice(0)) await one.close()
    await bouncer.close()
  })
  const pooled = (): string => bouncer.through(engines.directUrl)
  const poolOf = (url: string, max: number, applicationName = 'rowbeat'): pg.Pool => {
    const connections = connect({ url, max, applicationName })
    open.push(connections)
    return connections.pool
  }

  describe('a statement', () => {
    const named = (n: number): pg.QueryConfig => ({
      name: 'double',
      text: 'select 2 * $1::int as doubled',
      values: [n],
    })
    const prepared = "select name from pg_prepared_statements where name = 'double'"

    it('is prepared by name on a direct connection', async () => {
      const pool = poolOf(engines.directUrl, 1)
      expect((await pool.query(named(2))).rows).toEqual([{ doubled: 4 }])
      expect((await pool.query(prepared)).rows).toEqual([{ name: 'double' }])
    })

    it('is prepared by nobody else, however server connections change hands', async () => {
      const pool = poolOf(pooled(), 8)
      const numbers = Array.from({ length: 200 }, (_, n) => n)
      const answers = await Promise.all(numbers.map((n) => pool.query(named(n))))
      expect(answers.map((answer) => answer.rows[0]?.doubled)).toEqual(numbers.map((n) => 2 * n))
      const client = await pool.connect()
      try {
        expect((await client.query(named(3))).rows).toEqual([{ doubled: 6 }])
        expect((await client.query(prepared)).rows).toEqual([])
      } finally {
        client.release()
      }
    })

    it('runs under the application name of its own client', async () => {
      const pools = ['rowbeat', 'psql'].map((name) => ({ name, pool: poolOf(pooled(), 4, name) }))
      const text = "select current_setting('application_name') as name"
      const asked = Array.from({ length: 40 }, (_, n) => pools[n % 2])
      const answers = await Promise.all(asked.map((one) => one?.pool.query(text)))
      expect(answers.map((answer) => answer?.rows[0]?.name)).toEqual(asked.map((one) => one?.name))
    })

    it('of a transaction leaves no setting to the next', async () => {
      const pool = poolOf(pooled(), 8)
      const text = "select current_setting('synchronous_commit') as it"
      const usual = (await pool.query(text)).rows
      const seen = await Promise.all(
        Array.from({ length: 8 }, () =>
          transaction(pool, async (client) => {
            await client.query("select set_config('synchronous_commit', 'local', true)")
            return (await client.query(text)).rows
          }),
        ),
      )
      expect(seen).toEqual(Array.from({ length: 8 }, () => [{ it: 'local' }]))
      const after = await Promise.all(Array.from({ length: 8 }, () => pool.query(text)))
      expect(after.map((answer) => answer.rows)).toEqual(Array.from({ length: 8 }, () => usual))
    })
  })

  it('five migrate at once with one server connection, and it happens once', async () => {
    const database = await createTestDatabase()
    const narrow = await startPgBouncer(database.directUrl, 1)
    const pools = Array.from({ length: 5 }, () =>
      connect({ url: narrow.through(database.directUrl), max: 2, applicationName: 'rowbeat' }),
    )
    try {
      await pools[0]?.pool.query('drop schema rowbeat cascade')
      const runs = await Promise.all(pools.map((one) => migrate(one.pool)))
      const applied = runs.flatMap((run) => run.applied)
      expect(applied).toContain('0001_create_engine')
      expect(new Set(applied).size).toBe(applied.length)
      for (const one of pools) expect(await missingMigrations(one.pool)).toEqual([])
    } finally {
      for (const one of pools) await one.close()
      await narrow.close()
      await database.drop()
    }
  })

  const walk = defineWorkflow<unknown>({
    name: 'walk',
    input: { parse: (value) => value },
    subject: () => 'here',
    maxDuration: 60,
    steps: {
      first: step({ title: 'First', run: () => ({ pages: 1 }) }),
      left: step({ title: 'Left', after: ['first'], run: () => undefined }),
      right: step({ title: 'Right', after: ['first'], run: () => undefined }),
      last: step({ title: 'Last', after: ['left', 'right'], run: () => undefined }),
    },
  })

  it('two engines share jobs, retries, steps and a schedule, and say once that they hear nothing', async () => {
    await engines.pool.query(
      "insert into rowbeat.schedules (name, cron, job_type) values ('ticks', '* * * * * *', 'tick')",
    )
    const runs = new Map<string, number>()
    const count = ({ jobId }: { jobId: string }): undefined => {
      runs.set(jobId, (runs.get(jobId) ?? 0) + 1)
    }
    const options = {
      url: pooled(),
      listen: true,
      listenUrl: pooled(),
      jobs: {
        count,
        tick: () => undefined,
        flaky: {
          retry: { delays: [0, 0] },
          run: ({ attempt }: { attempt: number }) => {
            if (attempt < 2) throw new RowbeatError('UPSTREAM_ERROR', 'not yet')
            return undefined
          },
        },
      },
      workflows: [walk as never],
    }
    const started = await Promise.all([engines.start(options), engines.start(options)])
    const ids = await engines.add(...Array.from({ length: 300 }, () => ({ jobType: 'count' })), {
      jobType: 'flaky',
      maxRetries: 2,
    })
    const { executionId } = await createExecution(engines.pool, { workflow: walk, input: {} })
    for (const one of started) one.engine.wake('default', 0)
    const ticked = async (): Promise<boolean> => {
      const { rows } = await engines.pool.query(
        "select from rowbeat.scheduled_jobs where job_type = 'tick' and status = 'completed'",
      )
      return rows.length >= 2
    }
    await until(ticked, { what: 'two ticks' })
    const deaf = started.map((one) => () => eventsOf(one, 'listener.deaf').length === 1)
    await until(() => deaf.every((one) => one()), { what: 'the listeners to give up' })
    await engines.pool.query('delete from rowbeat.schedules')
    await engines.drained()
    expect((await readExecution(engines.pool, executionId))?.status).toBe('completed')
    expect(await engines.read(ids.at(-1) ?? '')).toMatchObject({ status: 'completed', retry_count: 1 })
    expect([...runs.values()].every((times) => times === 1)).toBe(true)
    expect(runs.size).toBe(300)
    expect(Object.keys(await engines.statuses())).toEqual(['completed'])
    for (const one of started) {
      expect(one.engine.listening()).toBe(false)
      expect(eventsOf(one, 'service.failed')).toEqual([])
    }
  })

  it('a direct line for LISTEN hears what is sent through the pooler', async () => {
    const slow = { lookMs: 60_000, lookListeningMs: 60_000 }
    let ran = 0
    const note = (): undefined => {
      ran += 1
    }
    const listenUrl = engines.directUrl
    const hearing = await engines.start({
      url: pooled(),
      listen: true,
      listenUrl,
      jobs: { note },
      timing: slow,
    })
    const other = await engines.start({ url: pooled(), jobs: {}, timing: slow })
    await until(() => hearing.engine.listening(), { what: 'LISTEN' })
    await engines.add({ jobType: 'note' })
    other.engine.wake('default', 0)
    await until(() => ran === 1, { what: 'the job to run' })
    expect(eventsOf(hearing, 'listener.deaf')).toEqual([])
  })

  it('work goes on when the pooler was killed and is back', async () => {
    const runs: string[] = []
    const note = ({ jobId }: { jobId: string }): undefined => {
      runs.push(jobId)
    }
    const options = { url: pooled(), jobs: { note }, concurrency: 4 }
    const started = await Promise.all([engines.start(options), engines.start(options)])
    const first = await engines.add(...Array.from({ length: 400 }, () => ({ jobType: 'note' })))
    for (const one of started) one.engine.wake('default', 0)
    await until(() => runs.length > 20, { what: 'work to be under way' })
    await bouncer.kill()
    const second = await engines.add(...Array.from({ length: 50 }, () => ({ jobType: 'note' })))
    await until(() => started.every((one) => eventsOf(one, 'service.failed').length > 0), {
      what: 'the outage to be felt',
    })
    await bouncer.restart()
    await engines.drained()
    expect(await engines.statuses()).toEqual({ completed: 450 })
    expect(new Set(runs)).toEqual(new Set([...first, ...second]))
    for (const one of started) expect(eventsOf(one, 'poller.fenced')).toEqual([])
  })
})
