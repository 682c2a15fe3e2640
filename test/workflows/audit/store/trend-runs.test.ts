import { describe, expect, it } from 'vitest'
import { readAsOf, readTrendRun, saveArticle, saveTrendRun } from '../../../../src/workflows/audit/store.ts'
import { useAuditDatabase } from '../database.ts'
import { article, NOW, trendResult } from '../fixtures.ts'
import { articleIds, countRows, trendRun } from '../stored.ts'

const database = useAuditDatabase()

describe('trend runs', () => {
  it('come back whole, and the same job writes the same run again', async () => {
    for (const n of [1, 2]) await saveArticle(database.db, 'run.fr', 'client', article('run.fr', n))
    const ids = await articleIds(database.pool, 'run.fr')
    const first = await saveTrendRun(database.db, trendRun('run.fr', '5'), trendResult(ids))
    const again = await saveTrendRun(database.db, trendRun('run.fr', '5'), trendResult(ids))
    expect(again).toBe(first)
    for (const [table, rows] of [
      ['topics', 2],
      ['topic_articles', 2],
      ['topic_windows', 8],
      ['topic_syntheses', 1],
      ['recommendations', 2],
      ['gaps', 1],
      ['strengths', 1],
      ['roadmap_items', 1],
    ] as const) {
      expect([table, await countRows(database.pool, table, `trend_run_id = ${first}`)]).toEqual([table, rows])
    }
    const run = await readTrendRun(database.db, 'run.fr')
    expect(run).toMatchObject({ runId: first, timeWindowDays: 90, stages: { gap: 'completed' } })
    expect(run?.topics[0]).toMatchObject({ topicId: 0, velocity: 0.8, potential: 0.55, size: 2 })
    expect(run?.topics[0]?.clientTerms).toHaveLength(2)
    expect(run?.topics[1]).toMatchObject({ velocity: null, freshness: null, clientTerms: [] })
    expect(run?.roadmap).toEqual([
      { position: 0, topicId: 1, recommendation: 1, priority: 0.8, tier: 'high', effort: 'medium' },
    ])
  })

  it('leave nothing behind when one row is refused', async () => {
    const broken = trendResult([], {
      strengths: [{ topicId: 99, coverage: 2, advantage: 1, description: '' }],
    })
    await expect(saveTrendRun(database.db, trendRun('broken.fr', '5'), broken)).rejects.toThrow(/foreign key/)
    expect(await countRows(database.pool, 'trend_runs', "client_domain = 'broken.fr'")).toBe(0)
  })

  it('leave out articles that were purged while the run computed', async () => {
    const id = await saveTrendRun(database.db, trendRun('purged.fr', '5'), {
      ...trendResult(['999999999']),
      outliers: [{ articleId: '999999998', category: 'too_short', distance: 0.9 }],
    })
    expect(await countRows(database.pool, 'topic_articles', `trend_run_id = ${id}`)).toBe(0)
    expect(await countRows(database.pool, 'topic_outliers', `trend_run_id = ${id}`)).toBe(0)
  })

  it('take all they found with them when they are deleted', async () => {
    const id = await saveTrendRun(database.db, trendRun('deleted.fr', '5'), trendResult([]))
    await database.pool.query('delete from rowbeat.trend_runs where id = $1', [id])
    for (const table of ['topics', 'topic_windows', 'recommendations', 'roadmap_items', 'gaps']) {
      expect([table, await countRows(database.pool, table, `trend_run_id = ${id}`)]).toEqual([table, 0])
    }
  })

  it('keep their moment when the same job runs twice, and take the present otherwise', async () => {
    await saveTrendRun(database.db, trendRun('moment.fr', '5'), trendResult([]))
    expect((await readAsOf(database.db, 'moment.fr', '5')).getTime()).toBe(NOW)
    expect((await readAsOf(database.db, 'moment.fr', '6')).getTime()).not.toBe(NOW)
  })
})
