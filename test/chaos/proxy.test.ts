import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type Cut, startProxy, type Wire } from '../../scripts/chaos/proxy.ts'
import { until } from '../support/wait.ts'

const cleanUp: (() => Promise<unknown> | undefined)[] = []
afterEach(async () => {
  for (const close of cleanUp.splice(0).reverse()) await close()
})

interface Echo {
  readonly port: number
  received(): string
}

/** A server that answers `ok:` and what it was sent. */
async function startEcho(): Promise<Echo> {
  let received = ''
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', (bytes) => {
      received += bytes.toString()
      socket.write(`ok:${bytes.toString()}`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    received: () => received,
  }
}

interface Client {
  readonly socket: Socket
  answer(): string
  closed(): boolean
}

async function setUp(): Promise<{ echo: Echo; proxy: Wire; dial(): Promise<Client> }> {
  const echo = await startEcho()
  const proxy = await startProxy(echo.port)
  cleanUp.push(() => proxy.close())
  return {
    echo,
    proxy,
    dial: async () => {
      const socket = connect(proxy.port, '127.0.0.1')
      let answer = ''
      let closed = false
      socket.on('data', (bytes) => {
        answer += bytes.toString()
      })
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        closed = true
      })
      await once(socket, 'connect')
      cleanUp.push(async () => socket.destroy())
      return { socket, answer: () => answer, closed: () => closed }
    },
  }
}

const soon = (condition: () => boolean, what: string) => until(condition, { what, everyMs: 5 })

describe('the proxy', () => {
  it('passes bytes both ways', async () => {
    const { dial } = await setUp()
    const client = await dial()
    client.socket.write('hello')
    await soon(() => client.answer() === 'ok:hello', 'the answer')
  })

  const cuts: readonly (readonly [cut: Cut, received: string])[] = [
    ['before', ''],
    ['half', 'COMMIT'],
    ['after', 'COMMIT-TOO!!'],
    ['answer', 'COMMIT-TOO!!'],
  ]
  for (const [cut, received] of cuts) {
    it(`closes a connection at a chosen packet: ${cut}`, async () => {
      const { echo, proxy, dial } = await setUp()
      proxy.cutWhen((packet) => (packet.startsWith('COMMIT') ? cut : null))
      const client = await dial()
      client.socket.write('COMMIT-TOO!!')
      await soon(client.closed, 'the cut')
      await soon(() => echo.received() === received, `the server to have read "${received}"`)
      expect(client.answer().length).toBeLessThan('ok:COMMIT-TOO!!'.length)
    })
  }

  it('swallows the answer to a chosen packet and closes nothing', async () => {
    const { echo, proxy, dial } = await setUp()
    proxy.cutWhen((packet) => (packet === 'COMMIT' ? 'swallow' : null))
    const [mute, other] = [await dial(), await dial()]
    mute.socket.write('COMMIT')
    await soon(() => echo.received() === 'COMMIT', 'the server to read it')
    other.socket.write('x')
    await soon(() => other.answer() === 'ok:x', 'the answer to another')
    expect(mute.answer()).toBe('')
    expect(mute.closed()).toBe(false)
  })

  it('lets nothing pass while it swallows, and new bytes afterwards', async () => {
    const { echo, proxy, dial } = await setUp()
    const client = await dial()
    proxy.swallow(true)
    client.socket.write('lost')
    await soon(() => client.socket.writableLength === 0, 'the bytes to leave')
    const fresh = await dial()
    proxy.swallow(false)
    fresh.socket.write('found')
    await soon(() => fresh.answer() === 'ok:found', 'the answer')
    expect(echo.received()).not.toContain('lostfound')
  })

  it('tells the server at last of what was closed while everything was swallowed', async () => {
    const { proxy, dial } = await setUp()
    const client = await dial()
    await soon(() => proxy.connections() === 1, 'the connection')
    proxy.swallow(true)
    client.socket.destroy()
    await soon(client.closed, 'the near end to be gone')
    expect(proxy.connections()).toBe(1)
    await until(
      () => {
        proxy.swallow(false)
        return proxy.connections() === 0
      },
      { what: 'the far end to be told', everyMs: 5 },
    )
  })

  it('leads new connections to another server', async () => {
    const { proxy, dial, echo } = await setUp()
    const other = await startEcho()
    proxy.retarget(other.port)
    expect(proxy.resetAll()).toBe(0)
    const client = await dial()
    client.socket.write('there')
    await soon(() => other.received() === 'there', 'the other server to read it')
    expect(echo.received()).toBe('')
  })

  it('resets every connection', async () => {
    const { proxy, dial } = await setUp()
    const clients = [await dial(), await dial()]
    await soon(() => proxy.connections() === 2, 'both connections')
    expect(proxy.resetAll()).toBe(2)
    await soon(() => clients.every((one) => one.closed()), 'both to be closed')
  })
})
