import { createServer as createWebServer, type RequestListener, type ServerResponse } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { actionFor, type ErrorCode } from '../../src/core/errors.ts'
import { useTestDatabase } from '../support/database.ts'
import { closeServer, listenOnLoopback } from '../support/loopback.ts'
import { queryOnce } from '../support/sessions.ts'
import { awaitEnd, postAudit, type Rowbeat, startRowbeat, stepOf, stopAll } from './rowbeat.ts'

const database = useTestDatabase()
const cleanUp: (() => Promise<void>)[] = []

/** One site, and what the first step says of it. `null`: the site is odd, but can be read. */
interface Site {
  readonly host: string
  readonly what: string
  readonly code: ErrorCode | null
  readonly says: RegExp
  readonly serve: RequestListener | ((socket: Socket) => void)
  readonly raw?: true
}

const HTML = { 'content-type': 'text/html; charset=utf-8' }
const TWO_GIGABYTES = 2 ** 31

const SITES: readonly Site[] = [
  {
    host: 'refused.test',
    what: 'resets every connection',
    code: 'NETWORK_UNREACHABLE',
    says: /refused\.test cannot be reached: /,
    raw: true,
    serve: (socket: Socket) => socket.resetAndDestroy(),
  },
  {
    host: 'silent.test',
    what: 'accepts and never answers',
    code: 'UPSTREAM_TIMEOUT',
    says: /silent\.test answers too slowly/,
    raw: true,
    serve: () => undefined,
  },
  {
    host: 'babble.test',
    what: 'does not speak HTTP',
    code: 'UPSTREAM_ERROR',
    says: /not valid HTTP/,
    raw: true,
    serve: (socket: Socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'),
  },
  {
    host: 'loop.test',
    what: 'redirects for ever',
    code: 'TOO_MANY_REDIRECTS',
    says: /redirects more than 5 times/,
    serve: (request, response) => {
      const at = Number(/\d+/.exec(request.url ?? '')?.[0] ?? 0)
      response.writeHead(302, { location: `/round-${at + 1}` }).end()
    },
  },
  {
    host: 'away.test',
    what: 'redirects to a private address',
    code: 'ADDRESS_NOT_ALLOWED',
    says: /169\.254\.169\.254/,
    serve: plainRobots((_, response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
    ),
  },
  {
    host: 'announced.test',
    what: 'announces two gigabytes',
    code: 'RESPONSE_TOO_LARGE',
    says: /announced\.test sent (?:too large|more than)|announce|larger|exceeds|bytes/i,
    serve: plainRobots((_, response) => {
      response.writeHead(200, { ...HTML, 'content-length': TWO_GIGABYTES })
      flood(response)
    }),
  },
  {
    host: 'flood.test',
    what: 'sends two gigabytes without saying so',
    code: 'RESPONSE_TOO_LARGE',
    says: /flood\.test/,
    serve: plainRobots((_, response) => {
      response.writeHead(200, HTML)
      flood(response)
    }),
  },
  {
    host: 'flooded-robots.test',
    what: 'sends two gigabytes as robots.txt, of which the first 500 KiB count,',
    code: null,
    says: /^$/,
    serve: (request, response) => {
      if (request.url === '/robots.txt') flood(response)
      else response.writeHead(200, HTML).end(pageOf('Une page derrière un long robots.txt'))
    },
  },
  {
    host: 'bomb.test',
    what: 'sends a compression bomb',
    code: 'RESPONSE_TOO_LARGE',
    says: /bomb\.test/,
    serve: plainRobots((_, response) =>
      response.writeHead(200, { ...HTML, 'content-encoding': 'gzip' }).end(BOMB),
    ),
  },
  {
    host: 'files.test',
    what: 'serves no HTML',
    code: 'NO_CONTENT',
    says: /no HTML page: the answer is application\/pdf/,
    serve: plainRobots((_, response) =>
      response.writeHead(200, { 'content-type': 'application/pdf' }).end('%PDF-1.7'),
    ),
  },
  {
    host: 'blank.test',
    what: 'serves pages without a word',
    code: 'NO_CONTENT',
    says: /no page with text could be read/,
    serve: plainRobots((_, response) =>
      response.writeHead(200, HTML).end('<html><body><div id="app"></div></body>'),
    ),
  },
  {
    host: 'closed.test',
    what: 'forbids everything to robots',
    code: 'ROBOTS_DISALLOWED',
    says: /robots\.txt forbids/,
    serve: (request, response) => {
      if (request.url === '/robots.txt') response.end('User-agent: *\nDisallow: /\n')
      else response.writeHead(200, HTML).end(pageOf('Never to be read'))
    },
  },
  {
    host: 'sick.test',
    what: 'answers 500 to everything',
    code: 'UPSTREAM_ERROR',
    says: /robots\.txt of sick\.test answered with status 500/,
    serve: (_, response) => response.writeHead(500).end(),
  },
  {
    host: 'bouncer.test',
    what: 'answers 403 to everything',
    code: 'UPSTREAM_REJECTED',
    says: /answered with status 403/,
    serve: (_, response) => response.writeHead(403).end(),
  },
  {
    host: 'busy.test',
    what: 'asks us to slow down, always',
    code: 'RATE_LIMIT_EXCEEDED',
    says: /answered with status 429/,
    serve: (_, response) => response.writeHead(429, { 'retry-after': '1' }).end(),
  },
  {
    host: 'charset.test',
    what: 'declares the wrong charset',
    code: null,
    says: /^$/,
    serve: plainRobots((request, response) => {
      if (request.url !== '/') return response.writeHead(404).end()
      const body = Buffer.from(pageOf('Été à la française, forêt et château'), 'latin1')
      return response.writeHead(200, { 'content-type': 'text/html; charset=x-klingon' }).end(body)
    }),
  },
]

const BOMB = gzipSync(Buffer.alloc(64 * 1024 * 1024))

/** Everything but robots.txt, which is absent. */
function plainRobots(listener: RequestListener): RequestListener {
  return (request, response) => {
    if (request.url === '/robots.txt') response.writeHead(404).end()
    else listener(request, response)
  }
}

function pageOf(title: string): string {
  const words =
    'Le vélo cargo livre chaque matin les commerces du quartier et laisse la rue à ses habitants. '
  return `<!doctype html><html lang="fr"><title>${title}</title><body><main><h1>${title}</h1><p>${words.repeat(12)}</p></main>`
}

function flood(response: ServerResponse): void {
  const chunk = Buffer.alloc(256 * 1024, 'x')
  let sent = 0
  const more = (): void => {
    while (sent < TWO_GIGABYTES && !response.destroyed) {
      sent += chunk.length
      if (!response.write(chunk)) return
    }
  }
  response.on('drain', more)
  response.on('error', () => undefined)
  more()
}

async function open(site: Site): Promise<number> {
  const sockets = new Set<Socket>()
  const server: Server = site.raw
    ? createServer((socket) => socket.once('data', () => (site.serve as (socket: Socket) => void)(socket)))
    : createWebServer(site.serve as RequestListener)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  const port = await listenOnLoopback(server)
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy()
    await closeServer(server)
  })
  return port
}

