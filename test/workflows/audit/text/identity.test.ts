import { describe, expect, it } from 'vitest'
import { hammingDistance, isNearDuplicate, simhash } from '../../../../src/workflows/audit/text/simhash.ts'
import { normaliseUrl, urlHash } from '../../../../src/workflows/audit/text/urls.ts'

const HASH_OF_EXAMPLE = '515bb5fb5baa9be10e00e7ffaf4428e1d25811a9c3501a6dc08a63e1072a225a'
const words = Array.from({ length: 400 }, (_, index) => `mot${(index * 7919) % 263}`)

describe('simhash', () => {
  it('gives 16 hex digits that ignore case, punctuation and spacing', () => {
    expect(simhash('Bonjour le monde')).toMatch(/^[0-9a-f]{16}$/)
    expect(simhash('Bonjour, le   MONDE !')).toBe(simhash('bonjour le monde'))
  })

  it('calls a text with one word changed a near-duplicate, and another text not', () => {
    const changed = words.with(200, 'autrement').join(' ')
    const other = words.map((word) => `autre${word}`).join(' ')
    expect(isNearDuplicate(simhash(words.join(' ')), simhash(changed))).toBe(true)
    expect(hammingDistance(simhash(words.join(' ')), simhash(other))).toBeGreaterThan(12)
  })

  it('counts bits', () => {
    expect(hammingDistance('0000000000000000', 'ffffffffffffffff')).toBe(64)
    expect(hammingDistance('8000000000000001', '0000000000000000')).toBe(2)
  })

  it('takes texts without words for duplicates of nothing', () => {
    expect(isNearDuplicate(simhash(''), simhash('…'))).toBe(false)
  })
})

describe('normaliseUrl', () => {
  it('drops fragment, trailing slash, default port, credentials and tracking', () => {
    expect(normaliseUrl('HTTPS://user:pw@Example.FR:443/Blog/A/?utm_source=x&id=3&gclid=1#part')).toBe(
      'https://example.fr/Blog/A?id=3',
    )
    expect(normaliseUrl('https://example.fr/')).toBe('https://example.fr')
    expect(normaliseUrl('https://example.fr/?utm_medium=mail')).toBe('https://example.fr')
  })

  it('hands back what is no URL', () => {
    expect(normaliseUrl(' not a url ')).toBe('not a url')
  })
})

describe('urlHash', () => {
  it('is one for all spellings of a page and another for other pages', () => {
    const hash = urlHash('https://example.fr/blog/a')
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    expect(urlHash('https://EXAMPLE.fr/Blog/A/?utm_campaign=z#top')).toBe(hash)
    expect(urlHash('https://example.fr/blog/a?page=2')).not.toBe(hash)
  })

  it('is the SHA-256 of the lower-cased URL', () => {
    // printf 'https://example.fr' | sha256sum
    expect(urlHash('https://example.fr/')).toBe(HASH_OF_EXAMPLE)
  })
})
