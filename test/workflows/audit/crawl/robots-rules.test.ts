import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRobots } from '../../../../src/workflows/audit/crawl/robots.ts'
import { permits, readRobotsText, readRules } from '../../../../src/workflows/audit/crawl/robots-rules.ts'

const ORIGIN = 'https://client.fr'

/** True when the rules let the path be fetched. */
function allows(rules: string, path: string): boolean {
  return parseRobots(ORIGIN, `User-agent: *\n${rules}`).allowed(ORIGIN + path)
}

describe('the examples of RFC 9309', () => {
  it('of percent-encoding (§2.2.2)', () => {
    for (const [pattern, path] of [
      ['/foo/bar?baz=quz', '/foo/bar?baz=quz'],
      ['/foo/bar?baz=https%3A%2F%2Ffoo.bar', '/foo/bar?baz=https%3A%2F%2Ffoo.bar'],
      ['/foo/bar?baz=https%3a%2f%2ffoo.bar', '/foo/bar?baz=https%3A%2F%2Ffoo.bar'],
      ['/foo/bar?baz=https://foo.bar', '/foo/bar?baz=https://foo.bar'],
      ['/foo/bar/ツ', '/foo/bar/%E3%83%84'],
      ['/foo/bar/%E3%83%84', '/foo/bar/ツ'],
      ['/foo/bar/%62%61%7A', '/foo/bar/baz'],
      ['/foo/bar/%7Ebaz', '/foo/bar/~baz'],
    ] as const) {
      expect([pattern, allows(`Disallow: ${pattern}`, path)]).toEqual([pattern, false])
      expect(allows(`Disallow: ${pattern}`, '/foo/other')).toBe(true)
    }
  })

  it('of special characters (§2.2.3)', () => {
    const rules =
      'Allow: /this/*/exactly\nDisallow: /this/exact$\nDisallow: /*.gif$\nDisallow: /star-%2A.html\nDisallow: /dollar-%24'
    expect(allows(rules, '/this/path/exactly')).toBe(true)
    expect(allows(rules, '/this/exact')).toBe(false)
    expect(allows(rules, '/this/exact/not')).toBe(true)
    expect(allows(rules, '/a/b.gif')).toBe(false)
    expect(allows(rules, '/a/b.gif?x')).toBe(true)
    expect(allows(rules, '/star-*.html')).toBe(false)
    expect(allows(rules, '/star-x.html')).toBe(true)
    expect(allows(rules, '/dollar-$')).toBe(false)
  })

  it('of the longest match (§5.2), and of ties, which allow', () => {
    const rules = 'Allow: /example/page/\nDisallow: /example/page/disallowed.gif'
    expect(allows(rules, '/example/page/disallowed.gif')).toBe(false)
    expect(allows(rules, '/example/page/')).toBe(true)
    expect(allows('Disallow: /a\nAllow: /a', '/a/b')).toBe(true)
    expect(allows('Disallow: /*b\nAllow: /ab', '/ab')).toBe(true)
    expect(allows('Allow: /$\nDisallow: /', '/')).toBe(true)
    expect(allows('Allow: /$\nDisallow: /', '/page')).toBe(false)
  })

  it('of groups (§5.1): those of one name count together, those for everybody when none names us', () => {
    const text = `User-agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-agent: foobot
Disallow: /
Allow: /example/page.html

User-agent: barbot
Sitemap: ${ORIGIN}/s.xml
User-Agent: rowbeatBOT/2.1 # us
Disallow: /one

User-agent: RowbeatBot
Disallow: /two
`
    const robots = parseRobots(ORIGIN, text)
    const paths = ['/one', '/two', '/example/', '/a.gif', '/publications/']
    expect(paths.map((path) => robots.allowed(ORIGIN + path))).toEqual([false, false, true, true, true])
    const others = parseRobots(ORIGIN, text.replaceAll(/rowbeatbot/gi, 'quxbot'))
    expect(paths.map((path) => others.allowed(ORIGIN + path))).toEqual([true, true, false, false, true])
    expect(robots.sitemaps).toEqual([`${ORIGIN}/s.xml`])
  })

  it('of nothing: an empty rule, no group, and robots.txt itself', () => {
    expect(allows('Disallow:', '/a')).toBe(true)
    expect(parseRobots(ORIGIN, 'Disallow: /').allowed(`${ORIGIN}/a`)).toBe(true)
    expect(allows('Disallow: /', '/robots.txt')).toBe(true)
  })
})

