import { describe, expect, it } from 'vitest'
import { RowbeatError } from '../../../../src/core/errors.ts'
import type { Outbound } from '../../../../src/core/ports.ts'
import { visitHomePages } from '../../../../src/workflows/audit/search/enrich.ts'
import { type FakeAnswer, fakeOutbound, htmlPage, rejection } from './fakes.ts'

const { signal } = new AbortController()
const ROBOTS = { body: 'User-agent: *\nCrawl-delay: 2\nDisallow: /prive/', contentType: 'text/plain' }

async function visit(domain: string, pages: Readonly<Record<string, FakeAnswer | Error>>) {
  const visits = await visitHomePages([domain], { outbound: fakeOutbound(pages), signal })
  return visits.get(domain)
}

describe('visitHomePages', () => {
  it('reads the home page, keeps to the crawl delay, and decodes by the declared charset', async () => {
    const outbound = fakeOutbound({
      'https://rival.fr/robots.txt': ROBOTS,
      'https://rival.fr/': htmlPage('Vélos', 'Nous louons des vélos cargo aux entreprises de la ville.'),
    })
    const visits = await visitHomePages(['rival.fr', 'rival.fr'], { outbound, signal })
    expect(visits.get('rival.fr')).toMatchObject({
      ok: true,
      answeredBy: 'rival.fr',
      page: { title: 'Vélos', language: 'fr', problem: null },
    })
    expect(outbound.requests).toHaveLength(2)
    expect(outbound.requests[1]).toMatchObject({
      hostDelaySeconds: 2,
      accept: expect.arrayContaining(['text/html']),
    })
  })

  it('says which domain answered after redirects', async () => {
    expect(
      await visit('old.fr', {
        'https://old.fr/': {
          ...htmlPage('New', 'Nous louons des vélos cargo.'),
          finalUrl: 'https://www.new.fr/accueil',
        },
      }),
    ).toMatchObject({ ok: true, answeredBy: 'new.fr' })
  })

  it.each<[string, Readonly<Record<string, FakeAnswer | Error>>, string]>([
    ['a domain that does not resolve', {}, 'DNS_FAILURE'],
    [
      'robots.txt that forbids',
      { 'https://a.fr/robots.txt': { body: 'User-agent: *\nDisallow: /', contentType: 'text/plain' } },
      'ROBOTS_DISALLOWED',
    ],
    ['a missing page', { 'https://a.fr/': { status: 404 } }, 'UPSTREAM_REJECTED'],
    ['too many requests', { 'https://a.fr/': { status: 429 } }, 'RATE_LIMIT_EXCEEDED'],
    ['a server error', { 'https://a.fr/': { status: 503 } }, 'UPSTREAM_ERROR'],
    ['a file', { 'https://a.fr/': { contentType: 'application/pdf', body: '' } }, 'NO_CONTENT'],
    [
      'a redirect to an address',
      { 'https://a.fr/': { ...htmlPage('x', 'y'), finalUrl: 'https://10.0.0.1/' } },
      'ADDRESS_NOT_ALLOWED',
    ],
    [
      'an error of the network',
      { 'https://a.fr/': new RowbeatError('RESPONSE_TOO_LARGE', 'too large') },
      'RESPONSE_TOO_LARGE',
    ],
  ])('records %s', async (_, pages, code) => {
    expect(await visit('a.fr', pages)).toMatchObject({ ok: false, code, message: expect.any(String) })
  })

  it('gives up on a site that takes too long, and on that one only', async () => {
    const quick = fakeOutbound({ 'https://quick.fr/': htmlPage('Quick', 'Nous louons des vélos cargo.') })
    const outbound: Outbound = {
      isMapped: () => false,
      fetch: (request) =>
        new URL(request.url).host === 'slow.fr' ? untilAborted(request.signal) : quick.fetch(request),
    }
    const visits = await visitHomePages(['slow.fr', 'quick.fr'], { outbound, signal, secondsPerSite: 0.05 })
    expect(visits.get('slow.fr')).toMatchObject({ ok: false, code: 'UPSTREAM_TIMEOUT' })
    expect(visits.get('quick.fr')).toMatchObject({ ok: true })
  })

  it('visits at most eight sites at once', async () => {
    let open = 0
    let most = 0
    const outbound: Outbound = {
      isMapped: () => false,
      async fetch() {
        open += 1
        most = Math.max(most, open)
        await new Promise((resolve) => setImmediate(resolve))
        open -= 1
        throw new RowbeatError('TLS_FAILURE', 'bad certificate')
      },
    }
    const domains = Array.from({ length: 30 }, (_, index) => `site${index}.fr`)
    const visits = await visitHomePages(domains, { outbound, signal })
    expect(visits.size).toBe(30)
    expect(most).toBe(8)
  })

  it('ends with the reason of the signal', async () => {
    const controller = new AbortController()
    const reason = new RowbeatError('CANCELLED', 'cancelled')
    const outbound: Outbound = {
      isMapped: () => false,
      fetch: (request) => {
        queueMicrotask(() => controller.abort(reason))
        return untilAborted(request.signal)
      },
    }
    const visits = visitHomePages(['a.fr', 'b.fr'], { outbound, signal: controller.signal })
    expect(await rejection(visits)).toBe(reason)
  })

  it('does not hide a fault of ours', async () => {
    const fault = new TypeError('a bug')
    expect(await rejection(visit('a.fr', { 'https://a.fr/': fault }))).toBe(fault)
  })
})

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason))
  })
}
