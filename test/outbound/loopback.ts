import { createServer, type RequestListener, type Server } from 'node:http'
import {
  type AddressInfo,
  createServer as createRawServer,
  type Server as RawServer,
  type Socket,
} from 'node:net'
import { createOutbound, type OutboundOptions } from '../../src/outbound/client.ts'

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
  const port = await listen(server)
  return {
    port,
    requests,
    connections: () => ({ opened, open: sockets.size }),
    close: () => {
      server.closeAllConnections()
      return closed(server)
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
  const port = await listen(server)
  return {
    port,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return closed(server)
    },
  }
}

function listen(server: Server | RawServer): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function closed(server: Server | RawServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
  })
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
