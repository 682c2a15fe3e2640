import { describe, expect, it } from 'vitest'
import {
  linkArticles,
  listProfiles,
  markNearDuplicates,
  readAsOf,
  readCompetitors,
  readDataStatus,
  readDocumentSources,
  readKnownArticles,
  readLatestProfile,
  readScrapedBy,
  readTrendArticles,
  readTrendRun,
  readUsableDomains,
  type ScrapeReport,
  saveArticle,
  saveCompetitors,
  saveProfile,
  saveScrapeReport,
  saveTrendRun,
  saveVerdicts,
} from '../../../src/workflows/audit/store.ts'
import { useAuditDatabase } from './database.ts'
import {
  ALL_THERE,
  article,
  competitor,
  EXECUTION_ID,
  NOTHING_THERE,
  NOW,
  page,
  profile,
  trendResult,
} from './fixtures.ts'

const database = useAuditDatabase()
const thresholds = { minClientArticles: 5, minCompetitorArticles: 10, maxAgeHours: null }

const profileRun = (domain: string, jobId: string) => ({
  domain,
  jobId,
  executionId: EXECUTION_ID,
  durationSeconds: 12.345,
})
const trendRun = (clientDomain: string, jobId: string) => ({
  clientDomain,
  jobId,
  executionId: EXECUTION_ID,
  durationSeconds: 3,
})
const report = (clientDomain: string, domain: string, over: Partial<ScrapeReport> = {}): ScrapeReport => ({
  clientDomain,
  domain,
  role: clientDomain === domain ? 'client' : 'competitor',
  executionId: EXECUTION_ID,
  jobId: '7',
  found: 12,
  fetched: 10,
  stored: 8,
  unchanged: 1,
  nearDuplicates: 1,
  rejected: [
    { url: 'https://a.fr/tag', reason: 'not-an-article: tag page' },
    { url: 'https://a.fr/tag2', reason: 'not-an-article: tag page 2' },
  ],
  problem: null,
  ...over,
})

async function count(table: string, where: string): Promise<number> {
  const { rows } = await database.pool.query(`select count(*)::int as n from rowbeat.${table} where ${where}`)
  return rows[0].n
}

async function idsOf(domain: string): Promise<string[]> {
  const { rows } = await database.pool.query(
    'select id from rowbeat.articles where domain = $1 order by id',
    [domain],
  )
  return rows.map((row) => String(row.id))
}

describe('the tables of the audit', () => {
  it('carry a comment on every table and column', async () => {
    const { rows } = await database.pool.query(`
      select c.relname, a.attname
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'rowbeat'::regnamespace
        and c.relkind = 'r'
        and (col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null)`)
    expect(rows).toEqual([])
  })

  it('have an index for every foreign key, so that deleting a parent reads no whole table', async () => {
    const { rows } = await database.pool.query(`
      select f.conrelid::regclass::text as child, f.conname
      from pg_constraint f
      where f.contype = 'f'
        and f.connamespace = 'rowbeat'::regnamespace
        and not exists (
          select 1 from pg_index i
          where i.indrelid = f.conrelid
            and (i.indkey::smallint[])[0:cardinality(f.conkey) - 1] @> f.conkey)`)
    expect(rows).toEqual([])
  })
})

