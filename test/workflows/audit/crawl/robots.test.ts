import { describe, expect, it } from 'vitest'
import { openRobotsBook, parseRobots, readRobots } from '../../../../src/workflows/audit/crawl/robots.ts'
import { deadOutbound, fakeOutbound, quiet } from './fake-outbound.ts'

const read = (answers: Parameters<typeof fakeOutbound>[0]) =>
  readRobots(fakeOutbound(answers), 'client.fr', quiet())

describe('the rules of robots.txt', () => {
  it('follow the longest match, wildcards and the end mark of RFC 9309', () => {
    const robots = parseRobots(
      'https://client.fr',
      'User-agent: *\nDisallow: /private\nAllow: /private/open\nDisallow: /*.php$\nDisallow: /tmp*x',
    )
    expect(robots.allowed('https://client.fr/private/a')).toBe(false)
    expect(robots.allowed('https://client.fr/private/open/a')).toBe(true)
    expect(robots.allowed('https://client.fr/a.php')).toBe(false)
    expect(robots.allowed('https://client.fr/a.php?x=1')).toBe(true)
  })

  it('written for our product token win over those for everybody', () => {
    const robots = parseRobots(
      'https://client.fr',
      'User-agent: *\nDisallow: /\n\nUser-agent: rowbeatbot/2.0\nDisallow: /no',
    )
    expect(robots.allowed('https://client.fr/yes')).toBe(true)
    expect(robots.allowed('https://client.fr/no')).toBe(false)
  })

  it('bind http, https, www and apex alike, and no other host', () => {
    const robots = parseRobots('https://www.client.fr', 'User-agent: *\nDisallow: /no')
    for (const origin of ['http://client.fr', 'https://client.fr', 'http://www.client.fr']) {
      expect(robots.allowed(`${origin}/yes`)).toBe(true)
      expect(robots.allowed(`${origin}/no`)).toBe(false)
    }
    expect(robots.allowed('https://blog.client.fr/yes')).toBe(false)
    expect(robots.allowed('https://other.fr/yes')).toBe(false)
    expect(robots.allowed('not a url')).toBe(false)
  })

  it('give the crawl delay up to ten seconds, and none for nonsense', () => {
    const delay = (value: string) => parseRobots('https://client.fr', `User-agent: *\nCrawl-delay: ${value}`)
    expect(delay('2').crawlDelaySeconds).toBe(2)
    expect(delay('86400').crawlDelaySeconds).toBe(10)
    expect(delay('-1').crawlDelaySeconds).toBeNull()
    expect(delay('soon').crawlDelaySeconds).toBeNull()
  })

  it('name the sitemaps, relative ones resolved, each once', () => {
    const robots = parseRobots(
      'https://client.fr',
      'Sitemap: /a.xml\nSitemap: https://client.fr/a.xml\nSitemap: ftp://x/y',
    )
    expect(robots.sitemaps).toEqual(['https://client.fr/a.xml'])
  })
})

