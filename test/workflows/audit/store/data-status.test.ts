import { describe, expect, it } from 'vitest'
import {
  readDataStatus,
  readDocumentSources,
  saveScrapeReport,
  saveTrendRun,
  saveVerdicts,
} from '../../../../src/workflows/audit/store.ts'
import { useAuditDatabase } from '../database.ts'
import { ALL_THERE, NOTHING_THERE, trendResult } from '../fixtures.ts'
import { report, storeAudit, trendRun } from '../stored.ts'

const database = useAuditDatabase()
const thresholds = { minClientArticles: 5, minCompetitorArticles: 10, maxAgeHours: null }

describe('the data status', () => {
  it('is empty for an unknown domain, and costs one statement', async () => {
    const before = database.statements()
    const reading = await readDataStatus(database.db, 'unknown.fr', thresholds)
    expect(reading.status).toEqual(NOTHING_THERE)
    expect(Math.abs(reading.now - Date.now())).toBeLessThan(60_000)
    expect(database.statements() - before).toBe(1)
  })

  it('has everything when everything was stored, also for a maximum age', async () => {
    await storeAudit(database, 'full.fr')
    expect((await readDataStatus(database.db, 'full.fr', thresholds)).status).toEqual(ALL_THERE)
    expect((await readDataStatus(database.db, 'full.fr', { ...thresholds, maxAgeHours: 1 })).status).toEqual(
      ALL_THERE,
    )
    await database.pool.query(
      "update rowbeat.site_profiles set analyzed_at = now() - interval '2 hours' where domain = 'full.fr'",
    )
    const aged = await readDataStatus(database.db, 'full.fr', { ...thresholds, maxAgeHours: 1 })
    expect(aged.status).toEqual({ ...ALL_THERE, has_profile: false })
  })

  it('counts only articles of usable competitors, up to the threshold', async () => {
    await storeAudit(database, 'usable.fr')
    await saveVerdicts(database.db, 'usable.fr', [
      { domain: 'rival-of-usable.fr', status: 'excluded', reason: null },
    ])
    const { status, facts } = await readDataStatus(database.db, 'usable.fr', {
      ...thresholds,
      minClientArticles: 3,
    })
    expect(status).toMatchObject({
      has_competitors: false,
      has_competitor_articles: false,
      has_client_articles: true,
    })
    expect(facts.clientArticles).toBe(3)
  })

  it('takes a trend run only when its first three stages completed', async () => {
    const stages = {
      clustering: 'completed',
      temporal: 'completed',
      synthesis: 'skipped',
      gap: 'completed',
    } as const
    await saveTrendRun(database.db, trendRun('skipped.fr', '5'), trendResult([], { stages }))
    const read = async () =>
      (await readDataStatus(database.db, 'skipped.fr', thresholds)).status.has_trend_pipeline
    expect(await read()).toBe(false)
    const failedGap = { ...stages, synthesis: 'completed', gap: 'failed' } as const
    await saveTrendRun(database.db, trendRun('skipped.fr', '6'), trendResult([], { stages: failedGap }))
    expect(await read()).toBe(true)
  })
})

describe('the sources of a document', () => {
  it('come in a constant number of statements', async () => {
    await storeAudit(database, 'sources.fr')
    await saveScrapeReport(
      database.db,
      report('sources.fr', 'rival-of-sources.fr', {
        jobId: '8',
        problem: { code: 'TLS_FAILURE', message: 'expired' },
      }),
    )
    const before = database.statements()
    const sources = await readDocumentSources(database.db, 'sources.fr')
    expect(database.statements() - before).toBeLessThanOrEqual(7)
    expect(sources).toMatchObject({
      clientArticles: 5,
      competitors: [{ domain: 'rival-of-sources.fr', status: 'validated', combined: 0.55 }],
      unscraped: [{ domain: 'rival-of-sources.fr', code: 'TLS_FAILURE', message: 'expired' }],
      pages: { read: 1, withoutMainText: 0 },
    })
    expect(sources?.themes).toEqual([
      { slug: 'velos-cargos', articles: 5, topKeywords: ['vélo cargo', 'livraison'] },
      { slug: 'logistique-urbaine', articles: 0, topKeywords: [] },
    ])
    expect(Date.parse(sources?.lastUpdated ?? '')).toBeGreaterThanOrEqual(
      Date.parse(sources?.run?.createdAt ?? ''),
    )
  })
})
