/** A gate before the demo sites: hands requests through until one is to be held, and holds it until opened. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type Demo, startDemo } from '../../demo/start.ts'
import { closeServer, listenOnLoopback } from '../support/loopback.ts'

/** A request as the gate sees it. */
export interface Passing {
  readonly host: string
  readonly path: string
  /** How often this host was asked for this path, this request included. */
  readonly visit: number
  /** How often this host was asked for robots.txt: each step that reads a site begins with it. */
  readonly openings: number
}

export interface GatedDemo {
  readonly demo: Demo
  /** Settings that send a Rowbeat process to the demo through the gate. */
  readonly settings: Readonly<Record<string, string>>
  /** Requests held so far, those whose sender has gone included. */
  held(): number
  /** Lets everything through from now on. */
  open(): void
  close(): Promise<void>
}

/** Starts the demo behind a gate that holds the requests that `holds` names. */
export async function startGatedDemo(
  holds: (passing: Passing) => boolean,
  asOf: Date = new Date(),
): Promise<GatedDemo> {
  const demo = await startDemo({ asOf })
  const ports = new Map(demo.hostMap.split(',').map((pair) => readPair(pair)))
  const visits = new Map<string, number>()
  const waiting = new Set<() => void>()
  let held = 0
  let opened = false

  const count = (key: string): number => {
    const visit = (visits.get(key) ?? 0) + 1
    visits.set(key, visit)
    return visit
  }
  const server = createServer((incoming, outgoing) => {
    const host = (incoming.headers.host ?? '').replace(/:\d+$/, '')
    const path = (incoming.url ?? '/').replace(/\?.*$/, '')
    const visit = count(`${host} ${path}`)
    const openings = visits.get(`${host} /robots.txt`) ?? 0
    const pass = (): void => forward(incoming, outgoing, ports.get(host))
    if (opened || !holds({ host, path, visit, openings })) return pass()
    held += 1
    waiting.add(pass)
    outgoing.once('close', () => waiting.delete(pass))
  })
  const port = await listenOnLoopback(server)
  return {
    demo,
    settings: {
      OUTBOUND_HOST_MAP: [...ports.keys()].map((host) => `${host}=127.0.0.1:${port}`).join(','),
      SEARCH_PROVIDER: 'searxng',
      SEARXNG_URL: demo.searxngUrl,
      SCRAPING_RETRY_WAIT_MIN: '1',
      SCRAPING_RETRY_WAIT_MAX: '1',
    },
    held: () => held,
    open: () => {
      opened = true
      for (const pass of waiting) pass()
      waiting.clear()
    },
    close: async () => {
      server.closeAllConnections()
      await closeServer(server)
      await demo.close()
    },
  }
}

function readPair(pair: string): [host: string, port: number] {
  const [host = '', address = ''] = pair.split('=')
  return [host, Number(address.slice(address.lastIndexOf(':') + 1))]
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, port: number | undefined): void {
  if (port === undefined) {
    outgoing.writeHead(502).end()
    return
  }
  const { method = 'GET', url: path = '/', headers } = incoming
  const onward = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  onward.once('error', () => outgoing.destroy())
  outgoing.once('close', () => onward.destroy())
  incoming.pipe(onward)
}
