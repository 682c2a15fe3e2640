import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { renderAuditSummary } from '../../src/cli/audit-summary.ts'
import { displayWidth } from '../../src/cli/layout.ts'
import { emptyDocument, fullDocument, plain } from './fixtures.ts'

describe('the summary of an audit', () => {
  it('shows every section with its figures', () => {
    const text = renderAuditSummary(fullDocument(), plain(100)).join('\n')
    for (const expected of [
      'Site audit of https://atelier-velo.test',
      'complete · 2026-03-02 · fresh data',
      'professional, technical vocabulary, short pages',
      'Transport and logistics, Retail',
      '78 %  very high, 4 topics',
      '    vélo, cargo',
      'cyclo-fret.test',
      ' 91 %',
      '↑ Batteries, cellules',
      '+120 %  8 articles, 2 sites, very promising',
      '▲ Batteries, cellules (high risk)',
      '✔ Atelier, freins',
      '  1. Batteries : faire le point (high priority, quick to write)',
      'Eight articles of two competitors, none here.',
      'enhanced scraping: a.test refuses us (UPSTREAM_REJECTED)',
      '→ Ask its operator.',
      '! No competitor is known.',
      '→ Add some by hand.',
    ]) {
      expect(text).toContain(expected)
    }
  })

  it('leaves out sections without data', () => {
    const lines = renderAuditSummary(emptyDocument(), plain(80))
    const headings = lines.filter((line, row) => lines[row - 1] === '' && line !== '')
    expect(headings).toEqual(['Profile'])
    expect(lines.join('\n')).not.toMatch(/null|undefined|NaN|0 %/)
  })

  it('shows ideas when there is no roadmap', () => {
    const document = fullDocument()
    const text = renderAuditSummary({ ...document, gap_analysis: null }, plain(100)).join('\n')
    expect(text).toContain('Ideas for articles')
    expect(text).toContain('• Batteries : faire le point (quick to write)')
    expect(text).not.toContain('What to write next')
  })

  it('says how old and how complete the data is', () => {
    const old = renderAuditSummary(emptyDocument({ data_age_hours: 30.2, partial: true }), plain(80))
    expect(old[2]).toBe('partial · 2026-03-02 · data 30 hours old')
    expect(renderAuditSummary(emptyDocument({ data_age_hours: 100 }), plain(80))[2]).toContain(
      'data 4 days old',
    )
  })

  it('cuts long lists and says how much is left out', () => {
    const [issue] = fullDocument().issues
    if (issue === undefined) throw new Error('the fixture has an issue')
    const issues = Array.from({ length: 15 }, () => issue)
    const lines = renderAuditSummary(emptyDocument({ issues }), plain(80))
    expect(lines.filter((line) => line.includes('No competitor'))).toHaveLength(12)
    expect(lines.at(-1)).toBe('  … and 3 more issues')
  })

  it.each([40, 60, 80, 100])('fits into %d cells, in colour too', (width) => {
    for (const line of renderAuditSummary(fullDocument(), { width, color: true })) {
      expect(displayWidth(stripVTControlCharacters(line))).toBeLessThanOrEqual(width)
    }
  })

  it('lets no site write to the terminal', () => {
    const document = fullDocument()
    const evil = '\u001b]52;c;aGk=\u0007Vé\u001b[1Alo'
    const changed = {
      ...document,
      domains: document.domains.map((domain) => ({ ...domain, label: evil })),
      audience: { ...document.audience, sectors: [evil] },
      issues: document.issues.map((issue) => ({ ...issue, message: evil })),
    }
    expect(renderAuditSummary(changed, plain(80)).join('')).not.toContain('\u001b')
  })
})
