import { describe, expect, it } from 'vitest'
import type { SiteAuditResponse } from '../../../../src/workflows/audit/schema.ts'
import type { DocumentSources } from '../../../../src/workflows/audit/store.ts'
import { assemble, codes, run } from '../document-fixtures.ts'

describe('issues', () => {
  it('are none when nothing is wrong but a topic without dates', () => {
    expect(codes(assemble())).toEqual(['MISSING_FRESHNESS'])
  })

  it.each([
    ['LOW_CONFIDENCE', 'critical', { clientArticles: 100 }],
    [
      'DUPLICATE_KEYWORDS',
      'critical',
      {
        themes: [
          { slug: 'velos-cargos', articles: 12, topKeywords: ['a', 'b', 'c', 'd', 'e'] },
          { slug: 'logistique-urbaine', articles: 5, topKeywords: ['a', 'b', 'c', 'd', 'x'] },
        ],
      },
    ],
    ['NO_COMPETITORS', 'warning', { competitors: [] }],
    ['INSUFFICIENT_ARTICLES', 'warning', { clientArticles: 4 }],
    ['SITES_NOT_SCRAPED', 'warning', { unscraped: [{ domain: 'a.fr', code: 'DNS_FAILURE', message: 'm' }] }],
    ['BOILERPLATE_DETECTED', 'warning', { pages: { read: 8, withoutMainText: 5 } }],
    [
      'TOPICS_COUNT_MISMATCH',
      'warning',
      { run: run({ topics: [], windows: [], syntheses: [], recommendations: [] }) },
    ],
    ['MISSING_OPPORTUNITIES', 'info', { run: null }],
    ['MISSING_TRENDING', 'info', { run: null }],
    ['MISSING_ANALYSES', 'info', { run: run({ syntheses: [] }) }],
    ['MISSING_TEMPORAL', 'info', { run: run({ windows: [] }) }],
    [
      'MISSING_SATURATED_ANGLES',
      'info',
      { run: run({ syntheses: run().syntheses.map((one) => ({ ...one, saturatedAngles: [] })) }) },
    ],
  ] as [string, string, Partial<DocumentSources>][])(
    'hold %s (%s) when the data calls for it',
    (code, severity, over) => {
      expect(codes(assemble())).not.toContain(code)
      const issue = assemble({ sources: over }).issues.find((one) => one.code === code)
      expect(issue).toMatchObject({
        severity,
        message: expect.stringMatching(/\.$/),
        suggestion: expect.stringMatching(/\.$/),
      })
    },
  )

  it('leave three of five common keywords alone: that is not more than 60 %', () => {
    const themes = [
      { slug: 'velos-cargos', articles: 12, topKeywords: ['a', 'b', 'c', 'd', 'e'] },
      { slug: 'logistique-urbaine', articles: 5, topKeywords: ['a', 'b', 'c', 'x', 'y'] },
    ]
    expect(codes(assemble({ sources: { themes } }))).not.toContain('DUPLICATE_KEYWORDS')
  })

  it('name the reason of an empty section, and none for a section that was not asked for', () => {
    const skipped = run({ recommendations: [], stages: { ...run().stages, synthesis: 'skipped' } })
    const find = (document: SiteAuditResponse) =>
      document.issues.find((one) => one.code === 'MISSING_OPPORTUNITIES')
    expect(find(assemble({ sources: { run: skipped } }))?.message).toContain('skipped')
    expect(find(assemble({ sources: { run: null } }))?.message).toContain('has not completed')
    expect(
      find(assemble({ sources: { run: null }, options: { includeOpportunities: false } })),
    ).toBeUndefined()
  })

  it('come with the critical ones first', () => {
    const weight = { critical: 0, warning: 1, info: 2 }
    const { issues } = assemble({ sources: { run: null, competitors: [], clientArticles: 1, themes: [] } })
    const order = issues.map((issue) => weight[issue.severity])
    expect(order).toEqual([...order].sort())
    expect(order[0]).toBe(0)
  })
})
