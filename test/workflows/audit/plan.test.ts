import { describe, expect, it } from 'vitest'
import {
  AUDIT_STEPS,
  type Decision,
  dataStatus,
  decide,
  type LatestExecution,
  neededSteps,
} from '../../../src/workflows/audit/plan.ts'
import { ALL_THERE, EXECUTION_ID, facts, NOTHING_THERE, NOW } from './fixtures.ts'

const thresholds = { minClientArticles: 5, minCompetitorArticles: 10, maxAgeHours: null }
const HOUR = 3_600_000

describe('the data status', () => {
  it('has everything when everything reaches its threshold', () => {
    expect(dataStatus(facts(), thresholds, NOW)).toEqual(ALL_THERE)
  })

  it('uses the thresholds it is given, for the client and for competitors', () => {
    const strict = { ...thresholds, minClientArticles: 6, minCompetitorArticles: 11 }
    const status = dataStatus(facts(), strict, NOW)
    expect(status).toEqual({ ...ALL_THERE, has_client_articles: false, has_competitor_articles: false })
  })

  it('has no competitor articles without a competitor', () => {
    expect(dataStatus(facts({ competitors: 0 }), thresholds, NOW)).toMatchObject({
      has_competitors: false,
      has_competitor_articles: false,
    })
  })

  it('never asks for an age that was not asked for', () => {
    const old = facts({
      profileAt: 0,
      competitorsAt: 0,
      clientScrapedAt: null,
      competitorsScrapedAt: 0,
      trendAt: 0,
    })
    expect(dataStatus(old, thresholds, NOW)).toEqual(ALL_THERE)
  })

  it.each([
    ['profileAt', 'has_profile'],
    ['competitorsAt', 'has_competitors'],
    ['clientScrapedAt', 'has_client_articles'],
    ['competitorsScrapedAt', 'has_competitor_articles'],
    ['trendAt', 'has_trend_pipeline'],
  ] as const)('takes data as missing when %s is older than max_age_hours', (fact, has) => {
    const limited = { ...thresholds, maxAgeHours: 2 }
    expect(dataStatus(facts({ [fact]: NOW - 2 * HOUR }), limited, NOW)).toEqual(ALL_THERE)
    expect(dataStatus(facts({ [fact]: NOW - 2 * HOUR - 1 }), limited, NOW)).toEqual({
      ...ALL_THERE,
      [has]: false,
    })
    expect(dataStatus(facts({ [fact]: null }), limited, NOW)[has]).toBe(false)
  })
})

describe('the steps that are needed', () => {
  it('are none when all data is there', () => {
    expect(neededSteps(ALL_THERE)).toEqual([])
  })

  it('are all of them when there is nothing', () => {
    expect(neededSteps(NOTHING_THERE)).toEqual([...AUDIT_STEPS])
  })

  it.each([
    ['has_profile', ['editorial_analysis']],
    ['has_competitors', ['competitor_search', 'enhanced_scraping', 'trend_pipeline']],
    ['has_client_articles', ['client_scraping', 'trend_pipeline']],
    ['has_competitor_articles', ['enhanced_scraping', 'trend_pipeline']],
    ['has_trend_pipeline', ['trend_pipeline']],
  ] as const)('without %s are %j', (has, steps) => {
    expect(neededSteps({ ...ALL_THERE, [has]: false })).toEqual(steps)
  })
})