describe('profiles', () => {
  it('come back as they were stored, the newest first, with the history kept', async () => {
    await saveProfile(database.db, profileRun('history.fr', '1'), profile({ tone: 'old' }), [page()])
    await saveProfile(database.db, profileRun('history.fr', '2'), profile({ tone: 'new' }), [page()])
    const latest = await readLatestProfile(database.db, 'history.fr')
    expect(latest).toMatchObject({
      ...profile({ tone: 'new' }),
      domain: 'history.fr',
      durationSeconds: 12.345,
    })
    expect(latest?.analyzedAt).toMatch(/^\d{4}-.*Z$/)
    const history = await listProfiles(database.db, { domain: 'history.fr', limit: 10 })
    expect(history.map((one) => one.tone)).toEqual(['new', 'old'])
  })

  it('are written again, not added, when the same job runs twice', async () => {
    await saveProfile(database.db, profileRun('twice.fr', '1'), profile(), [page(), page()])
    const id = await saveProfile(database.db, profileRun('twice.fr', '1'), profile({ tone: 'second' }), [
      page(),
    ])
    expect(await count('site_profiles', "domain = 'twice.fr'")).toBe(1)
    expect(await count('site_pages', `profile_id = ${id}`)).toBe(1)
    expect((await readLatestProfile(database.db, 'twice.fr'))?.tone).toBe('second')
  })

  it('are listed once per site, page after page, without repeats', async () => {
    const seen: string[] = []
    let after: { analyzedAt: string; profileId: string } | undefined
    for (let turn = 0; turn < 20; turn++) {
      const [one] = await listProfiles(database.db, { limit: 1, ...(after === undefined ? {} : { after }) })
      if (one === undefined) break
      seen.push(one.domain)
      after = { analyzedAt: one.analyzedAt, profileId: one.profileId }
    }
    expect(seen.filter((domain) => domain === 'history.fr' || domain === 'twice.fr').sort()).toEqual([
      'history.fr',
      'twice.fr',
    ])
  })

  it('store what a hostile page holds: NUL, half surrogates, endless titles, a failed page', async () => {
    const content = page().content
    if (content === null) throw new Error('the fixture has content')
    const nasty = page({
      content: { ...content, title: `a\u0000b\ud800${'x'.repeat(5000)}`, author: '\udc00' },
    })
    const failed = page({
      content: null,
      status: 0,
      problem: { code: 'DNS_FAILURE', message: 'no such\u0000host' },
    })
    const id = await saveProfile(database.db, profileRun('nasty.fr', '1'), profile({ tone: 'a\u0000b' }), [
      nasty,
      failed,
    ])
    const { rows } = await database.pool.query(
      'select title, problem_code, problem_message from rowbeat.site_pages where profile_id = $1 order by position',
      [id],
    )
    expect(rows[0].title).toHaveLength(500)
    expect(rows[0].title.startsWith('ab\ufffdx')).toBe(true)
    expect(rows[1]).toEqual({ title: null, problem_code: 'DNS_FAILURE', problem_message: 'no suchhost' })
  })

  it('are null for a domain that was never analysed', async () => {
    expect(await readLatestProfile(database.db, 'never.fr')).toBeNull()
    expect(await readDocumentSources(database.db, 'never.fr')).toBeNull()
  })
})

describe('competitors', () => {
  it('are those of the newest search; what it no longer finds is gone', async () => {
    await saveCompetitors(database.db, 'search.fr', [
      competitor('one.fr'),
      competitor('two.fr', { status: 'excluded' }),
    ])
    await saveCompetitors(database.db, 'search.fr', [
      competitor('three.fr'),
      competitor('one.fr', { relevance: 0.9 }),
    ])
    await saveCompetitors(database.db, 'search.fr', [
      competitor('three.fr'),
      competitor('one.fr', { relevance: 0.9 }),
    ])
    const stored = await readCompetitors(database.db, 'search.fr')
    expect(stored.map((one) => [one.domain, one.relevance])).toEqual([
      ['one.fr', 0.9],
      ['three.fr', 0.6],
    ])
    expect(stored[0]?.sources).toEqual([{ query: 'vélo cargo', engine: 'demo', rank: 1 }])
  })

  it('keep what a person decided through later searches', async () => {
    await saveCompetitors(database.db, 'person.fr', [competitor('one.fr'), competitor('two.fr')])
    await saveVerdicts(database.db, 'person.fr', [
      { domain: 'one.fr', status: 'excluded', reason: 'a partner' },
      { domain: 'hand.fr', status: 'validated', reason: null },
    ])
    await saveCompetitors(database.db, 'person.fr', [competitor('one.fr', { relevance: 0.1 })])
    const stored = await readCompetitors(database.db, 'person.fr')
    expect(stored.find((one) => one.domain === 'one.fr')).toMatchObject({
      status: 'excluded',
      reason: 'a partner',
      relevance: 0.1,
    })
    expect(stored.find((one) => one.domain === 'hand.fr')).toMatchObject({ status: 'manual', combined: 0.5 })
    expect(stored.some((one) => one.domain === 'two.fr')).toBe(false)
    expect(await readUsableDomains(database.db, 'person.fr', { byHand: false })).toEqual(['hand.fr'])
    expect(await readUsableDomains(database.db, 'person.fr', { byHand: true })).toEqual(['hand.fr'])
  })

  it('never hold the client itself, and tolerate a repeated domain', async () => {
    const found = [competitor('self.fr'), competitor('rival.fr', { title: 'first' }), competitor('rival.fr')]
    await saveCompetitors(database.db, 'self.fr', found)
    const stored = await readCompetitors(database.db, 'self.fr')
    expect(stored.map((one) => [one.domain, one.title])).toEqual([['rival.fr', 'first']])
  })

  it('may be none at all', async () => {
    await saveCompetitors(database.db, 'none.fr', [competitor('gone.fr')])
    await saveCompetitors(database.db, 'none.fr', [])
    expect(await readCompetitors(database.db, 'none.fr')).toEqual([])
  })
})