describe('a hostile site', { timeout: 120_000 }, () => {
  let rowbeat: Rowbeat
  const executions = new Map<string, string>()

  // All at once: a site that keeps us waiting must not hold up another.
  beforeAll(async () => {
    const ports = await Promise.all(SITES.map(open))
    rowbeat = await startRowbeat({
      DATABASE_URL: database.url,
      OUTBOUND_HOST_MAP: SITES.map(({ host }, at) => `${host}=127.0.0.1:${ports[at]}`).join(','),
      MAX_SCRAPING_RETRIES: '1',
      SCRAPING_RETRY_WAIT_MIN: '1',
      SCRAPING_RETRY_WAIT_MAX: '1',
    })
    for (const { host } of SITES) {
      executions.set(host, await postAudit(rowbeat.url, host, { steps: ['editorial_analysis'] }))
    }
  })
  afterAll(async () => {
    await stopAll()
    for (const close of cleanUp.splice(0).reverse()) await close()
  })

  for (const { host, what, code, says } of SITES) {
    const outcome = code === null ? 'is read all the same' : `ends the step with ${code}`
    it(`that ${what} ${outcome}`, async () => {
      const status = await awaitEnd(rowbeat.url, host, executions.get(host) ?? '', 90_000)
      const step = stepOf(status, 'editorial_analysis')
      if (code === null) {
        expect(step).toMatchObject({ status: 'completed', error_code: null })
        return
      }
      expect(step).toMatchObject({
        status: 'failed',
        error_code: code,
        error_message: expect.stringMatching(says),
      })
      expect(step.duration_seconds).toBeLessThan(35)
      expect(status).toMatchObject({ overall_status: 'failed', error_code: code })
      expect(status.failed_workflow_details).toMatchObject([
        { workflow: 'editorial_analysis', error_code: code, suggested_action: actionFor(code) },
      ])
    })
  }

  it('with a wrong charset leaves readable text behind', async () => {
    const rows = await queryOnce<{ title: string }>(
      database.url,
      `select g.title from rowbeat.site_pages g join rowbeat.site_profiles p on p.id = g.profile_id
       where p.domain = 'charset.test'`,
    )
    expect(rows).toEqual([{ title: 'Été à la française, forêt et château' }])
  })

  it('does not take the process with it, nor its memory', async () => {
    const health = (await (await fetch(`${rowbeat.url}/health`)).json()) as { reasons: string[] }
    expect(health.reasons).toEqual([])
    const metrics = await (await fetch(`${rowbeat.url}/metrics`)).text()
    const resident = Number(/^process_resident_memory_bytes (\d+)/m.exec(metrics)?.[1])
    expect(resident).toBeGreaterThan(0)
    // Of the two gigabytes of four sites nothing is held; parsers, tables and their garbage are some 350 MiB.
    expect(resident).toBeLessThan(512 * 1024 * 1024)
  })
})
