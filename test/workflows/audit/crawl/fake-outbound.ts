/** An `Outbound` over a table of answers: redirects, limits and media types behave as the port promises. */
import { type ErrorCode, RowbeatError } from '../../../../src/core/errors.ts'
import type { Outbound, OutboundRequest, OutboundResponse } from '../../../../src/core/ports.ts'

export interface Answer {
  readonly status?: number
  readonly type?: string
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** Address this one redirects to. */
  readonly redirect?: string
  /** Thrown instead of an answer. */
  readonly error?: ErrorCode
  /** Turns of the event loop before the answer, to let answers overtake each other. */
  readonly turns?: number
}

export interface FakeOutbound extends Outbound {
  readonly requests: OutboundRequest[]
  /** Paths asked for, in order. */
  paths(): string[]
}

type Responder = Answer | string | ((url: URL, request: OutboundRequest) => Answer | string | undefined)

const MAX_REDIRECTS = 5

function toAnswer(found: Answer | string | undefined): Answer {
  if (found === undefined) return { status: 404, type: 'text/html', body: '<p>not found</p>' }
  return typeof found === 'string' ? { body: found } : found
}

function guessType(body: string | Uint8Array): string {
  if (typeof body !== 'string') return 'application/octet-stream'
  if (/^\s*<\?xml|^\s*<(?:urlset|sitemapindex|rss|feed)/.test(body)) return 'application/xml'
  if (/^\s*[[{]/.test(body)) return 'application/json'
  return body.trimStart().startsWith('<') ? 'text/html' : 'text/plain'
}

function toResponse(
  request: OutboundRequest,
  url: string,
  redirects: string[],
  answer: Answer,
): OutboundResponse {
  const body = answer.body ?? ''
  const header = answer.type ?? guessType(body)
  const contentType = header.split(';')[0]?.trim() ?? ''
  const whole = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const maxBytes = request.maxBytes ?? 5 * 1024 * 1024
  const cut = request.cut === true && whole.length > maxBytes
  const bytes = cut ? whole.slice(0, maxBytes) : whole
  if (bytes.length > maxBytes) {
    throw new RowbeatError('RESPONSE_TOO_LARGE', `${url} exceeds the limit`)
  }
  const accepted = !request.accept || request.accept.includes(contentType)
  return {
    status: answer.status ?? 200,
    url,
    redirects,
    headers: { 'content-type': header, ...answer.headers },
    contentType,
    body: accepted ? bytes : new Uint8Array(),
    cut,
    elapsedMs: 1,
  }
}

/**
 * Answers from `answers`, whose keys are whole URLs, or paths for `https://client.fr` and `http://client.fr`
 * alike; anything else is 404. `fallback` is asked for URLs that the table does not hold.
 */
export function fakeOutbound(
  answers: Readonly<Record<string, Responder>>,
  options: { fallback?: (url: URL) => Answer | string | undefined; mapped?: readonly string[] } = {},
): FakeOutbound {
  const requests: OutboundRequest[] = []

  function lookUp(url: string, request: OutboundRequest): Answer {
    const parsed = new URL(url)
    const own = parsed.hostname === 'client.fr' || parsed.hostname === 'client.test'
    const path = own ? answers[`${parsed.pathname}${parsed.search}`] : undefined
    const found = answers[url] ?? path
    return toAnswer(
      typeof found === 'function' ? found(parsed, request) : (found ?? options.fallback?.(parsed)),
    )
  }

  async function fetch(request: OutboundRequest): Promise<OutboundResponse> {
    requests.push(request)
    request.signal?.throwIfAborted()
    const redirects: string[] = []
    let url = request.url
    for (;;) {
      const answer = lookUp(url, request)
      for (let turn = 0; turn < (answer.turns ?? 0); turn += 1) {
        await new Promise((resolve) => setImmediate(resolve))
      }
      request.signal?.throwIfAborted()
      if (answer.error) throw new RowbeatError(answer.error, `${url} failed`)
      if (answer.redirect === undefined) return toResponse(request, url, redirects, answer)
      redirects.push(url)
      if (redirects.length > MAX_REDIRECTS)
        throw new RowbeatError('TOO_MANY_REDIRECTS', `${url} redirects too often`)
      url = new URL(answer.redirect, url).href
    }
  }

  return {
    requests,
    fetch,
    isMapped: (host) => options.mapped?.includes(host) ?? false,
    paths: () => requests.map(({ url }) => new URL(url).pathname + new URL(url).search),
  }
}

/** A host that fails in the same way for every address. */
export function deadOutbound(error: ErrorCode): FakeOutbound {
  return fakeOutbound({}, { fallback: () => ({ error }) })
}

const SENTENCES = [
  'La maintenance des ascenseurs demande une visite toutes les six semaines par un technicien formé.',
  'Le contrat précise les délais de dépannage, les pièces couvertes et le prix de chaque intervention.',
  'Un carnet numérique garde la trace de chaque opération et reste consultable par le syndic.',
  'Les copropriétaires comparent souvent trois offres avant de signer pour plusieurs années.',
  'La loi impose un contrôle technique tous les cinq ans, confié à un organisme indépendant.',
]

/** About `words` words of French prose that differ with `topic`. */
export function prose(topic: string, words = 200): string {
  const paragraphs: string[] = []
  for (let count = 0, index = 0; count < words; index += 1) {
    const own = Array.from({ length: 12 }, (_, word) => `${topic}${index}x${word}`).join(' ')
    const paragraph = `${SENTENCES[(index + topic.length) % SENTENCES.length] ?? ''} ${topic} ${own} est expliqué ici.`
    paragraphs.push(`<p>${paragraph}</p>`)
    count += paragraph.split(/\s+/).length
  }
  return paragraphs.join('\n')
}

export interface PageOptions {
  readonly title?: string
  readonly head?: string
  readonly links?: readonly string[]
  readonly words?: number
}

/** A whole French HTML page about `topic`. */
export function htmlPage(topic: string, options: PageOptions = {}): string {
  const links = (options.links ?? []).map((href) => `<li><a href="${href}">${href}</a></li>`).join('')
  return `<!doctype html><html lang="fr"><head><meta charset="utf-8">
    <title>${options.title ?? `Tout savoir sur ${topic}`}</title>${options.head ?? ''}</head>
    <body><nav><ul>${links}</ul></nav>
    <main><article><h1>${topic}</h1>${prose(topic, options.words ?? 200)}</article></main></body></html>`
}

/** A sitemap of `urls`; an entry may carry its date behind a blank. */
export function sitemapXml(urls: readonly string[]): string {
  const entries = urls.map((entry) => {
    const [loc = '', lastmod] = entry.split(' ')
    return `<url><loc>${loc}</loc>${lastmod === undefined ? '' : `<lastmod>${lastmod}</lastmod>`}</url>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${entries.join('')}</urlset>`
}

/** A signal that never aborts. */
export function quiet(): AbortSignal {
  return new AbortController().signal
}