describe('articles', () => {
  it('are one row per address and change only when their content does', async () => {
    const first = article('once.fr', 1)
    await saveArticle(database.db, 'once.fr', 'client', first)
    const read = async () =>
      (await database.pool.query("select * from rowbeat.articles where domain = 'once.fr'")).rows
    const [before] = await read()
    await saveArticle(database.db, 'once.fr', 'client', first)
    const again = await read()
    expect(again).toHaveLength(1)
    expect(again[0]).toEqual(before)
    await saveArticle(database.db, 'once.fr', 'client', { ...first, text: 'autre texte' })
    const [changed] = await read()
    expect(changed.text).toBe('autre texte')
    expect(changed.updated_at.getTime()).toBeGreaterThan(before.updated_at.getTime())
    expect(await count('article_links', "client_domain = 'once.fr'")).toBe(1)
  })

  it('are shared by two clients of the same competitor', async () => {
    await saveArticle(database.db, 'client-a.fr', 'competitor', article('shared.fr', 1))
    await linkArticles(database.db, 'client-b.fr', 'shared.fr', 'competitor')
    await linkArticles(database.db, 'client-b.fr', 'shared.fr', 'competitor')
    const { rows } = await database.pool.query(
      "select client_domain, role from rowbeat.article_links where domain = 'shared.fr' order by 1",
    )
    expect(rows).toEqual([
      { client_domain: 'client-a.fr', role: 'competitor' },
      { client_domain: 'client-b.fr', role: 'competitor' },
    ])
    expect(await idsOf('shared.fr')).toHaveLength(1)
  })

  it('remember what conditional requests need', async () => {
    await saveArticle(database.db, 'known.fr', 'client', article('known.fr', 3))
    const known = await readKnownArticles(database.db, 'known.fr')
    expect(known.get(article('known.fr', 3).urlHash)).toEqual({
      etag: '"3"',
      lastModified: null,
      simhash: '0000000000000003',
    })
  })

  it('survive hostile text', async () => {
    await saveArticle(
      database.db,
      'hostile.fr',
      'client',
      article('hostile.fr', 1, {
        title: `\u0000${'t'.repeat(900)}`,
        text: 'a\u0000\ud800b',
        keywords: ['x\u0000', "l'é"],
      }),
    )
    const { rows } = await database.pool.query(
      "select title, text, keywords from rowbeat.articles where domain = 'hostile.fr'",
    )
    expect(rows).toEqual([{ title: 't'.repeat(500), text: 'a\ufffdb', keywords: ['x', "l'é"] }])
  })

  it('go into a trend run by role, window and competitor, without near duplicates', async () => {
    const client = 'trend-in.fr'
    await saveCompetitors(database.db, client, [
      competitor('rival-in.fr'),
      competitor('out.fr', { status: 'excluded' }),
    ])
    for (const n of [1, 400]) await saveArticle(database.db, client, 'client', article(client, n))
    for (const n of [2, 3, 400])
      await saveArticle(database.db, client, 'competitor', article('rival-in.fr', n))
    await saveArticle(
      database.db,
      client,
      'competitor',
      article('rival-in.fr', 5, { publishedAt: null, dateSource: null }),
    )
    await saveArticle(database.db, client, 'competitor', article('out.fr', 4))
    await markNearDuplicates(database.db, [
      { urlHash: article('rival-in.fr', 3).urlHash, of: article('rival-in.fr', 2).urlHash },
      { urlHash: 'f'.repeat(64), of: article('rival-in.fr', 2).urlHash },
    ])
    const found = await readTrendArticles(database.db, client, new Date(NOW - 180 * 86_400_000))
    expect(found.map((one) => [one.role, one.domain, one.url.split('/').at(-1)])).toEqual([
      ['client', client, '1'],
      ['client', client, '400'],
      ['competitor', 'rival-in.fr', '2'],
      ['competitor', 'rival-in.fr', '5'],
    ])
    expect(found[0]?.publishedAt).toBe(article(client, 1).publishedAt)
    expect(found[3]?.publishedAt).toBeNull()
  })
})

