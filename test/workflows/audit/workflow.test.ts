import { beforeEach, describe, expect, it } from 'vitest'
import { RowbeatError } from '../../../src/core/errors.ts'
import { SkipSignal } from '../../../src/core/outcome.ts'
import type { Outbound, ProgressReport } from '../../../src/core/ports.ts'
import { planSteps } from '../../../src/core/workflow.ts'
import { createCompute } from '../../../src/engine/compute.ts'
import { AuditInput } from '../../../src/workflows/audit/steps/input.ts'
import type { Rooms } from '../../../src/workflows/audit/steps/rooms.ts'
import { threadedRooms } from '../../../src/workflows/audit/steps/threaded-rooms.ts'
import {
  readCompetitors,
  readTrendRun,
  saveCompetitors,
  saveProfile,
} from '../../../src/workflows/audit/store.ts'
import { auditWorkflow } from '../../../src/workflows/audit/workflow.ts'
import { useAuditDatabase } from './database.ts'
import { article, competitor, EXECUTION_ID, page, profile, settings, trendResult } from './fixtures.ts'

const database = useAuditDatabase()

const outbound: Outbound = {
  fetch: async () => {
    throw new Error('no step talks to the network by itself')
  },
  isMapped: (host) => host.endsWith('.test'),
}

const compute = createCompute({ idleSeconds: 0.001 })

const unused = async (): Promise<never> => {
  throw new Error('this room was not expected to be used')
}

const rooms = (over: Partial<Rooms>): Rooms => ({
  crawlSite: unused,
  buildProfile: unused,
  createSearchProvider: () => null,
  findCompetitors: unused,
  scrapeArticles: unused,
  runTrends: unused,
  ...over,
})

let reports: ProgressReport[] = []
beforeEach(() => {
  reports = []
})

/** Runs one step as the engine would. */
async function run(
  step: string,
  given: { domain: string; rooms: Partial<Rooms>; jobId?: string; signal?: AbortSignal; input?: object },
) {
  const workflow = auditWorkflow(settings, () => rooms(given.rooms))
  const definition = workflow.steps.find((one) => one.jobType === step)
  if (definition === undefined) throw new Error(`no step ${step}`)
  return await definition.run({
    db: database.db,
    outbound,
    compute,
    input: AuditInput.parse({ domain: given.domain, ...given.input }),
    jobId: given.jobId ?? '1',
    executionId: EXECUTION_ID,
    attempt: 1,
    signal: given.signal ?? new AbortController().signal,
    log: { info: () => undefined, warn: () => undefined },
    progress: (report) => reports.push(report),
  })
}

async function count(table: string, where: string): Promise<number> {
  const { rows } = await database.pool.query(`select count(*)::int as n from rowbeat.${table} where ${where}`)
  return rows[0].n
}

const analysed = async (domain: string): Promise<void> => {
  await saveProfile(database.db, { domain, executionId: null, jobId: '1', durationSeconds: 1 }, profile(), [
    page(),
  ])
}

const scraped = (over: Partial<Awaited<ReturnType<Rooms['scrapeArticles']>>> = {}) => ({
  found: 3,
  fetched: 3,
  stored: 2,
  unchanged: 0,
  rejected: [],
  nearDuplicates: [],
  ...over,
})