describe('wildcards', () => {
  /** The definition: any characters for a star, nothing behind a dollar. */
  function byDefinition(pattern: string, path: string): boolean {
    const anchored = pattern.endsWith('$')
    const stars = (anchored ? pattern.slice(0, -1) : pattern)
      .split('*')
      .map((part) => part.replaceAll('.', '\\.'))
    return new RegExp(`^${stars.join('.*')}${anchored ? '$' : ''}`).test(path)
  }
  const letters = (more: string) => fc.array(fc.constantFrom(...`ab.${more}`), { maxLength: 9 })

  it('match what their definition says', () => {
    fc.assert(
      fc.property(letters('*'), letters(''), fc.boolean(), (pattern, path, anchored) => {
        const rule = `/${pattern.join('')}${anchored ? '$' : ''}`
        const url = new URL(`${ORIGIN}/x`)
        // Set as a query: a path of dots would be resolved.
        url.search = path.join('')
        const target = `/x?${path.join('')}`
        const asked = rule.replace('/', '/x?')
        if (path.length > 0)
          expect([asked, target, !allows(`Disallow: ${asked}`, target)]).toEqual([
            asked,
            target,
            byDefinition(asked.replace('?', '\\?'), target),
          ])
      }),
      { numRuns: 2_000 },
    )
  })

  it('are folded: many in a row are one, and one at the end says nothing', () => {
    const { rules } = readRules('User-agent: *\nDisallow: /a***b\nDisallow: /c**\nDisallow: /d*$', ORIGIN)
    expect(rules.wildcards.map(({ parts }) => parts)).toEqual([['/a', 'b']])
    expect(rules.prefixes).toEqual(['/c', '/d'])
  })

  it('beyond eight in one rule are read to the strict side', () => {
    const many = `/${'*a'.repeat(9)}b`
    const { rules } = readRules(`User-agent: *\nDisallow: ${many}\nAllow: ${many}`, ORIGIN)
    expect(rules.wildcards).toEqual([
      { parts: ['/', ...Array(8).fill('a')], anchored: false, allow: false, length: 17 },
    ])
    expect(allows(`Disallow: ${many}`, `/${'a'.repeat(9)}`)).toBe(false)
  })

  it('beyond five hundred rules forbid from where their wildcard stands', () => {
    const lines = Array.from({ length: 600 }, (_, index) => `Disallow: /${index}/*x`)
    const { rules } = readRules(`User-agent: *\n${lines.join('\n')}`, ORIGIN)
    expect(rules.wildcards).toHaveLength(500)
    expect(rules.prefixes).toHaveLength(100)
  })

  it('of a pattern longer than any address are read to the strict side', () => {
    const long = `/a*${'b'.repeat(3_000)}`
    expect(readRules(`User-agent: *\nDisallow: ${long}`, ORIGIN).rules.wildcards).toMatchObject([
      { parts: ['/a', 'b'.repeat(1_997)], anchored: false },
    ])
    expect(readRules(`User-agent: *\nAllow: ${long}`, ORIGIN).rules.wildcards).toEqual([])
  })
})

describe('a hostile robots.txt', () => {
  it('of 245 rules such as /*a*a…b is held against 200 long links in a bounded number of steps', () => {
    const lines = Array.from({ length: 245 }, (_, index) => `Disallow: /${'*a'.repeat(900 + index)}b`)
    const { rules } = readRules(`User-agent: *\n${lines.join('\n')}`, ORIGIN)
    // Folded and cut they are one rule of eight wildcards, many times; none costs more than nine looks.
    expect(Math.max(...rules.wildcards.map(({ parts }) => parts.length))).toBe(9)
    expect(rules.wildcards.length).toBeLessThanOrEqual(500)
    let looks = 0
    const counted = {
      ...rules,
      wildcards: rules.wildcards.map((rule) => ({
        ...rule,
        get parts() {
          looks += rule.parts.length
          return rule.parts
        },
      })),
    }
    for (let index = 0; index < 200; index += 1) {
      permits(counted, new URL(`${ORIGIN}/${'a'.repeat(1_900)}${index}`))
    }
    expect(looks).toBeLessThanOrEqual(200 * 246 * 9)
  })

  it('of thousands of plain rules is sorted once and searched by halves', () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `Disallow: /${index.toString(3)}`)
    const { rules } = readRules(`User-agent: *\n${lines.join('\n')}\nAllow: /12/ok`, ORIGIN)
    let reads = 0
    const prefixes = new Proxy(rules.prefixes, {
      get: (target, name) => {
        reads += 1
        return Reflect.get(target, name)
      },
    })
    expect(permits({ ...rules, prefixes }, new URL(`${ORIGIN}/12/ok/a`))).toBe(true)
    expect(permits({ ...rules, prefixes }, new URL(`${ORIGIN}/1201x`))).toBe(false)
    expect(permits({ ...rules, prefixes }, new URL(`${ORIGIN}/z`))).toBe(true)
    expect(reads).toBeLessThan(200)
  })

  it.each([
    ['one line', `User-agent: *\nDisallow: /no\n${'a'.repeat(600_000)}`],
    ['colons', `User-agent: *\nDisallow: /no\n${':'.repeat(600_000)}`],
    ['names', `User-agent: *\nDisallow: /no\n${'User-agent: x\n'.repeat(40_000)}`],
    ['NUL', `User-agent: *\nDisallow: /no\n${'\0'.repeat(600_000)}`],
    ['lone surrogates', `User-agent: *\nDisallow: /no\nDisallow: /\uD800\uDC00\uD800`],
  ])('of %s without end keeps the rules before', (_what, text) => {
    const robots = readRobotsText({
      origin: ORIGIN,
      body: new TextEncoder().encode(text),
      contentType: 'text/plain',
    })
    expect(permits(robots.rules, new URL(`${ORIGIN}/no`))).toBe(false)
    expect(permits(robots.rules, new URL(`${ORIGIN}/yes`))).toBe(true)
  })
})
