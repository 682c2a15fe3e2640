/** The HTTP server around the API: its bounds, and the errors that Node answers before any route is asked. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { messageOf } from '../core/errors.ts'
import { hostNameOf } from '../core/hosts.ts'
import { ProblemError } from '../core/problems.ts'
import { problemAnswer } from './problem.ts'

/** Bounds of every connection; times in milliseconds. */
export interface ServerLimits {
  /** For the header of a request, from the connection or its first byte on. */
  readonly headersMs: number
  /** For a whole request, body included. */
  readonly requestMs: number
  /** How long a connection may wait for its next request. */
  readonly idleMs: number
  /** How long a connection may carry nothing at all, in the middle of an answer that nobody reads too. */
  readonly silenceMs: number
  /** How often the first two are looked at. */
  readonly checkEveryMs: number
  /** Most connections at once; beyond it idle ones are closed and the new one is not taken. */
  readonly connections: number
}

export const SERVER_LIMITS: ServerLimits = {
  headersMs: 15_000,
  requestMs: 60_000,
  idleMs: 30_000,
  silenceMs: 120_000,
  checkEveryMs: 2_000,
  connections: 4_000,
}

type Fetch = Parameters<typeof getRequestListener>[0]

/** A server, not yet listening, that hands requests to `fetch` and answers what cannot be one as problem+json. */
export function createHttpServer(fetch: Fetch, limits: ServerLimits = SERVER_LIMITS): Server {
  const listener = getRequestListener(fetch, {
    // What a request of HTTP/1.0 that names no host is taken to mean.
    hostname: 'localhost',
    errorHandler: () => {
      const { status, headers, body } = problemAnswer(
        new ProblemError('BAD_REQUEST', 'The address or the Host header of the request cannot be read.'),
        randomUUID(),
      )
      return new Response(body, { status, headers })
    },
  })
  const server = createServer({
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
    connectionsCheckingInterval: limits.checkEveryMs,
    // Node would answer for us, and not as problem+json.
    requireHostHeader: false,
  })
  server.timeout = limits.silenceMs
  server.maxConnections = limits.connections
  const answers = new WeakMap<Duplex, ServerResponse>()
  server.on('request', (request, response) => {
    answers.set(request.socket, response)
    const wrong = wrongHost(request)
    if (wrong !== null) {
      refuse(response, new ProblemError('BAD_REQUEST', wrong))
      return
    }
    // `OPTIONS *` asks about the server as a whole.
    if (request.url === '*') request.url = '/'
    void listener(request, response)
  })
  server.on('checkExpectation', (request, response) => {
    answers.set(request.socket, response)
    refuse(response, new ProblemError('EXPECTATION_FAILED', 'Only "Expect: 100-continue" is understood.'))
  })
  server.on('connect', (_request, socket) => {
    endWith(socket, new ProblemError('METHOD_NOT_ALLOWED', 'This server is no proxy.'))
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const answer = answers.get(socket)
    // In the middle of another answer, words about this request would become part of that one.
    const isAnswering = answer?.headersSent === true && !answer.writableFinished
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) socket.destroy()
    else endWith(socket, problemOf(error.code))
  })
  server.on('drop', () => server.closeIdleConnections())
  return server
}

/** Listens, or throws a sentence that says why it cannot. Gives the port that was taken. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') {
        const advice = 'stop what listens there, or set PORT to another one'
        fail(new Error(`port ${port} of ${host} is taken: ${advice}`, { cause: error }))
      } else if (error.code === 'EADDRNOTAVAIL' || error.code === 'EACCES') {
        fail(
          new Error(`cannot listen on ${host}:${port} (${error.code}): correct HOST and PORT`, {
            cause: error,
          }),
        )
      } else {
        fail(new Error(`the HTTP server cannot start: ${messageOf(error)}`, { cause: error }))
      }
    })
    server.listen(port, host, () => {
      const address = server.address()
      done(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

/** What is wrong with the host that a request names; null: nothing. Two of them would let a proxy and us disagree. */
function wrongHost(request: IncomingMessage): string | null {
  const hosts = request.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host')
  if (hosts.length > 1) return 'The request has more than one Host line.'
  const { host } = request.headers
  if (host === undefined || host === '') {
    return request.httpVersion === '1.0' ? null : 'The request has no Host line.'
  }
  return hostNameOf(host) === null ? 'The Host line does not hold the name of a host.' : null
}

function problemOf(code: string | undefined): ProblemError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProblemError('REQUEST_TIMEOUT', 'The request did not arrive whole in time.')
    case 'HPE_HEADER_OVERFLOW':
      return new ProblemError('HEADERS_TOO_LARGE', 'The header of a request may have 16 KiB.')
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new ProblemError('PAYLOAD_TOO_LARGE', 'The extensions of a chunk may have 16 KiB.')
    default:
      return new ProblemError('BAD_REQUEST', 'The request cannot be read as HTTP/1.1.')
  }
}

/** Answers a request that no route is asked about, and lets go of its connection. */
function refuse(response: ServerResponse, problem: ProblemError): void {
  const { status, headers, body } = problemAnswer(problem, randomUUID())
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' })
  response.end(body)
}

/** Answers on a socket for which there is no request. */
function endWith(socket: Socket | Duplex, problem: ProblemError): void {
  const { status, headers, body } = problemAnswer(problem, randomUUID())
  const lines = Object.entries({
    ...headers,
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
    Date: new Date().toUTCString(),
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  // What cannot be sent any more is not missed: the socket ends here.
  socket.on('error', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`, () =>
    socket.destroy(),
  )
}