describe('the workflow', () => {
  const workflow = auditWorkflow(settings)

  it('has the five steps of the contract with their limits', () => {
    expect(workflow).toMatchObject({ name: 'audit_orchestrator', maxDuration: 3600 })
    expect(
      workflow.steps.map((one) => [
        one.index,
        one.jobType,
        one.title,
        one.timeout,
        one.estimate,
        one.critical,
      ]),
    ).toEqual([
      [1, 'editorial_analysis', 'Editorial Analysis', 600, 600, true],
      [2, 'competitor_search', 'Competitor Search', 300, 300, false],
      [3, 'client_scraping', 'Client Site Scraping', 600, 180, false],
      [4, 'enhanced_scraping', 'Competitor Scraping', 1200, 600, false],
      [5, 'trend_pipeline', 'Trend Pipeline', 1200, 1200, false],
    ])
    expect(new Set(workflow.steps.map((one) => one.retry))).toEqual(new Set([settings.retry]))
  })

  it('lets 2 and 3 run at the same time, 4 after 2, and 5 last', () => {
    const order = Object.fromEntries(
      planSteps(workflow).map((one) => [one.definition.jobType, one.dependsOn]),
    )
    expect(order).toEqual({
      editorial_analysis: [],
      competitor_search: ['editorial_analysis'],
      client_scraping: ['editorial_analysis'],
      enhanced_scraping: ['competitor_search'],
      trend_pipeline: ['client_scraping', 'enhanced_scraping'],
    })
  })

  it('has the domain as its subject and refuses unknown input', () => {
    expect(workflow.subject(AuditInput.parse({ domain: 'a.fr' }))).toBe('a.fr')
    expect(() => AuditInput.parse({ domain: 'a.fr', max_page: 3 })).toThrow(/max_page/)
    expect(() => AuditInput.parse({ domain: 'a.fr', max_pages: 501 })).toThrow()
  })

  it.each([
    'editorial_analysis',
    'competitor_search',
    'client_scraping',
    'enhanced_scraping',
    'trend_pipeline',
  ])('refuses a domain that may not be audited in %s, whoever inserted the job', async (step) => {
    await expect(run(step, { domain: '127.0.0.1', rooms: {} })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })
})

describe('editorial analysis', () => {
  const crawl: Partial<Rooms> = {
    crawlSite: async (options) => {
      options.onProgress?.(1, 2)
      return { pages: [page(), page()], discovered: 9, skipped: [], source: 'sitemap' }
    },
    buildProfile: async (pages) => profile({ pagesAnalyzed: pages.length }),
  }

  it('stores profile and pages, reports pages, and leaves the same rows when it runs twice', async () => {
    for (const turn of [1, 2]) {
      const result = await run('editorial_analysis', { domain: 'Analyse.test', rooms: crawl, jobId: '11' })
      expect([turn, result]).toMatchObject([turn, { pages_crawled: 2, pages_discovered: 9, language: 'fr' }])
    }
    expect(await count('site_profiles', "domain = 'analyse.test'")).toBe(1)
    expect(reports[0]).toEqual({ done: 1, total: 2, unit: 'pages' })
  })

  it('stores nothing once it was stopped', async () => {
    const stopped = AbortSignal.abort(new Error('cancelled'))
    await expect(
      run('editorial_analysis', { domain: 'stopped.test', rooms: crawl, signal: stopped }),
    ).rejects.toThrow('cancelled')
    expect(await count('site_profiles', "domain = 'stopped.test'")).toBe(0)
  })

  it('passes on why a site gave nothing', async () => {
    const down = new RowbeatError('DNS_FAILURE', 'no such host')
    await expect(
      run('editorial_analysis', { domain: 'down.test', rooms: { crawlSite: () => Promise.reject(down) } }),
    ).rejects.toBe(down)
  })
})

describe('competitor search', () => {
  it('stores what was found and hands on whom a person added', async () => {
    await analysed('seek.test')
    await saveCompetitors(database.db, 'seek.test', [competitor('hand.fr', { status: 'manual' })])
    let manual: readonly string[] = []
    const found = [
      competitor('rival.fr'),
      competitor('shop.fr', { status: 'excluded', reason: 'marketplace' }),
    ]
    const result = await run('competitor_search', {
      domain: 'seek.test',
      rooms: {
        findCompetitors: async (search) => {
          manual = search.manual
          return [...found, competitor('hand.fr', { status: 'manual' })]
        },
      },
    })
    expect(manual).toEqual(['hand.fr'])
    expect(result).toEqual({ validated: 1, manual: 1, excluded: 1 })
    expect((await readCompetitors(database.db, 'seek.test')).map((one) => one.domain)).toEqual([
      'hand.fr',
      'rival.fr',
      'shop.fr',
    ])
  })

  it('is skipped, not failed, without a provider and without anybody added by hand', async () => {
    await analysed('noprovider.test')
    const real = auditWorkflow(settings).steps.find((one) => one.jobType === 'competitor_search')
    const { findCompetitors } = await import('../../../src/workflows/audit/search/competitors.ts')
    expect(real).toBeDefined()
    await expect(
      run('competitor_search', { domain: 'noprovider.test', rooms: { findCompetitors } }),
    ).rejects.toSatisfy((error) => error instanceof SkipSignal && error.code === 'PROVIDER_NOT_CONFIGURED')
  })

  it('needs a profile', async () => {
    await expect(run('competitor_search', { domain: 'noprofile.test', rooms: {} })).rejects.toMatchObject({
      code: 'DEPENDENCY_NOT_COMPLETED',
    })
  })
})

describe('client scraping', () => {
  it('stores articles as the client’s own, with a report, and knows them the next time', async () => {
    const known: boolean[] = []
    const scrape: Rooms['scrapeArticles'] = async (options) => {
      known.push(options.known(article('own.test', 1).urlHash) !== null)
      await options.onArticle(article('own.test', 1))
      options.onProgress?.(1, 3)
      return scraped({ rejected: [{ url: 'https://own.test/tag', reason: 'taxonomy: tag' }] })
    }
    for (const _ of [1, 2]) {
      const result = await run('client_scraping', { domain: 'own.test', rooms: { scrapeArticles: scrape } })
      expect(result).toMatchObject({ found: 3, stored: 2, rejected: 1 })
    }
    expect(known).toEqual([false, true])
    expect(await count('article_links', "client_domain = 'own.test' and role = 'client'")).toBe(1)
    expect(await count('scrape_reports', "client_domain = 'own.test' and problem_code is null")).toBe(1)
    expect(reports.at(-1)).toEqual({ done: 1, total: 3, unit: 'articles' })
  })

  it('fails with the code of the site and records it', async () => {
    const empty = new RowbeatError('NO_CONTENT', 'no article')
    await expect(
      run('client_scraping', {
        domain: 'empty.test',
        rooms: { scrapeArticles: () => Promise.reject(empty) },
      }),
    ).rejects.toBe(empty)
    expect(
      await count('scrape_reports', "client_domain = 'empty.test' and problem_code = 'NO_CONTENT'"),
    ).toBe(1)
  })
})

describe('competitor scraping', () => {
  const competitors = (client: string, domains: string[]) =>
    saveCompetitors(
      database.db,
      client,
      domains.map((domain) => competitor(domain)),
    )

  it('goes on when one site gives nothing, and records that', async () => {
    await competitors('many.test', ['a.fr', 'b.fr', 'c.fr', 'd.fr'])
    const scrape: Rooms['scrapeArticles'] = async ({ domain, onArticle }) => {
      if (domain === 'b.fr') throw new RowbeatError('TLS_FAILURE', 'expired')
      await onArticle(article(domain, 1))
      return scraped()
    }
    const result = await run('enhanced_scraping', { domain: 'many.test', rooms: { scrapeArticles: scrape } })
    expect(result).toEqual({
      sites: 4,
      sites_scraped: 3,
      stored: 6,
      unchanged: 0,
      sites_failed: [{ domain: 'b.fr', code: 'TLS_FAILURE' }],
    })
    expect(await count('scrape_reports', "client_domain = 'many.test'")).toBe(4)
    expect(reports[0]).toEqual({ done: 0, total: 4, unit: 'sites' })
    expect(reports.at(-1)).toEqual({ done: 4, total: 4, unit: 'sites' })
  })

  it('goes on with the unfinished sites when it is tried again', async () => {
    await competitors('again.test', ['e.fr', 'f.fr'])
    const asked: string[] = []
    const scrape: Rooms['scrapeArticles'] = async ({ domain }) => {
      asked.push(domain)
      if (domain === 'f.fr' && asked.filter((one) => one === domain).length === 1)
        throw new RowbeatError('UPSTREAM_TIMEOUT', 'slow')
      return scraped()
    }
    await run('enhanced_scraping', { domain: 'again.test', rooms: { scrapeArticles: scrape }, jobId: '41' })
    await run('enhanced_scraping', { domain: 'again.test', rooms: { scrapeArticles: scrape }, jobId: '41' })
    expect(asked.toSorted()).toEqual(['e.fr', 'f.fr', 'f.fr'])
    expect(asked.at(-1)).toBe('f.fr')
  })

  it('fails only when every site does, with the code of the first', async () => {
    await competitors('allfail.test', ['g.fr', 'h.fr'])
    const scrape: Rooms['scrapeArticles'] = async ({ domain }) => {
      throw new RowbeatError(domain === 'g.fr' ? 'DNS_FAILURE' : 'TLS_FAILURE', domain)
    }
    await expect(
      run('enhanced_scraping', { domain: 'allfail.test', rooms: { scrapeArticles: scrape } }),
    ).rejects.toMatchObject({ code: 'DNS_FAILURE', message: expect.stringContaining('none of 2') })
  })

  it('does not take our own fault for one of the site', async () => {
    await competitors('bug.test', ['i.fr', 'j.fr', 'k.fr', 'l.fr', 'm.fr'])
    const asked: string[] = []
    const scrape: Rooms['scrapeArticles'] = async ({ domain }) => {
      asked.push(domain)
      throw new TypeError('a bug')
    }
    await expect(
      run('enhanced_scraping', { domain: 'bug.test', rooms: { scrapeArticles: scrape } }),
    ).rejects.toThrow('a bug')
    expect(asked.length).toBeLessThanOrEqual(3)
  })

  it('is skipped when there is no competitor', async () => {
    await expect(run('enhanced_scraping', { domain: 'alone.test', rooms: {} })).rejects.toBeInstanceOf(
      SkipSignal,
    )
  })
})

describe('trend pipeline', () => {
  it('hands over themes, competitors and the window, and stores the run once', async () => {
    await analysed('trend.test')
    await saveCompetitors(database.db, 'trend.test', [competitor('rival.fr')])
    const questions: Parameters<Rooms['runTrends']>[0][] = []
    const runTrends: Rooms['runTrends'] = async (question, hooks) => {
      questions.push(question)
      hooks.onStage('temporal', 1, 2)
      return trendResult([], { asOf: question.asOf.toISOString() })
    }
    for (const _ of [1, 2]) {
      await run('trend_pipeline', {
        domain: 'trend.test',
        rooms: { runTrends },
        input: { time_window_days: 30, skip_gap_analysis: true },
      })
    }
    expect(questions[0]).toMatchObject({
      competitorDomains: ['rival.fr'],
      clientDomain: 'trend.test',
      themes: [{ slug: 'velos-cargos' }, { slug: 'logistique-urbaine' }],
      timeWindowDays: 30,
      skipGapAnalysis: true,
      skipSynthesis: false,
    })
    expect(questions[1]?.asOf).toEqual(questions[0]?.asOf)
    expect(await count('trend_runs', "client_domain = 'trend.test'")).toBe(1)
    expect(reports.at(-1)).toEqual({ done: 1.5, total: 4, unit: 'stages', message: 'temporal' })
  })

  it('fails with INSUFFICIENT_ARTICLES, and stores no run, when there is too little', async () => {
    await analysed('few.test')
    await expect(
      run('trend_pipeline', { domain: 'few.test', rooms: { runTrends: threadedRooms(compute).runTrends } }),
    ).rejects.toMatchObject({ name: 'RowbeatError', code: 'INSUFFICIENT_ARTICLES' })
    expect(await readTrendRun(database.db, 'few.test')).toBeNull()
  })
})
