/** A TCP proxy before a database, to break the network in the ways that networks break. */
import { createServer, connect as dial, type Socket } from 'node:net'
import { afterEach, beforeEach } from 'vitest'
import { closeServer, listenOnLoopback } from './loopback.ts'

export interface NetworkProxy {
  /** The database's URL, through the proxy. */
  readonly url: string
  /** Ends every connection now; new ones pass. */
  cut(): void
  /** Ends every connection and refuses new ones, until `heal`. */
  refuse(): void
  /** Swallows every byte, of open and new connections, for good: only connections made after `heal` pass, also when
   * it comes at once. */
  blackHole(): void
  heal(): void
  /** Lets the next request that contains `text` reach the server, and cuts its connection when the answer comes. */
  loseAnswerTo(text: string): void
  /** The same without a word: nothing is closed, and the connection stays mute. */
  swallowAnswerTo(text: string): void
  /** How many answers were lost so. */
  lost(): number
  close(): Promise<void>
}

/**
 * A proxy for each test before the database of `target`. Called after the hook that stops what uses it, its own
 * runs before that one: a stop must not wait for a dead network.
 */
export function useProxy(target: { readonly url: string }): () => NetworkProxy {
  let proxy: NetworkProxy | null = null
  beforeEach(async () => {
    proxy = await startProxy(target.url)
  })
  afterEach(() => proxy?.close())
  return () => {
    if (proxy === null) throw new Error('the proxy exists only while tests run')
    return proxy
  }
}

interface Pair {
  readonly ends: readonly [client: Socket, server: Socket]
  swallowed: boolean
}

/** Starts a proxy on a free port of loopback before the database of `url`. */
export async function startProxy(url: string): Promise<NetworkProxy> {
  const target = new URL(url)
  const pairs = new Set<Pair>()
  let mode: 'pass' | 'refuse' | 'swallow' = 'pass'
  let marker: string | null = null
  let mutely = false
  let lost = 0

  const endAll = (): void => {
    for (const { ends } of pairs) for (const socket of ends) socket.destroy()
  }

  const server = createServer((client) => {
    client.on('error', () => undefined)
    if (mode === 'refuse') {
      client.destroy()
      return
    }
    const upstream = dial(Number(target.port || 5432), target.hostname)
    upstream.on('error', () => undefined)
    const pair: Pair = { ends: [client, upstream], swallowed: mode === 'swallow' }
    pairs.add(pair)
    let losing = false
    const end = (): void => {
      // When one end gives up on a black hole, the other hears nothing of that.
      if (pair.swallowed) return
      client.destroy()
      upstream.destroy()
      pairs.delete(pair)
    }
    client.on('data', (bytes) => {
      if (pair.swallowed) return
      if (marker !== null && bytes.includes(marker)) {
        marker = null
        losing = true
      }
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      if (pair.swallowed) return
      if (losing) {
        lost += 1
        if (mutely) pair.swallowed = true
        else end()
        return
      }
      client.write(bytes)
    })
    client.on('close', end)
    upstream.on('close', end)
  })
  const port = await listenOnLoopback(server)
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String(port)

  return {
    url: through.href,
    cut: endAll,
    refuse: () => {
      mode = 'refuse'
      endAll()
    },
    blackHole: () => {
      mode = 'swallow'
      for (const pair of pairs) pair.swallowed = true
    },
    heal: () => {
      mode = 'pass'
    },
    loseAnswerTo: (text) => {
      marker = text
      mutely = false
    },
    swallowAnswerTo: (text) => {
      marker = text
      mutely = true
    },
    lost: () => lost,
    close: async () => {
      const closed = closeServer(server)
      endAll()
      await closed
    },
  }
}
