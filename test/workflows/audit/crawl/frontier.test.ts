import { describe, expect, it } from 'vitest'
import { openFrontier } from '../../../../src/workflows/audit/crawl/frontier.ts'
import { inOrder } from '../../../../src/workflows/audit/crawl/in-order.ts'
import { sectionOf, spreadOverSections } from '../../../../src/workflows/audit/crawl/sections.ts'
import { isSameSite, pageKey, resolveUrl, siteKey } from '../../../../src/workflows/audit/crawl/site-scope.ts'

const SITE = 'https://client.fr'

describe('which URLs belong to a site', () => {
  it('counts sub-domains of a registrable domain, but not other tenants of a host', () => {
    expect(isSameSite('https://blog.client.fr/x', 'www.client.fr')).toBe(true)
    expect(isSameSite('https://notclient.fr/x', 'client.fr')).toBe(false)
    expect(siteKey('a.github.io')).not.toBe(siteKey('b.github.io'))
    expect(siteKey('shop.client.co.uk')).toBe('client.co.uk')
  })

  it('keeps reserved names apart, www aside', () => {
    expect(isSameSite('http://www.client.test/x', 'client.test')).toBe(true)
    expect(isSameSite('http://rival.test/x', 'client.test')).toBe(false)
    expect(siteKey('a.demo.example')).not.toBe(siteKey('b.demo.example'))
  })

  it('refuses other schemes, ports, credentials and endless addresses', () => {
    for (const url of [
      'ftp://client.fr/',
      'https://client.fr:8443/',
      'https://u:p@client.fr/',
      `${SITE}/${'x'.repeat(3_000)}`,
    ]) {
      expect(resolveUrl(url)).toBeNull()
    }
  })

  it('takes scheme, www, slash, tracking, order of parameters and fragment for one page', () => {
    const key = pageKey('https://www.client.fr/a/?b=2&a=1&utm_source=x#top')
    expect(pageKey('http://client.fr/a?a=1&b=2')).toBe(key)
    expect(pageKey('http://client.fr/a?a=1&b=3')).not.toBe(key)
    expect(pageKey('http://client.fr/A?a=1&b=2')).not.toBe(key)
  })
})

describe('the frontier of a crawl', () => {
  it('takes each page once and says why it leaves one out', () => {
    const frontier = openFrontier('client.fr')
    expect(frontier.add(`${SITE}/a`, 1)).toBe('added')
    expect(frontier.add('http://www.client.fr/a/', 2)).toBe('known')
    expect(frontier.add('https://other.fr/a', 1)).toBe('off_site')
    expect(frontier.add(`${SITE}/a.pdf`, 1)).toBe('file')
    expect(frontier.add(`${SITE}/deep`, 6)).toBe('too_deep')
    expect(frontier.add(`${SITE}/a/b/a/b/a/b`, 1)).toBe('path_loop')
    expect(frontier.size()).toBe(1)
  })

  it('follows twenty query variants of a path', () => {
    const frontier = openFrontier('client.fr')
    const outcomes = Array.from({ length: 30 }, (_, day) => frontier.add(`${SITE}/calendar?day=${day}`, 1))
    expect(outcomes.filter((outcome) => outcome === 'added')).toHaveLength(20)
    expect(outcomes.at(-1)).toBe('too_many_variants')
    expect(frontier.add(`${SITE}/other?day=1`, 1)).toBe('added')
  })
})

describe('the choice over sections', () => {
  it('takes one page of every section in turn, whatever the order of the input', () => {
    const urls = ['/blog/a', '/blog/b', '/blog/c', '/services/x', '/about', '/tag/z'].map((path) => ({
      url: SITE + path,
    }))
    const paths = (list: readonly { url: string }[]) => list.map(({ url }) => new URL(url).pathname)
    const spread = paths(spreadOverSections(urls))
    expect(spread).toEqual(['/about', '/blog/a', '/services/x', '/blog/b', '/blog/c', '/tag/z'])
    expect(paths(spreadOverSections(urls.toReversed()))).toEqual(spread)
  })

  it('looks behind a language segment', () => {
    expect(sectionOf(`${SITE}/fr/blog/a`)).toBe('client.fr/fr/blog')
    expect(sectionOf(`${SITE}/fr/contact`)).toBe('client.fr')
  })
})

describe('work side by side', () => {
  it('comes back in the order of the input, never more at a time than allowed', async () => {
    let running = 0
    let most = 0
    const work = async (turns: number) => {
      running += 1
      most = Math.max(most, running)
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return turns
    }
    const results: number[] = []
    for await (const result of inOrder([5, 1, 3, 0, 2], 2, work)) results.push(result)
    expect(results).toEqual([5, 1, 3, 0, 2])
    expect(most).toBe(2)
  })

  it('does not stop for one item that is late, and holds back a bounded number of results', async () => {
    const late = Promise.withResolvers<void>()
    const started: number[] = []
    const work = async (item: number) => {
      started.push(item)
      if (item === 0) await late.promise
      return item
    }
    const items = Array.from({ length: 30 }, (_, item) => item)
    const results: number[] = []
    const consume = async () => {
      for await (const result of inOrder(items, 2, work)) results.push(result)
    }
    const consumed = consume()
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(results).toEqual([])
    expect(started).toEqual(items.slice(0, 7))
    late.resolve()
    await consumed
    expect(results).toEqual(items)
  })

  it('starts nothing more once the consumer stops, and waits for what runs', async () => {
    const started: number[] = []
    const ended: number[] = []
    const work = async (item: number) => {
      started.push(item)
      await new Promise((resolve) => setImmediate(resolve))
      ended.push(item)
      return item
    }
    for await (const result of inOrder([1, 2, 3, 4, 5, 6], 2, work)) if (result === 2) break
    expect(started).toEqual([1, 2, 3])
    expect(ended).toEqual([1, 2, 3])
  })

  it('throws the first error in input order', async () => {
    const work = async (item: string) => {
      if (item !== 'fine') throw new Error(item)
      return item
    }
    const consume = async () => {
      for await (const result of inOrder(['fine', 'first', 'second'], 3, work)) expect(result).toBe('fine')
    }
    await expect(consume()).rejects.toThrow('first')
  })
})
