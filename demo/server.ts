/** Serves prepared answers on the loopback interface. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Answer, isNotModified, plain, redirect } from './answer.ts'
import type { QueryAnswer } from './site.ts'

export interface Served {
  readonly answers: ReadonlyMap<string, Answer>
  readonly queries: ReadonlyMap<string, QueryAnswer>
  readonly notFound: Answer
}

export interface DemoServer {
  readonly port: number
  /** Requests for this path so far, of any method; paths the site does not know are not counted. */
  visits(path: string): number
  close(): Promise<void>
}

/** Listens on a port that the system chooses; GET and HEAD only, 405 otherwise. */
export async function serve(served: Served, host: '127.0.0.1'): Promise<DemoServer> {
  const visits = new Map<string, number>()
  const waiting = new Set<NodeJS.Timeout>()
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    const target = targetOf(request)
    const known = target !== null && (served.answers.has(target.path) || served.queries.has(target.path))
    const visit = known ? (visits.get(target.path) ?? 0) + 1 : 0
    if (known) visits.set(target.path, visit)
    const answer = chooseAnswer(served, request, target, visit)
    if (answer.delayMs === 0) return send(answer, request, response)
    const timer = setTimeout(() => {
      waiting.delete(timer)
      send(answer, request, response)
    }, answer.delayMs)
    waiting.add(timer)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    visits: (path) => visits.get(path) ?? 0,
    close: () =>
      new Promise((resolve) => {
        for (const timer of waiting) clearTimeout(timer)
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Target {
  readonly path: string
  readonly query: URLSearchParams
}

/** Path and query of a request; null when they cannot be read. */
function targetOf({ url = '/' }: IncomingMessage): Target | null {
  const parsed = url.startsWith('/') ? URL.parse(`http://demo${url}`) : null
  return parsed === null ? null : { path: parsed.pathname, query: parsed.searchParams }
}

function chooseAnswer(
  served: Served,
  request: IncomingMessage,
  target: Target | null,
  visit: number,
): Answer {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return plain(405, 'Only GET and HEAD are served here\n', { allow: 'GET, HEAD' })
  }
  if (target === null) return plain(400, 'The address of this request cannot be read\n')
  const { path, query } = target
  const answer = served.queries.get(path)?.(query) ?? served.answers.get(path)
  if (answer !== undefined) {
    return visit <= answer.failuresFirst ? plain(503, 'Busy, try again\n', { 'retry-after': '1' }) : answer
  }
  const withSlash = `${path}/`
  return served.answers.has(withSlash) || served.queries.has(withSlash)
    ? redirect(withSlash)
    : served.notFound
}

function send(answer: Answer, request: IncomingMessage, response: ServerResponse): void {
  const unchanged = isNotModified(
    answer,
    request.headers['if-none-match'],
    request.headers['if-modified-since'],
  )
  if (unchanged) {
    const { etag = '', 'last-modified': lastModified = '' } = answer.headers
    response.writeHead(304, { etag, 'last-modified': lastModified }).end()
    return
  }
  response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length })
  response.end(request.method === 'HEAD' ? undefined : answer.body)
}
