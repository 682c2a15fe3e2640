import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  measureTopic,
  observationStarts,
  potentialOf,
  type TimedArticle,
  trendOf,
  usableDate,
  velocityShare,
} from '../../../../src/workflows/audit/trends/temporal.ts'

const AS_OF = Date.UTC(2025, 5, 30, 12)
const DAY = 86_400_000

function article(age: number | null, domain = 'a.test', term = 0): TimedArticle {
  return {
    domain,
    publishedMs: age === null ? null : AS_OF - age * DAY,
    vector: { indices: Uint32Array.of(term, 9), weights: Float64Array.of(0.8, 0.6) },
  }
}

/** Measures a topic among sources that have been known for years unless said otherwise. */
function measure(articles: readonly TimedArticle[], timeWindowDays = 90, knownDays = 1_000) {
  const observedSince = new Map(articles.map(({ domain }) => [domain, AS_OF - knownDays * DAY]))
  return measureTopic(
    { topicId: 3, articles, cohesion: 0.5 },
    { asOfMs: AS_OF, timeWindowDays, observedSince },
  )
}

const times = (count: number, from: number, to: number): TimedArticle[] =>
  Array.from({ length: count }, (_, at) => article(from + ((to - from) * at) / count, `site${at % 3}.test`))

describe('dates', () => {
  it('leaves out dates that are absent, unreadable, implausibly old or in the future', () => {
    expect(usableDate('2025-06-01T00:00:00Z', AS_OF)).toBe(Date.UTC(2025, 5, 1))
    for (const bad of [null, '', 'yesterday', '1970-01-01T00:00:00Z', '2025-06-30T12:00:00.001Z']) {
      expect(usableDate(bad, AS_OF)).toBeNull()
    }
  })

  it('knows a source from its oldest dated article on', () => {
    const starts = observationStarts([article(5), article(40), article(null), article(null, 'b.test')])
    expect([...starts]).toEqual([['a.test', AS_OF - 40 * DAY]])
  })
})

describe('velocity and trend', () => {
  it('reads a rising topic as up and a fading one as down', () => {
    const rising = measure([...times(12, 1, 80), ...times(3, 95, 170)])
    expect(rising.trend).toBe('up')
    expect(rising.velocity).toBeCloseTo((12 + 2) / (3 + 2) - 1, 4)
    const fading = measure([...times(3, 1, 80), ...times(12, 95, 170)])
    expect(fading.trend).toBe('down')
    expect(fading.velocity).toBeLessThan(-0.5)
  })

  it('gives a dead topic no velocity, a falling trend and no credit for it', () => {
    const dead = measure(times(10, 300, 500))
    expect(dead).toMatchObject({ velocity: null, freshness: null, sourceDiversity: 0, trend: 'down' })
    expect(dead.windows.map(({ velocity }) => velocity)).toEqual([null, null, null, null])
    expect(dead.potential).toBeCloseTo(0.15 * 0.5 + 0.15 * 0.1, 4)
  })

  it('says nothing of a topic with fewer than four articles in both windows', () => {
    expect(measure([article(1), article(2), article(100)])).toMatchObject({ velocity: null, trend: 'stable' })
  })

  it('does not take the reach of the crawl for a rise', () => {
    const articles = [...times(9, 0.5, 89.5), ...times(3, 91, 119)]
    expect(measure(articles, 90, 120).trend).toBe('stable')
    expect(measure(articles, 90, 1_000).trend).toBe('up')
  })

  it('falls back to the longest shorter window when nothing is known of the time before', () => {
    const metrics = measure(times(12, 1, 50), 90, 60)
    expect(metrics.windows.find(({ days }) => days === 90)?.velocity).toBeNull()
    expect(metrics.velocity).toBe(metrics.windows.find(({ days }) => days === 30)?.velocity)
    expect(metrics.velocity).not.toBeNull()
  })

  it('measures a window that is not one of the four', () => {
    expect(measure([...times(8, 1, 50), ...times(8, 61, 110)], 60).velocity).toBe(0)
  })

  it('keeps the thresholds of up and down outside', () => {
    expect([0.1001, 0.1, 0, -0.1, -0.1001].map(trendOf)).toEqual(['up', 'stable', 'stable', 'stable', 'down'])
  })
})

