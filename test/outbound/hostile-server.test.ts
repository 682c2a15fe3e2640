import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { OutboundOptions } from '../../src/outbound/client.ts'
import { useCleanUp } from '../support/clean-up.ts'
import { until } from '../support/wait.ts'
import { failureOf, outboundTo, serve, serveRaw } from './loopback.ts'

const cleanUp = useCleanUp()

const URL_OF_SITE = 'http://client.test/'

function clientOf(server: { port: number; close(): Promise<void> }, options: Partial<OutboundOptions> = {}) {
  const outbound = outboundTo({ 'client.test': server.port }, options)
  cleanUp.push(server.close, outbound.close)
  return outbound
}

/** A client of a server that answers everything with these bytes, and then waits or hangs up. */
async function answering(
  text: string,
  after: 'wait' | 'end' | 'reset' = 'wait',
  options: Partial<OutboundOptions> = {},
) {
  const server = await serveRaw((socket) => {
    socket.write(text, 'latin1', () => {
      if (after === 'end') socket.end()
      if (after === 'reset') socket.resetAndDestroy()
    })
  })
  return clientOf(server, options)
}

describe('a server that sends too much', () => {
  it('is left early when its body never ends', async () => {
    let sent = 0
    let gone = false
    const chunk = Buffer.alloc(64 * 1024)
    const server = await serve((_, response) => {
      const more = () => {
        while (!gone && sent < 2 ** 31) {
          sent += chunk.length
          if (!response.write(chunk)) return
        }
      }
      response.on('drain', more)
      response.on('close', () => {
        gone = true
      })
      more()
    })
    const failure = await failureOf(clientOf(server).fetch({ url: URL_OF_SITE }))
    expect(failure).toMatchObject({
      code: 'RESPONSE_TOO_LARGE',
      message: expect.stringContaining('client.test'),
    })
    await until(() => gone, { what: 'the connection to end' })
    expect(sent).toBeLessThan(64 * 1024 * 1024)
  })

  it('is left before the body when it announces too many bytes', async () => {
    const outbound = await answering('HTTP/1.1 200 OK\r\ncontent-length: 2147483648\r\n\r\nx')
    expect(await failureOf(outbound.fetch({ url: URL_OF_SITE }))).toMatchObject({
      code: 'RESPONSE_TOO_LARGE',
    })
  })

  it('wins nothing with a compression bomb', async () => {
    const bomb = zlib.gzipSync(Buffer.alloc(30_000_000))
    const server = await serve((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    )
    const outbound = clientOf(server)
    const before = process.memoryUsage().arrayBuffers
    expect(await failureOf(outbound.fetch({ url: URL_OF_SITE }))).toMatchObject({
      code: 'RESPONSE_TOO_LARGE',
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(25_000_000)
  })

  it('is left when its headers are too long', async () => {
    const outbound = await answering(`HTTP/1.1 200 OK\r\nx-long: ${'x'.repeat(40_000)}\r\n\r\n`)
    expect(await failureOf(outbound.fetch({ url: URL_OF_SITE }))).toMatchObject({
      code: 'RESPONSE_TOO_LARGE',
    })
  })

  it('is not read to the end of a redirect', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/next') response.end('there')
      else response.writeHead(302, { location: '/next' }).write('a body that never ends')
    })
    expect((await clientOf(server).fetch({ url: URL_OF_SITE })).url).toBe('http://client.test/next')
  })
})

describe('a server that is slow', () => {
  // All at once: the shortest silence that undici notices is about a second.
  it('is left when it falls silent before or within its headers or its body', async () => {
    const silences = [
      '',
      'HTTP/1.1 200 OK\r\nx-a: ',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab',
    ]
    const clients = await Promise.all(
      silences.map((text) => answering(text, 'wait', { readTimeoutSeconds: 0.05 })),
    )
    const failures = await Promise.all(clients.map((client) => failureOf(client.fetch({ url: URL_OF_SITE }))))
    for (const failure of failures) {
      expect(failure).toMatchObject({
        code: 'UPSTREAM_TIMEOUT',
        message: expect.stringContaining('client.test'),
      })
    }
  })

  it('is left when the time limit is over, though it sends byte after byte', async () => {
    const timers: NodeJS.Timeout[] = []
    const server = await serve((_, response) => {
      timers.push(setInterval(() => response.write('x'), 5))
      response.on('close', () => timers.forEach(clearInterval))
    })
    const outbound = clientOf(server)
    const failure = await failureOf(outbound.fetch({ url: URL_OF_SITE, totalTimeoutSeconds: 0.1 }))
    expect(failure).toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      message: expect.stringContaining('time limit'),
    })
  })

  it('cannot stretch the time limit by redirects', async () => {
    const server = await serve((_, response) => {
      setTimeout(() => response.writeHead(302, { location: '/' }).end(), 60)
    })
    const failure = await failureOf(clientOf(server).fetch({ url: URL_OF_SITE, totalTimeoutSeconds: 0.15 }))
    expect(failure).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
  })

  it('may think about a POST for longer than it may be silent about a GET', async () => {
    let answer = (): void => undefined
    const server = await serve((request, response) => {
      if (request.method === 'POST') answer = () => response.end('thought')
    })
    const outbound = clientOf(server, { readTimeoutSeconds: 0.03 })
    const thinking = outbound.fetch({ url: URL_OF_SITE, method: 'POST', body: '{}' })
    await until(() => server.requests.length === 1, { what: 'the POST', everyMs: 1 })
    expect(await failureOf(outbound.fetch({ url: URL_OF_SITE }))).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    answer()
    expect((await thinking).status).toBe(200)
  })
})

describe('a server that breaks the rules', () => {
  it.each([
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['a header without colon', 'HTTP/1.1 200 OK\r\nBad Header\r\n\r\n'],
    ['two content lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['a broken chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n'],
  ])('is named as the one at fault for %s', async (_, text) => {
    const outbound = await answering(text)
    expect(await failureOf(outbound.fetch({ url: URL_OF_SITE }))).toMatchObject({ code: 'UPSTREAM_ERROR' })
  })

  it.each([
    ['hangs up at once', '', 'end'],
    ['resets the connection', '', 'reset'],
    ['hangs up within its body', 'HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nab', 'end'],
    ['resets within its body', 'HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nab', 'reset'],
    ['hangs up within a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab', 'end'],
  ] as const)('counts as unreachable when it %s', async (_, text, after) => {
    const outbound = await answering(text, after)
    expect(await failureOf(outbound.fetch({ url: URL_OF_SITE }))).toMatchObject({
      code: 'NETWORK_UNREACHABLE',
      message: expect.stringContaining('client.test'),
    })
  })

  it('counts as unreachable when nothing listens', async () => {
    const server = await serveRaw(() => undefined)
    await server.close()
    const outbound = outboundTo({ 'client.test': server.port })
    cleanUp.push(outbound.close)
    expect(await failureOf(outbound.fetch({ url: URL_OF_SITE }))).toMatchObject({
      code: 'NETWORK_UNREACHABLE',
      message: 'client.test cannot be reached: ECONNREFUSED',
    })
  })
})
