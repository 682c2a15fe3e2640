import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { minutes } from '../../src/core/duration.ts'
import { defineWorkflow, step } from '../../src/core/workflow.ts'
import { type Connections, connect, refuseSettings, transaction } from '../../src/store/database.ts'
import { createExecution, readExecution } from '../../src/store/executions.ts'
import { claimFairly } from '../../src/store/fair-claims.ts'
import { enqueueJobs } from '../../src/store/jobs.ts'
import { setQueueLimits } from '../../src/store/limits.ts'
import { registerPoller } from '../../src/store/pollers.ts'
import { readSnapshot } from '../../src/store/reports.ts'
import { fireSchedule } from '../../src/store/schedule-firing.ts'
import { readDueSchedules } from '../../src/store/schedules.ts'
import { useTestDatabase } from '../support/database.ts'
import { queryOnce } from '../support/sessions.ts'
import { fairOf } from './limit-fixtures.ts'

const database = useTestDatabase()

const flow = defineWorkflow({
  name: 'flow',
  input: z.object({}),
  subject: () => 'one',
  maxDuration: minutes(1),
  steps: { only: step({ title: 'Only', run: async () => undefined }) },
})

const SETTINGS = [
  [`datestyle = 'SQL, DMY'`],
  ['datestyle = German'],
  ['intervalstyle = iso_8601'],
  [`timezone = 'Asia/Kolkata'`],
  [`default_transaction_isolation = 'repeatable read'`],
  ['default_transaction_isolation = serializable'],
  ['standard_conforming_strings = off'],
  ['bytea_output = escape'],
  ['search_path = nowhere'],
  ['client_encoding = latin1'],
] as const

async function withSetting(setting: string, work: (open: Connections) => Promise<void>): Promise<void> {
  const [found] = await queryOnce<{ name: string }>(database.url, 'select current_database() as name')
  const name = found?.name ?? ''
  await queryOnce(database.url, `alter database ${name} set ${setting}`)
  const open = connect({ url: database.url, max: 2, applicationName: 'rowbeat' })
  try {
    await open.pool.query(
      'truncate rowbeat.schedules, rowbeat.schedule_runs, rowbeat.scheduled_jobs, rowbeat.workflow_executions, rowbeat.queues cascade',
    )
    await work(open)
  } finally {
    await open.close()
    await queryOnce(database.url, `alter database ${name} reset all`)
  }
}

describe.each(SETTINGS)('with alter database … set %s', (setting) => {
  it('a schedule fires', () =>
    withSetting(setting, async ({ pool }) => {
      await pool.query(`insert into rowbeat.schedules (name, cron, job_type, accounted_until, missed_policy)
        values ('reports', '30 * * * *', 'report', clock_timestamp() - interval '2 hours', 'latest')`)
      expect((await readDueSchedules(pool)).due).toEqual(['reports'])
      const firing = await fireSchedule(pool, 'reports')
      expect(firing?.problem).toBeNull()
      expect(firing?.runs.filter((run) => run.jobId !== null)).toHaveLength(1)
    }))

  it('a limited queue is claimed while others commit', () =>
    withSetting(setting, async ({ pool }) => {
      const claim = fairOf({ pollerId: randomUUID() })
      await registerPoller(pool, {
        pollerId: claim.pollerId,
        name: 'host:1',
        version: '1',
        jobTypes: ['work'],
        concurrency: 4,
      })
      await setQueueLimits(pool, 'default', 'a test', { maxRunning: 2 })
      await enqueueJobs(pool, [{ jobType: 'work', scheduledAt: new Date(Date.now() - 60_000) }])
      expect((await claimFairly(pool, claim)).claimed).toHaveLength(1)
      const seen = await transaction(pool, async (client) => {
        await client.query('select 1')
        await enqueueJobs(pool, [{ jobType: 'later' }])
        return client.query(`select from rowbeat.scheduled_jobs where job_type = 'later'`)
      })
      expect(seen.rowCount).toBe(1)
    }))

  it('times and text are read as they are', () =>
    withSetting(setting, async ({ pool }) => {
      const { rows } = await pool.query(
        String.raw`select timestamptz '2026-11-30 12:34:56+00' as at, 'a\b' as text, bytea '\x00ff' as bytes, 'ü' as umlaut`,
      )
      expect(rows).toEqual([
        {
          at: new Date('2026-11-30T12:34:56Z'),
          text: String.raw`a\b`,
          bytes: Buffer.from([0, 255]),
          umlaut: 'ü',
        },
      ])
      const started = new Date()
      const { executionId } = await createExecution(pool, { workflow: flow, input: {} })
      const view = await readExecution(pool, executionId)
      expect(Math.abs((view?.createdAt.getTime() ?? 0) - started.getTime())).toBeLessThan(60_000)
      expect((await readSnapshot(pool)).stuck).toBe(0)
    }))
})

describe('behind a transaction pooler, where nothing can be set', () => {
  const fine = {
    isPooled: true,
    dateStyle: 'ISO, DMY',
    isolation: 'read committed',
    literals: 'on',
    role: 'app',
  }
  it.each([
    ['DateStyle', { dateStyle: 'German, DMY' }],
    ['default_transaction_isolation', { isolation: 'serializable' }],
    ['standard_conforming_strings', { literals: 'off' }],
  ])('a server with another %s is refused with what to run', (name, more) => {
    expect(() => refuseSettings(fine)).not.toThrow()
    expect(() => refuseSettings({ ...fine, ...more })).toThrow(`alter role app set ${name} = `)
  })
})
