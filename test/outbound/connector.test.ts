import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, it } from 'vitest'
import type { Lookup } from '../../src/outbound/address-guard.ts'
import { createOutbound } from '../../src/outbound/client.ts'
import { type ConnectorOptions, createConnector } from '../../src/outbound/connector.ts'
import { asRowbeatError } from '../../src/outbound/failure.ts'
import { useCleanUp } from '../support/clean-up.ts'
import { failureOf } from './loopback.ts'

const cleanUp = useCleanUp()

const address = (...list: string[]) =>
  list.map((text) => ({ address: text, family: text.includes(':') ? 6 : 4 }))

async function listener(host: string, port = 0): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
  }).listen(port, host)
  await once(server, 'listening')
  cleanUp.push(() => server.close())
  return (server.address() as AddressInfo).port
}

function connecting(options: Partial<ConnectorOptions>) {
  const connect = createConnector({
    hostMap: new Map(),
    lookup: async () => [],
    timeoutMs: 10_000,
    ...options,
  })
  return (hostname: string, port: number, protocol = 'http:') =>
    new Promise<Socket>((resolve, reject) => {
      connect({ hostname, host: `${hostname}:${port}`, port: String(port), protocol }, (error, socket) => {
        if (error !== null) {
          reject(error)
          return
        }
        cleanUp.push(() => socket.destroy())
        resolve(socket)
      })
    })
}

describe('opening a connection', () => {
  it.each([['127.0.0.1'], ['169.254.169.254'], ['::1'], ['::ffff:127.0.0.1']])(
    'refuses the literal address %s, which no look-up ever sees',
    async (literal) => {
      const failure = await failureOf(connecting({})(literal, 80))
      expect(failure).toMatchObject({ code: 'ADDRESS_NOT_ALLOWED' })
    },
  )

  it.each([
    [['10.0.0.1']],
    [['8.8.8.8', '127.0.0.1']],
    [['2606:4700::1', '::ffff:10.0.0.1']],
    [['nonsense']],
  ])('refuses a name of the addresses %j', async (addresses) => {
    const failure = await failureOf(connecting({ lookup: async () => address(...addresses) })('a.test', 80))
    expect(failure).toMatchObject({ code: 'ADDRESS_NOT_ALLOWED', message: expect.stringContaining('a.test') })
  })

  it('connects to the very address it checked, and asks the resolver once', async () => {
    const port = await listener('127.0.0.1')
    const answers = [address('127.0.0.1'), address('127.0.0.2')]
    let asked = 0
    const lookup: Lookup = async () => answers[asked++] ?? []
    const connect = connecting({ lookup, isAllowed: (text) => text === '127.0.0.1' })
    const socket = await connect('rebinding.test', port)
    expect([socket.remoteAddress, asked]).toEqual(['127.0.0.1', 1])
    expect(await failureOf(connect('rebinding.test', port))).toMatchObject({ code: 'ADDRESS_NOT_ALLOWED' })
  })

  it('tries the next address when the first does not answer', async () => {
    const port = await listener('127.0.0.3')
    const lookup = async () => address('127.0.0.2', '127.0.0.3')
    const socket = await connecting({ lookup, isAllowed: () => true })('two.test', port)
    expect(socket.remoteAddress).toBe('127.0.0.3')
  })

  it('gives up when the resolver has no address, fails, or does not answer', async () => {
    expect(await failureOf(connecting({ lookup: async () => [] })('a.test', 80))).toMatchObject({
      code: 'DNS_FAILURE',
    })
    const again = Object.assign(new Error('try again'), { code: 'EAI_AGAIN' })
    const failing = await failureOf(connecting({ lookup: () => Promise.reject(again) })('a.test', 80))
    expect(asRowbeatError(failing, 'a.test').code).toBe('DNS_FAILURE')
    const hanging = connecting({ lookup: () => new Promise(() => undefined), timeoutMs: 30 })
    expect(asRowbeatError(await failureOf(hanging('a.test', 80)), 'a.test').code).toBe('UPSTREAM_TIMEOUT')
  })

  it('reaches a mapped host without TLS and without the resolver', async () => {
    const port = await listener('127.0.0.1')
    const hostMap = new Map([['client.test', { address: '127.0.0.1', port }]])
    const connect = connecting({ hostMap, lookup: () => Promise.reject(new Error('asked')) })
    const socket = await connect('client.test', 443, 'https:')
    expect([socket.remotePort, 'encrypted' in socket]).toEqual([port, false])
    expect(await failureOf(connect('www.client.test', 443, 'https:'))).toMatchObject({ message: 'asked' })
  })

  it('speaks TLS with the name of the site, and says so when the handshake fails', async () => {
    const names: string[] = []
    const server = createTlsServer({
      SNICallback: (name, done) => {
        names.push(name)
        done(new Error('no certificate'))
      },
    })
    server.on('tlsClientError', () => undefined)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanUp.push(() => server.close())
    const connect = connecting({ lookup: async () => address('127.0.0.1'), isAllowed: () => true })
    const failure = await failureOf(connect('secure.test', (server.address() as AddressInfo).port, 'https:'))
    expect(names).toEqual(['secure.test'])
    expect(failure).toBeInstanceOf(Error)
  })

  it('calls plain HTTP on a TLS port a TLS failure', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanUp.push(() => server.close())
    const connect = connecting({ lookup: async () => address('127.0.0.1'), isAllowed: () => true })
    const failure = await failureOf(connect('plain.test', (server.address() as AddressInfo).port, 'https:'))
    expect(asRowbeatError(failure, 'plain.test').code).toBe('TLS_FAILURE')
  })
})

describe('the client behind its guard', () => {
  const client = (lookup: Lookup) => {
    const outbound = createOutbound({ hostMap: new Map(), userAgent: 'RowbeatBot/0.1', lookup })
    cleanUp.push(outbound.close)
    return outbound
  }

  it('refuses a name that leads into the local network', async () => {
    const outbound = client(async () => address('8.8.8.8', '127.0.0.1'))
    expect(await failureOf(outbound.fetch({ url: 'https://rebinding.test/' }))).toMatchObject({
      code: 'ADDRESS_NOT_ALLOWED',
      message: 'rebinding.test (127.0.0.1) is not a public address',
    })
  })

  it('comes back at once when it is aborted while the resolver hangs', async () => {
    const stop = new AbortController()
    const outbound = client(() => {
      queueMicrotask(() => stop.abort(new Error('shutting down')))
      return new Promise(() => undefined)
    })
    const started = performance.now()
    const failure = await failureOf(outbound.fetch({ url: 'http://slow.test/', signal: stop.signal }))
    expect(failure.message).toBe('shutting down')
    // A connection attempt is given up after three seconds of itself.
    expect(performance.now() - started).toBeLessThan(2_500)
  })
})
