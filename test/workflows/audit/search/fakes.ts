import { RowbeatError } from '../../../../src/core/errors.ts'
import type { Outbound, OutboundRequest, OutboundResponse } from '../../../../src/core/ports.ts'
import type { SearchHit, SearchProvider, SiteProfile } from '../../../../src/workflows/audit/types.ts'

export interface FakeAnswer {
  readonly status?: number
  readonly body?: string
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  /** URL of the answer after redirects. */
  readonly finalUrl?: string
}

/** Answers from a table of URLs; a host that is not in it does not resolve, other paths of a known host are 404. */
export function fakeOutbound(
  pages: Readonly<Record<string, FakeAnswer | Error>>,
): Outbound & { readonly requests: OutboundRequest[] } {
  const requests: OutboundRequest[] = []
  const hosts = new Set(Object.keys(pages).map((url) => new URL(url).host))
  return {
    requests,
    isMapped: () => false,
    async fetch(request) {
      requests.push(request)
      request.signal?.throwIfAborted()
      const { host } = new URL(request.url)
      if (!hosts.has(host)) throw new RowbeatError('DNS_FAILURE', `${host} does not resolve`)
      const answer = pages[request.url] ?? pages[request.url.split('?')[0] ?? ''] ?? { status: 404 }
      if (answer instanceof Error) throw answer
      return toResponse(request.url, answer)
    },
  }
}

function toResponse(url: string, answer: FakeAnswer): OutboundResponse {
  const contentType = answer.contentType ?? 'text/html'
  return {
    status: answer.status ?? 200,
    url: answer.finalUrl ?? url,
    redirects: answer.finalUrl === undefined ? [] : [url],
    headers: { 'content-type': contentType, ...answer.headers },
    contentType,
    body: new TextEncoder().encode(answer.body ?? ''),
    elapsedMs: 1,
  }
}

export function htmlPage(title: string, text: string, language = 'fr'): FakeAnswer {
  return {
    body: `<!doctype html><html lang="${language}"><head><title>${title}</title>
<meta name="description" content="${text.slice(0, 120)}"></head>
<body><main><h1>${title}</h1><p>${text}</p></main></body></html>`,
  }
}

/** A provider that answers every query from a function. */
export function fakeProvider(
  answer: (query: string, index: number) => readonly SearchHit[],
): SearchProvider & { readonly queries: string[] } {
  const queries: string[] = []
  return {
    name: 'fake',
    queries,
    async search(query) {
      queries.push(query)
      return answer(query, queries.length - 1)
    },
  }
}

export function hit(url: string, rank: number, fields: Partial<SearchHit> = {}): SearchHit {
  return { url, rank, title: '', snippet: '', engine: 'demo-a', ...fields }
}

export function theme(label: string, keywords: readonly string[] = []): SiteProfile['themes'][number] {
  return { slug: label, label, share: 0.5, keywords, summary: '', pageUrls: [] }
}

export function keyword(term: string): SiteProfile['keywords'][number] {
  return { term, score: 1, count: 5, pages: 3 }
}

export function makeProfile(fields: Partial<SiteProfile> = {}): SiteProfile {
  return {
    language: 'fr',
    languages: { fr: 1 },
    languageLevel: 'intermediate',
    tone: 'professional',
    toneEvidence: {},
    readability: { flesch: 60, lix: 40, wordsPerSentence: 16 },
    formality: 0.6,
    audience: { primary: 'professionals', level: 'intermediate', sectors: [] },
    themes: [
      theme('Vélos cargo', ['vélo cargo', 'flotte', 'entretien']),
      theme('Logistique urbaine', ['dernier kilomètre', 'livraison', 'tournées']),
    ],
    secondaryThemes: [],
    keywords: ['vélo cargo', 'dernier kilomètre', 'livraison', 'flotte', 'batterie'].map(keyword),
    structure: {
      averageWordCount: 500,
      averageParagraphCount: 6,
      averageParagraphWords: 80,
      headings: {},
      imagesPerPage: 1,
      videosPerPage: 0,
      internalLinksPerPage: 10,
    },
    pagesAnalyzed: 10,
    totalWords: 5_000,
    ...fields,
  }
}

/** What a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('expected a rejection')
    },
    (error: unknown) => error,
  )
}