describe('scrape reports', () => {
  it('are one per job and site, with rejections counted by kind', async () => {
    await saveScrapeReport(database.db, report('rep.fr', 'a.fr'))
    await saveScrapeReport(database.db, report('rep.fr', 'a.fr', { stored: 9 }))
    await saveScrapeReport(
      database.db,
      report('rep.fr', 'b.fr', { problem: { code: 'DNS_FAILURE', message: 'no' } }),
    )
    const { rows } = await database.pool.query(
      "select domain, stored, rejected, reject_reasons from rowbeat.scrape_reports where client_domain = 'rep.fr' order by 1",
    )
    expect(rows[0]).toEqual({
      domain: 'a.fr',
      stored: 9,
      rejected: 2,
      reject_reasons: { 'not-an-article': 2 },
    })
    expect(await readScrapedBy(database.db, 'rep.fr', '7')).toEqual(new Set(['a.fr']))
    expect(await readScrapedBy(database.db, 'rep.fr', '8')).toEqual(new Set())
  })
})

describe('trend runs', () => {
  it('come back whole, and the same job writes the same run again', async () => {
    for (const n of [1, 2]) await saveArticle(database.db, 'run.fr', 'client', article('run.fr', n))
    const ids = await idsOf('run.fr')
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
      expect([table, await count(table, `trend_run_id = ${first}`)]).toEqual([table, rows])
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
    expect(await count('trend_runs', "client_domain = 'broken.fr'")).toBe(0)
  })

  it('leave out articles that were purged while the run computed', async () => {
    const id = await saveTrendRun(database.db, trendRun('purged.fr', '5'), {
      ...trendResult(['999999999']),
      outliers: [{ articleId: '999999998', category: 'too_short', distance: 0.9 }],
    })
    expect(await count('topic_articles', `trend_run_id = ${id}`)).toBe(0)
    expect(await count('topic_outliers', `trend_run_id = ${id}`)).toBe(0)
  })

  it('take all they found with them when they are deleted', async () => {
    const id = await saveTrendRun(database.db, trendRun('deleted.fr', '5'), trendResult([]))
    await database.pool.query('delete from rowbeat.trend_runs where id = $1', [id])
    for (const table of ['topics', 'topic_windows', 'recommendations', 'roadmap_items', 'gaps']) {
      expect([table, await count(table, `trend_run_id = ${id}`)]).toEqual([table, 0])
    }
  })

  it('keep their moment when the same job runs twice, and take the present otherwise', async () => {
    await saveTrendRun(database.db, trendRun('moment.fr', '5'), trendResult([]))
    expect((await readAsOf(database.db, 'moment.fr', '5')).getTime()).toBe(NOW)
    expect((await readAsOf(database.db, 'moment.fr', '6')).getTime()).not.toBe(NOW)
  })
})

describe('the data status', () => {
  async function fill(client: string): Promise<void> {
    await saveProfile(database.db, profileRun(client, '1'), profile(), [page()])
    await saveCompetitors(database.db, client, [competitor(`rival-of-${client}`)])
    for (let n = 1; n <= 5; n++) await saveArticle(database.db, client, 'client', article(client, n))
    for (let n = 1; n <= 10; n++) {
      await saveArticle(database.db, client, 'competitor', article(`rival-of-${client}`, n))
    }
    await saveScrapeReport(database.db, report(client, client))
    await saveScrapeReport(database.db, report(client, `rival-of-${client}`))
    await saveTrendRun(database.db, trendRun(client, '5'), trendResult(await idsOf(client)))
  }

  it('is empty for an unknown domain, and costs one statement', async () => {
    const before = database.statements()
    const reading = await readDataStatus(database.db, 'unknown.fr', thresholds)
    expect(reading.status).toEqual(NOTHING_THERE)
    expect(Math.abs(reading.now - Date.now())).toBeLessThan(60_000)
    expect(database.statements() - before).toBe(1)
  })

  it('has everything when everything was stored, also for a maximum age', async () => {
    await fill('full.fr')
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
    await fill('usable.fr')
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

  it('gives the document its sources in a constant number of statements', async () => {
    await fill('sources.fr')
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
