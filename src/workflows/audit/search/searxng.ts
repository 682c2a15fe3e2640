/** SearXNG (and searx 1.1) as search provider. */
import { z } from 'zod'
import { RowbeatError } from '../../../core/errors.ts'
import type { Outbound, OutboundResponse } from '../../../core/ports.ts'
import type { SearchHit, SearchOptions, SearchProvider } from '../types.ts'
import { countryOf } from './markets.ts'

const MAX_HITS = 20
const MAX_ENGINES = 5
const MAX_BYTES = 2 * 1024 * 1024
const TIMEOUT_SECONDS = 15

const answerSchema = z.object({
  results: z.array(z.unknown()),
  unresponsive_engines: z.array(z.unknown()).nullish(),
})

const resultSchema = z.object({
  url: z.url({ protocol: /^https?$/ }).max(2_000),
  title: z.string().nullish(),
  content: z.string().nullish(),
  engine: z.string().nullish(),
  engines: z.array(z.string()).nullish(),
})

type SearxngResult = z.infer<typeof resultSchema>

/**
 * A provider that asks the SearXNG at `baseUrl` (http or https, a path is kept). Each query gives at most 20
 * hits; the names of several engines that found one page are joined by commas.
 *
 * `createSearxng` throws PROVIDER_NOT_CONFIGURED for a bad base address. `search` throws PROVIDER_NOT_CONFIGURED
 * (401, 403, 404), RATE_LIMIT_EXCEEDED (429), UPSTREAM_REJECTED (other 4xx), UPSTREAM_ERROR (5xx, an answer that
 * is no SearXNG JSON, or no hit while engines did not respond), and what {@link Outbound} throws.
 */
export function createSearxng(outbound: Outbound, baseUrl: string): SearchProvider {
  const endpoint = searchEndpoint(baseUrl)
  return {
    name: 'searxng',
    async search(query, options) {
      const response = await outbound.fetch({
        url: searchUrl(endpoint, query, options),
        headers: { accept: 'application/json' },
        signal: options.signal,
        maxBytes: MAX_BYTES,
        totalTimeoutSeconds: TIMEOUT_SECONDS,
      })
      refuseStatus(response, endpoint.host)
      return readHits(response, endpoint.host)
    },
  }
}

function searchEndpoint(baseUrl: string): URL {
  const base = URL.parse(baseUrl.trim())
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new RowbeatError('PROVIDER_NOT_CONFIGURED', 'SEARXNG_URL must be an absolute http or https address')
  }
  return new URL(`${base.origin}${base.pathname.replace(/\/+$/, '')}/search`)
}

function searchUrl(endpoint: URL, query: string, options: SearchOptions): string {
  const url = new URL(endpoint)
  url.search = new URLSearchParams({
    q: query,
    format: 'json',
    language: localeOf(options),
    pageno: '1',
    categories: 'general',
  }).toString()
  return url.href
}

/** `fr-FR`, `fr`, or SearXNG's word for any language. */
function localeOf({ language, country }: SearchOptions): string {
  if (language === null) return 'all'
  const region = countryOf(country)
  return region !== null && /^[A-Z]{2}$/.test(region) ? `${language}-${region}` : language
}

function refuseStatus(response: OutboundResponse, host: string): void {
  const { status } = response
  if (status >= 200 && status < 300) return
  const said = `the SearXNG at ${host} answered ${status}`
  if (status === 403) {
    throw new RowbeatError(
      'PROVIDER_NOT_CONFIGURED',
      `${said}: add json to search.formats in its settings.yml (\`search.formats: json\`)`,
    )
  }
  if (status === 401 || status === 404) {
    throw new RowbeatError('PROVIDER_NOT_CONFIGURED', `${said}: check SEARXNG_URL`)
  }
  if (status === 429) throw new RowbeatError('RATE_LIMIT_EXCEEDED', said, retryAfter(response))
  throw new RowbeatError(status < 500 ? 'UPSTREAM_REJECTED' : 'UPSTREAM_ERROR', said)
}

/** The seconds form of `Retry-After`; its date form needs a clock and is left to the outbound client. */
function retryAfter(response: OutboundResponse): { retryAfterSeconds?: number } {
  const value = response.headers['retry-after'] ?? ''
  return /^\d{1,6}$/.test(value) ? { retryAfterSeconds: Number(value) } : {}
}

function readHits(response: OutboundResponse, host: string): SearchHit[] {
  const answer = answerSchema.safeParse(parseJson(response.body, host))
  if (!answer.success) {
    throw new RowbeatError(
      'UPSTREAM_ERROR',
      `${host} sent JSON that is no SearXNG answer: no list of results`,
    )
  }
  const hits = answer.data.results.slice(0, MAX_HITS).flatMap((result, index) => {
    // One bad result must not cost the other nineteen.
    const parsed = resultSchema.safeParse(result)
    return parsed.success ? [toHit(parsed.data, index + 1)] : []
  })
  if (hits.length === 0 && answer.data.results.length > 0) {
    throw new RowbeatError('UPSTREAM_ERROR', `${host} sent results, but none with a web address`)
  }
  const silent = engineNames(answer.data.unresponsive_engines ?? [])
  if (hits.length === 0 && silent.length > 0) {
    throw new RowbeatError('UPSTREAM_ERROR', `${host} found nothing: no answer from ${silent.join(', ')}`)
  }
  return hits
}

function parseJson(body: Uint8Array, host: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body))
  } catch (cause) {
    throw new RowbeatError('UPSTREAM_ERROR', `${host} did not answer with JSON`, { cause })
  }
}

function toHit(result: SearxngResult, rank: number): SearchHit {
  const engines = (result.engines?.length ? result.engines : [result.engine ?? ''])
    .map((name) => name.replaceAll(',', ' ').trim().slice(0, 50))
    .filter((name) => name !== '')
  return {
    url: result.url,
    title: tidy(result.title, 300),
    snippet: tidy(result.content, 1_000),
    rank,
    engine: [...new Set(engines)].sort().slice(0, MAX_ENGINES).join(',') || 'searxng',
  }
}

/** SearXNG lists silent engines as pairs of name and reason. */
function engineNames(entries: readonly unknown[]): string[] {
  return entries.slice(0, 10).map((entry) => {
    const name: unknown = Array.isArray(entry) ? entry[0] : entry
    return typeof name === 'string' ? name.slice(0, 50) : 'an engine'
  })
}

function tidy(text: string | null | undefined, length: number): string {
  return (text ?? '').slice(0, length).replace(/\s+/g, ' ').trim()
}
