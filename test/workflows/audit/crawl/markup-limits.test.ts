import { describe, expect, it } from 'vitest'
import { extractListingLinks } from '../../../../src/workflows/audit/crawl/html-links.ts'
import { boundMarkup } from '../../../../src/workflows/audit/crawl/markup-limits.ts'
import { htmlPage } from './fake-outbound.ts'

describe('the limits of markup', () => {
  it('leave ordinary pages as they are, long lists, scripts and void elements included', () => {
    const pages = [
      htmlPage('accueil'),
      `<ul>${'<li>a</li><br><img src="x">'.repeat(20_000)}</ul>`,
      `<script>${'if (a<b) c = d + e\n'.repeat(20_000)}</script><p title="${'a b '.repeat(5_000)}">x</p>`,
      `<!-- ${'<div>'.repeat(20_000)} --><p>x</p>`,
      '',
    ]
    for (const page of pages) expect(boundMarkup(page) === page).toBe(true)
  })

  it('cut a page where it nests without end', () => {
    expect(boundMarkup(`<p>x</p>${'<div>'.repeat(300_000)}`)).toBe(`<p>x</p>${'<div>'.repeat(10_000)}`)
  })

  it('cut a page before an element with attributes without end', () => {
    const attributes = Array.from({ length: 100_000 }, (_, index) => `a${index}=1`).join(' ')
    expect(boundMarkup(`<a href=/x>y</a><a ${attributes}>z</a>`)).toBe('<a href=/x>y</a>')
  })

  it('keep the links before such a place', () => {
    expect(extractListingLinks(`<a href="/x">y</a>${'<b>'.repeat(100_000)}`, 'https://client.fr/')).toEqual([
      'https://client.fr/x',
    ])
  })

  it('cut at three million characters', () => {
    expect(boundMarkup('x'.repeat(4_000_000))).toHaveLength(3 * 1024 * 1024)
  })
})