describe('reading robots.txt', () => {
  it('allows everything for a 4xx and for an HTML page', async () => {
    const missing = await read({})
    expect(missing).toMatchObject({ status: 'absent', httpStatus: 404, origin: 'https://client.fr' })
    expect(missing.allowed('https://client.fr/x')).toBe(true)
    const html = await read({ '/robots.txt': '<!doctype html><p>Disallow: /</p>' })
    expect(html.status).toBe('not_text')
    expect(html.allowed('https://client.fr/x')).toBe(true)
  })

  it('forbids everything for a server error', async () => {
    const robots = await read({ '/robots.txt': { status: 503 } })
    expect(robots).toMatchObject({ status: 'unavailable', httpStatus: 503 })
    expect(robots.allowed('https://client.fr/')).toBe(false)
  })

  it('takes endless redirects for an absent file', async () => {
    const robots = await read({ '/robots.txt': { redirect: '/robots.txt' } })
    expect(robots.status).toBe('absent')
  })

  it('reads only the first 500 KiB, whole lines', async () => {
    const filler = `# ${'x'.repeat(1_000)}\n`.repeat(600)
    const robots = await read({
      '/robots.txt': `User-agent: *\nDisallow: /early\n${filler}Disallow: /late\n`,
    })
    expect(robots.allowed('https://client.fr/early')).toBe(false)
    expect(robots.allowed('https://client.fr/late')).toBe(true)
  })

  it('tells a file of gigabytes by its own code', async () => {
    await expect(read({ '/robots.txt': { error: 'RESPONSE_TOO_LARGE' } })).rejects.toMatchObject({
      code: 'RESPONSE_TOO_LARGE',
    })
  })

  it.each(['DNS_FAILURE', 'NETWORK_UNREACHABLE', 'TLS_FAILURE', 'UPSTREAM_TIMEOUT'] as const)(
    'throws %s when no address of the site answers',
    async (code) => {
      await expect(readRobots(deadOutbound(code), 'client.fr', quiet())).rejects.toMatchObject({ code })
    },
  )

  it('finds a site that lives only on www, or only on plain http', async () => {
    const onlyWww = fakeOutbound({
      'https://client.fr/robots.txt': { error: 'DNS_FAILURE' },
      'https://www.client.fr/robots.txt': 'User-agent: *',
    })
    expect((await readRobots(onlyWww, 'client.fr', quiet())).origin).toBe('https://www.client.fr')
    const onlyHttp = fakeOutbound({
      'https://client.fr/robots.txt': { error: 'NETWORK_UNREACHABLE' },
      'https://www.client.fr/robots.txt': { error: 'NETWORK_UNREACHABLE' },
      'http://client.fr/robots.txt': 'User-agent: *',
    })
    expect((await readRobots(onlyHttp, 'client.fr', quiet())).origin).toBe('http://client.fr')
  })

  it('never falls back to plain http because of a bad certificate', async () => {
    const outbound = fakeOutbound({
      'https://client.fr/robots.txt': { error: 'TLS_FAILURE' },
      'https://www.client.fr/robots.txt': { error: 'TLS_FAILURE' },
      'http://client.fr/robots.txt': 'User-agent: *',
    })
    await expect(readRobots(outbound, 'client.fr', quiet())).rejects.toMatchObject({ code: 'TLS_FAILURE' })
    expect(outbound.requests.every(({ url }) => url.startsWith('https:'))).toBe(true)
  })

  it('asks a mapped host over plain http only', async () => {
    const outbound = fakeOutbound({ '/robots.txt': 'User-agent: *' }, { mapped: ['client.test'] })
    expect((await readRobots(outbound, 'client.test', quiet())).origin).toBe('http://client.test')
    expect(outbound.requests).toHaveLength(1)
  })

  it('takes the redirect of the apex to www as the same site, and a foreign one not as its origin', async () => {
    const own = await read({
      'https://client.fr/robots.txt': { redirect: 'https://www.client.fr/robots.txt' },
      'https://www.client.fr/robots.txt': 'User-agent: *\nDisallow: /no',
    })
    expect(own.origin).toBe('https://www.client.fr')
    const foreign = await read({
      'https://client.fr/robots.txt': { redirect: 'https://other.com/robots.txt' },
      'https://other.com/robots.txt': 'User-agent: *\nDisallow: /no',
    })
    expect(foreign.origin).toBe('https://client.fr')
    expect(foreign.allowed('https://client.fr/no')).toBe(false)
  })

  it('stops with the reason of the signal', async () => {
    const signal = AbortSignal.abort(new Error('cancelled by hand'))
    await expect(readRobots(fakeOutbound({}), 'client.fr', signal)).rejects.toThrow('cancelled by hand')
  })
})

describe('the rules of sub-domains', () => {
  it('are read once each, and an unreachable host forbids', async () => {
    const outbound = fakeOutbound({
      'https://blog.client.fr/robots.txt': 'User-agent: *\nDisallow: /no',
      'https://down.client.fr/robots.txt': { error: 'DNS_FAILURE' },
      'http://down.client.fr/robots.txt': { error: 'DNS_FAILURE' },
    })
    const book = openRobotsBook(outbound, parseRobots('https://client.fr', ''), quiet())
    const rules = await Promise.all([
      book.forUrl('https://blog.client.fr/no'),
      book.forUrl('https://blog.client.fr/yes'),
    ])
    expect(
      rules.map((robots, index) => robots?.allowed(`https://blog.client.fr/${index === 0 ? 'no' : 'yes'}`)),
    ).toEqual([false, true])
    expect(await book.forUrl('https://down.client.fr/')).toBeNull()
    expect(outbound.requests.filter(({ url }) => url.includes('blog.'))).toHaveLength(1)
  })

  it('are not read for more than ten hosts', async () => {
    const outbound = fakeOutbound({})
    const book = openRobotsBook(outbound, parseRobots('https://client.fr', ''), quiet())
    const hosts = Array.from({ length: 12 }, (_, index) => `https://h${index}.client.fr/`)
    const rules = await Promise.all(hosts.map((url) => book.forUrl(url)))
    expect(rules.filter((robots) => robots === null)).toHaveLength(2)
  })
})
