import { createServer, type RequestListener } from 'node:http'
import { createServer as createRawServer, type Socket } from 'node:net'
import { createOutbound, type OutboundOptions } from '../../src/outbound/client.ts'
import { useCleanUp } from '../support/clean-up.ts'
import { closeServer, listenOnLoopback } from '../support/loopback.ts'

export interface Loopback {
  readonly port: number
  readonly requests: { method: string; url: string; host: string; headers: Record<string, unknown> }[]
  /** Connections so far, and those still open. */
  readonly connections: () => { opened: number; open: number }
  close(): Promise<void>
}

/** An HTTP server on a free port of the loopback interface that remembers what it was asked. */
export async function serve(listener: RequestListener): Promise<Loopback> {
  const requests: Loopback['requests'] = []
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    requests.push({ method, url, host: headers.host ?? '', headers })
    listener(request, response)
  })
  const sockets = new Set<Socket>()
  let opened = 0
  server.on('connection', (socket) => {
    opened += 1
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const port = await listenOnLoopback(server)
  return {
    port,
    requests,
    connections: () => ({ opened, open: sockets.size }),
    close: () => {
      server.closeAllConnections()
      return closeServer(server)
    },
  }
}

/** A TCP server that hands every connection to `onSocket` after the first bytes came in. */
export async function serveRaw(
  onSocket: (socket: Socket) => void,
): Promise<Omit<Loopback, 'requests' | 'connections'>> {
  const sockets = new Set<Socket>()
  const server = createRawServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    socket.once('data', () => onSocket(socket))
  })
  const port = await listenOnLoopback(server)
  return {
    port,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return closeServer(server)
    },
  }
}

/** A client whose map sends the given host names to ports of this machine. */
export function outboundTo(hosts: Record<string, number>, options: Partial<OutboundOptions> = {}) {
  const entries = Object.entries(hosts).map(([host, port]) => [host, { address: '127.0.0.1', port }] as const)
  return createOutbound({
    hostMap: new Map(entries),
    userAgent: 'RowbeatBot/0.1 (+https://rowbeat.example/bot)',
    // Nothing in these tests may ask a real resolver.
    lookup: () => Promise.reject(Object.assign(new Error('no such host'), { code: 'ENOTFOUND' })),
    ...options,
  })
}

/** The error that a promise ends with; fails when it ends well. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error & { code?: string }
  }
  throw new Error('expected a failure, got an answer')
}

/** Sites under host names of their own, and the clients that reach them, until the end of the test. */
export function useSites() {
  const cleanUp = useCleanUp()
  return async (
    listener: RequestListener,
    options: Partial<OutboundOptions> = {},
    /** Host names of the site besides `client.test`. */
    also: readonly string[] = [],
  ) => {
    const server = await serve(listener)
    const outbound = outboundTo(
      Object.fromEntries(['client.test', ...also].map((host) => [host, server.port])),
      options,
    )
    cleanUp.push(server.close, outbound.close)
    return { server, outbound }
  }
}
