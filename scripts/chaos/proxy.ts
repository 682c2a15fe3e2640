/**
 * A TCP proxy between daemons and Postgres that can do what networks do: be slow, cut a connection at a chosen
 * byte, swallow everything without a word, and lead to another server.
 */
import { connect, createServer, type Socket } from 'node:net'

/** What is done to a connection when something chosen passes on its way to the server. */
export type Cut =
  /** Closed before it is passed on. */
  | 'before'
  /** Passed on, then closed at once: the server works, its answer is lost. */
  | 'after'
  /** Half of it is passed on, then closed. */
  | 'half'
  /** Passed on; closed when the first bytes of the answer are on their way. */
  | 'answer'
  /** Passed on; the answer and everything after it is swallowed, and nothing is closed. */
  | 'swallow'
export const CUTS: readonly Cut[] = ['before', 'after', 'half', 'answer', 'swallow']

export interface Wire {
  readonly port: number
  /** Every packet from now on is held for this long. */
  setLatency(ms: number): void
  /** While true nothing passes in either direction and nothing is closed; new connections hang too. */
  swallow(on: boolean): void
  /** Asked for every packet to the server; what it returns is done. Null: nothing is cut. */
  cutWhen(choose: ((packet: string) => Cut | null) | null): void
  /** Resets every connection; returns how many there were. */
  resetAll(): number
  /** New connections lead to this port of loopback. */
  retarget(port: number): void
  connections(): number
  close(): Promise<void>
}

/** A sender that outruns the proxy is stopped here, so that memory stays bounded. */
const BACKLOG_MAX = 8 * 1024 * 1024

interface Link {
  readonly near: Socket
  readonly far: Socket
  dead: boolean
  /** True when nothing of this link passes any more, without being closed. */
  mute: boolean
  cutAtAnswer: boolean
}

/** Starts the proxy on a free port of loopback, leading to `target` on loopback. */
export async function startProxy(target: number): Promise<Wire> {
  const links = new Set<Link>()
  let goal = target
  let latencyMs = 0
  let swallowing = false
  let choose: ((packet: string) => Cut | null) | null = null

  const end = (link: Link): void => {
    link.dead = true
    links.delete(link)
    link.near.resetAndDestroy()
    link.far.resetAndDestroy()
  }
  const pass = (link: Link, to: Socket, bytes: Buffer): void => {
    if (link.dead || link.mute || swallowing) return
    if (to.writableLength > BACKLOG_MAX) end(link)
    else if (latencyMs === 0) to.write(bytes)
    else setTimeout(() => void (link.dead || to.destroyed || to.write(bytes)), latencyMs)
  }
  const toServer = (link: Link, bytes: Buffer): void => {
    const cut = choose?.(bytes.toString('latin1')) ?? null
    if (cut === 'before') {
      end(link)
      return
    }
    pass(link, link.far, cut === 'half' ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes)
    if (cut === 'answer') link.cutAtAnswer = true
    else if (cut === 'swallow') link.mute = true
    // After the write has left this process: a reset at once would take back what was not yet sent.
    else if (cut !== null) link.far.write('', () => end(link))
  }
  const toClient = (link: Link, bytes: Buffer): void => {
    if (link.cutAtAnswer) link.near.write(bytes.subarray(0, Math.min(3, bytes.length)), () => end(link))
    else pass(link, link.near, bytes)
  }

  const server = createServer((near) => {
    const far = connect(goal, '127.0.0.1')
    const link: Link = { near, far, dead: false, mute: false, cutAtAnswer: false }
    links.add(link)
    near.on('data', (bytes) => toServer(link, bytes))
    far.on('data', (bytes) => toClient(link, bytes))
    for (const socket of [near, far]) {
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        // A dead network says nothing of its ends, so neither side learns of the other's.
        if (!swallowing && !link.mute) end(link)
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no address')

  const resetAll = (): number => {
    const count = links.size
    for (const link of [...links]) end(link)
    return count
  }
  return {
    port: address.port,
    setLatency: (ms) => {
      latencyMs = ms
    },
    swallow: (on) => {
      swallowing = on
      // What was closed meanwhile: the other end learns of it with the first packet that gets through.
      for (const link of [...links]) if (!on && (link.near.destroyed || link.far.destroyed)) end(link)
    },
    cutWhen: (chooser) => {
      choose = chooser
    },
    resetAll,
    retarget: (port) => {
      goal = port
    },
    connections: () => links.size,
    close: async () => {
      resetAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