describe('windows', () => {
  it('holds its end and not its start', () => {
    const windows = measure([article(0), article(7), article(6.999)]).windows
    expect(windows.map(({ days, volume }) => [days, volume])).toEqual([
      [7, 2],
      [14, 3],
      [30, 3],
      [90, 3],
    ])
    expect(windows[0]).toMatchObject({ start: '2025-06-23T12:00:00.000Z', end: '2025-06-30T12:00:00.000Z' })
  })

  it('counts articles of the last seven days as fresh and domains as sources', () => {
    const metrics = measure([article(1), article(3, 'b.test'), article(20, 'c.test'), article(80)])
    expect(metrics).toMatchObject({ freshness: 0.5, sourceDiversity: 3 })
  })

  it('counts undated articles and leaves them out', () => {
    const metrics = measure([article(null), article(null), article(null)])
    expect(metrics).toMatchObject({
      datedArticles: 0,
      undatedArticles: 3,
      velocity: null,
      freshness: null,
      trend: 'stable',
    })
  })
})

describe('drift', () => {
  it('is zero when recent articles use the words of the older ones', () => {
    const window = measure([...times(4, 1, 6), ...times(6, 40, 80)]).windows[0]
    expect(window).toMatchObject({ drift: 0, driftDetected: false })
  })

  it('is found when recent articles use other words', () => {
    const recent = [1, 2, 3, 4].map((age) => article(age, 'a.test', 1))
    const window = measure([...recent, ...times(8, 40, 80)]).windows[0]
    expect(window?.drift).toBeGreaterThan(0.3)
    expect(window?.driftDetected).toBe(true)
  })

  it('needs three articles inside the window and three outside', () => {
    expect(measure([article(1), article(2), ...times(6, 40, 80)]).windows[0]?.drift).toBeNull()
    expect(measure([...times(6, 1, 5), article(40), article(41)]).windows[0]?.drift).toBeNull()
  })
})

describe('potential', () => {
  it('adds up to one at most and to nothing without facts', () => {
    const best = { velocity: 1, freshness: 0.5, sourceDiversity: 10, cohesion: 1, size: 100 }
    expect(potentialOf(best)).toBe(1)
    expect(potentialOf({ velocity: null, freshness: null, sourceDiversity: 0, cohesion: 0, size: 0 })).toBe(0)
  })

  it('gives half the velocity share to a topic that does not change', () => {
    expect([null, -1, 0, 1, 9].map(velocityShare)).toEqual([0, 0, 0.5, 1, 1])
  })

  it('keeps every score of any topic within 0 and 1', () => {
    const anyArticle = fc.record({
      age: fc.option(fc.double({ min: 0, max: 3_000, noNaN: true }), { nil: null }),
      domain: fc.constantFrom('a.test', 'b.test', 'c.test'),
      term: fc.nat(5),
    })
    fc.assert(
      fc.property(fc.array(anyArticle, { maxLength: 40 }), fc.integer({ min: 7, max: 400 }), (list, days) => {
        const articles = list.map(({ age, domain, term }) => article(age, domain, term))
        const observedSince = observationStarts(articles)
        const metrics = measureTopic(
          { topicId: 0, articles, cohesion: 0.3 },
          { asOfMs: AS_OF, timeWindowDays: days, observedSince },
        )
        expect(metrics.datedArticles + metrics.undatedArticles).toBe(articles.length)
        for (const value of [metrics.potential, metrics.freshness, ...metrics.windows.map((w) => w.drift)]) {
          expect(value ?? 0).toBeGreaterThanOrEqual(0)
          expect(value ?? 0).toBeLessThanOrEqual(1)
        }
        for (const { velocity } of [metrics, ...metrics.windows]) expect(velocity ?? 0).toBeGreaterThan(-1)
      }),
      { numRuns: 60 },
    )
  })
})
