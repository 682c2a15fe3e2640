import { describe, expect, it } from 'vitest'
import { createEvents } from '../../src/engine/events.ts'
import { createTally } from '../../src/engine/tally.ts'
import { useTestPool } from '../support/database.ts'

describe('a tally', () => {
  const database = useTestPool(2)

  it('adds what ended to the counts of the minute, in one row per kind, also of two processes', async () => {
    const ended = { type: 'job.ended', jobId: '1', executionId: null, attempt: 1, code: null } as const
    const rest = { message: null, seconds: 0, waitedSeconds: 0 }
    for (const times of [3, 4]) {
      const events = createEvents((error) => {
        throw error
      })
      const tally = createTally({ pool: database.pool, events })
      for (let i = 0; i < times; i++) {
        events.emit({ ...ended, ...rest, queue: 'q', jobType: 'a', outcome: 'completed' })
      }
      events.emit({ ...ended, ...rest, queue: 'q', jobType: 'a', outcome: 'failed' })
      await tally.stop()
    }
    const { rows } = await database.pool.query(
      'select outcome, sum(n)::int as n from rowbeat.job_counts group by outcome order by outcome',
    )
    expect(rows).toEqual([
      { outcome: 'completed', n: 7 },
      { outcome: 'failed', n: 2 },
    ])
    const view = await database.pool.query('select sum(completed)::int as completed from rowbeat.throughput')
    expect(view.rows).toEqual([{ completed: 7 }])
  })
})
