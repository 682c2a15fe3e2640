/** Speaks HTTP byte by byte, for requests that no client would send. */
import { connect, type Socket } from 'node:net'
import { until } from '../support/wait.ts'

export interface RawAnswer {
  readonly status: number
  /** Names in lower case; of several lines with one name the last. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** A connection of its own, and all that came back on it. */
export interface RawConnection {
  readonly socket: Socket
  received(): string
  /** Resolves when the other side has closed. */
  closed(): Promise<void>
}

export function openRaw(port: number): RawConnection {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  let isClosed = false
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text
  })
  // A reset is an end as any other: what came before it is what counts.
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
  })
  return {
    socket,
    received: () => received,
    closed: async () => {
      await until(() => isClosed, { what: 'the server to close the connection' })
    },
  }
}

/** Sends `text`, waits until the server closes, and reads the one answer. */
export async function sendRaw(port: number, text: string): Promise<RawAnswer> {
  const connection = openRaw(port)
  connection.socket.write(text)
  await connection.closed()
  return parseRaw(connection.received())
}

export function parseRaw(text: string): RawAnswer {
  const [head = '', ...body] = text.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const at = line.indexOf(':')
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()]
  })
  return { status: Number(first.split(' ')[1]), headers: new Map(headers), body: body.join('\r\n\r\n') }
}
