import type { Server } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { PROBLEM_CODES, type ProblemCode } from '../../src/core/problems.ts'
import { createHttpServer, SERVER_LIMITS, type ServerLimits } from '../../src/http/server.ts'
import { closeServer, listenOnLoopback } from '../support/loopback.ts'
import { until } from '../support/wait.ts'
import { openHttp } from './open-http.ts'
import { openRaw, parseRaw, type RawAnswer, sendRaw } from './raw.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    const closed = closeServer(server)
    server.closeAllConnections()
    await closed
  }
})

type Fetch = Parameters<typeof createHttpServer>[0]

async function start(limits: Partial<ServerLimits> = {}, fetch: Fetch = openHttp().fetch) {
  const server = createHttpServer(fetch, { ...SERVER_LIMITS, ...limits })
  servers.push(server)
  return { server, port: await listenOnLoopback(server) }
}

function expectProblem(answer: RawAnswer, code: ProblemCode): void {
  expect(answer.status).toBe(PROBLEM_CODES[code].status)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(JSON.parse(answer.body)).toMatchObject({
    code,
    status: answer.status,
    request_id: answer.headers.get('x-request-id'),
    detail: expect.stringMatching(/\S{3}/),
  })
}

describe('what node would answer by itself is problem+json', () => {
  const HOST = 'Host: localhost\r\n'
  it.each<[what: string, code: ProblemCode, text: string]>([
    ['no HTTP', 'BAD_REQUEST', 'SSH-2.0-OpenSSH_9.9\r\n\r\n'],
    ['an unknown method', 'BAD_REQUEST', `BREW / HTTP/1.1\r\n${HOST}\r\n`],
    ['two Host lines', 'BAD_REQUEST', `GET /health/live HTTP/1.1\r\n${HOST}Host: other\r\n\r\n`],
    ['the same Host twice', 'BAD_REQUEST', `GET /health/live HTTP/1.1\r\n${HOST}host: localhost\r\n\r\n`],
    ['no Host line', 'BAD_REQUEST', 'GET /health/live HTTP/1.1\r\n\r\n'],
    ['an empty Host line', 'BAD_REQUEST', 'GET /health/live HTTP/1.1\r\nHost:\r\n\r\n'],
    ['a Host that is none', 'BAD_REQUEST', 'GET /health/live HTTP/1.1\r\nHost: a/b\r\n\r\n'],
    ['an address that is none', 'BAD_REQUEST', `GET http://[ HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`],
    ['a backslash in the path', 'BAD_REQUEST', `GET /\\evil HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`],
    [
      'both kinds of length',
      'BAD_REQUEST',
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`,
    ],
    ['another expectation', 'EXPECTATION_FAILED', `GET / HTTP/1.1\r\n${HOST}Expect: 200-ok\r\n\r\n`],
    ['a header of 20 KB', 'HEADERS_TOO_LARGE', `GET / HTTP/1.1\r\n${HOST}X-A: ${'a'.repeat(20_000)}\r\n\r\n`],
    ['a tunnel', 'METHOD_NOT_ALLOWED', `CONNECT example.org:443 HTTP/1.1\r\n${HOST}\r\n`],
  ])('%s: %s', async (_what, code, text) => {
    const { port } = await start()
    expectProblem(await sendRaw(port, text), code)
  })

  it('and HTTP/1.0 without a host is still answered', async () => {
    const { port } = await start()
    expect((await sendRaw(port, 'GET /health/live HTTP/1.0\r\n\r\n')).status).toBe(200)
  })

  it('and never lands in the middle of another answer', async () => {
    const endless = (): Response =>
      new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(64)) }), {
        status: 200,
      })
    const { port } = await start({}, endless)
    const connection = openRaw(port)
    connection.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until(() => connection.received().includes('\r\n\r\n'), { what: 'the answer to begin' })
    connection.socket.write('rubbish\r\n\r\n')
    await connection.closed()
    expect(connection.received()).not.toContain('problem+json')
  })
})

describe('a connection is not held open', () => {
  const waits: Fetch = async (request) => new Response(await request.text())
  const quick = { checkEveryMs: 20, headersMs: 100, requestMs: 200 }

  it('by one that says nothing, or not all of its header', async () => {
    const { port } = await start(quick)
    expectProblem(await sendRaw(port, ''), 'REQUEST_TIMEOUT')
    expectProblem(await sendRaw(port, 'GET / HTTP/1.1\r\nHost: loc'), 'REQUEST_TIMEOUT')
  })

  it('by bodies that trickle in, however many', async () => {
    const { port, server } = await start(quick, waits)
    const post =
      'POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{'
    const slow = Array.from({ length: 300 }, () => {
      const connection = openRaw(port)
      connection.socket.write(post)
      return connection
    })
    for (const connection of slow) await connection.closed()
    const open = await new Promise<number>((done, fail) => {
      server.getConnections((error, count) => (error === null ? done(count) : fail(error)))
    })
    expect(open).toBe(0)
  })

  it('by a body that a route waits for: 408', async () => {
    const { port } = await start(quick, waits)
    const answer = await sendRaw(port, 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{')
    expectProblem(answer, 'REQUEST_TIMEOUT')
  })

  it('by one that waits for its next request', async () => {
    const { port } = await start({ ...quick, idleMs: 50 })
    const answer = await sendRaw(port, 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(answer.status).toBe(200)
  })

  it('by one that does not read its answer', async () => {
    const large = (): Response =>
      new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(1_000_000)) }))
    const { port, server } = await start({ silenceMs: 100 }, large)
    let closed = 0
    server.on('connection', (socket) => {
      socket.on('close', () => {
        closed += 1
      })
    })
    const silent = connect(port, '127.0.0.1')
    silent.on('error', () => undefined)
    silent.pause()
    silent.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until(() => closed === 1, { what: 'the server to give up' })
    silent.destroy()
  })

  it('beyond the most that may be open; idle ones make room', async () => {
    const { port, server } = await start({ connections: 2 })
    const idle = [openRaw(port), openRaw(port)]
    for (const one of idle) one.socket.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n')
    for (const one of idle)
      await until(() => parseRaw(one.received()).status === 200, { what: 'both to be answered' })
    const third = openRaw(port)
    await third.closed()
    expect(third.received()).toBe('')
    for (const one of idle) await one.closed()
    await until(
      () => new Promise<boolean>((done) => server.getConnections((_error, count) => done(count === 0))),
      { what: 'room' },
    )
    const answer = await sendRaw(
      port,
      'GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    )
    expect(answer.status).toBe(200)
  })
})