describe('a request for an audit', () => {
  const latest = (over: Partial<LatestExecution> = {}): LatestExecution => ({
    executionId: EXECUTION_ID,
    status: 'partial',
    endedAt: NOW - 60_000,
    steps: [...AUDIT_STEPS],
    ...over,
  })
  const ask = (over: Partial<Parameters<typeof decide>[0]>): Decision =>
    decide({ status: ALL_THERE, refresh: false, latest: null, now: NOW, freshSeconds: 300, ...over })
  const noTrend = { ...ALL_THERE, has_trend_pipeline: false }

  it('is answered when all data is there, even while a run is live', () => {
    expect(ask({})).toEqual({ kind: 'answer' })
    expect(ask({ latest: latest({ status: 'running', endedAt: null }) })).toEqual({ kind: 'answer' })
  })

  it('starts just what is missing', () => {
    expect(ask({ status: noTrend })).toEqual({ kind: 'start', steps: ['trend_pipeline'] })
  })

  it('starts everything with refresh, whatever is there and however fresh', () => {
    expect(ask({ refresh: true })).toEqual({ kind: 'start', steps: [...AUDIT_STEPS] })
    expect(ask({ refresh: true, latest: latest() })).toEqual({ kind: 'start', steps: [...AUDIT_STEPS] })
  })

  it('names the live run instead of a second one', () => {
    const live = latest({ status: 'pending', endedAt: null })
    expect(ask({ status: NOTHING_THERE, latest: live })).toMatchObject({
      kind: 'running',
      executionId: EXECUTION_ID,
    })
    expect(ask({ refresh: true, latest: live })).toMatchObject({ kind: 'running', executionId: EXECUTION_ID })
  })

  it('does not repeat what a fresh run tried in vain, and answers with what there is', () => {
    expect(ask({ status: noTrend, latest: latest() })).toEqual({ kind: 'answer' })
  })

  it('tells the caller to wait when a fresh run failed and left no profile', () => {
    const failed = latest({ status: 'failed' })
    expect(ask({ status: NOTHING_THERE, latest: failed })).toEqual({
      kind: 'rest',
      executionId: EXECUTION_ID,
      status: 'failed',
      retryAfterSeconds: 240,
    })
  })

  it('starts again once the run is no longer fresh or did not try what is missing', () => {
    const again = { kind: 'start', steps: ['trend_pipeline'] }
    expect(ask({ status: noTrend, latest: latest({ endedAt: NOW - 300_000 }) })).toEqual(again)
    expect(ask({ status: noTrend, latest: latest({ steps: ['editorial_analysis'] }) })).toEqual(again)
  })

  it('lets a cancelled run rest like a failed one, also behind a later run of some steps, and against refresh', () => {
    const cancelled = latest({ status: 'cancelled' })
    expect(ask({ status: noTrend, latest: cancelled })).toEqual({ kind: 'answer' })
    const rests = { kind: 'rest', executionId: EXECUTION_ID, status: 'cancelled', retryAfterSeconds: 240 }
    expect(ask({ status: NOTHING_THERE, latest: cancelled })).toEqual(rests)
    expect(ask({ refresh: true, latest: cancelled })).toEqual(rests)
    const between = latest({ executionId: 'between', steps: ['client_scraping'], endedAt: NOW - 10_000 })
    expect(ask({ status: NOTHING_THERE, latest: between, earlier: [cancelled] })).toEqual(rests)
    const old = latest({ status: 'cancelled', endedAt: NOW - 300_000 })
    expect(ask({ status: NOTHING_THERE, latest: between, earlier: [old] })).toMatchObject({ kind: 'start' })
  })

  it('starts nothing by refresh behind a run of some steps that followed a cancellation', () => {
    const cancelled = latest({ status: 'cancelled' })
    const between = latest({ executionId: 'between', steps: ['client_scraping'], endedAt: NOW - 10_000 })
    const ask409 = { refresh: true, latest: between, earlier: [between, cancelled] }
    expect(ask(ask409)).toMatchObject({ kind: 'rest', status: 'cancelled', retryAfterSeconds: 240 })
    const failed = { ...cancelled, status: 'failed' as const }
    expect(ask({ ...ask409, earlier: [between, failed] })).toMatchObject({ kind: 'start' })
    const whole = latest({ executionId: 'whole', status: 'failed', endedAt: NOW - 10_000 })
    expect(ask({ ...ask409, latest: whole, earlier: [whole, cancelled] })).toMatchObject({ kind: 'start' })
  })

  it('does not start a step that was cancelled a moment ago because others have rested enough', () => {
    const failed = latest({ executionId: 'failed', status: 'failed', endedAt: NOW - 299_000 })
    const cancelled = latest({ status: 'cancelled', steps: ['client_scraping'], endedAt: NOW - 60_000 })
    const rests = { kind: 'rest', executionId: EXECUTION_ID, retryAfterSeconds: 240 }
    expect(ask({ status: NOTHING_THERE, latest: cancelled, earlier: [failed] })).toMatchObject(rests)
    expect(ask({ status: NOTHING_THERE, latest: cancelled })).toMatchObject(rests)
  })

  it('never waits longer than the fresh time, even when the clocks disagree', () => {
    const future = latest({ status: 'failed', endedAt: NOW + 9_000_000 })
    expect(ask({ status: NOTHING_THERE, latest: future })).toMatchObject({ retryAfterSeconds: 300 })
  })
})
