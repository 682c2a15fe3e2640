/** A server of canned answers on the loopback interface. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { useCleanUp } from '../support/clean-up.ts'
import { closeServer, listenOnLoopback } from '../support/loopback.ts'

const cleanUp = useCleanUp()

/** Serves until the test ends; gives the base address. */
export async function serveTest(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer)
  const port = await listenOnLoopback(server)
  cleanUp.push(() => {
    server.closeAllConnections()
    return closeServer(server)
  })
  return `http://127.0.0.1:${port}`
}

export interface Canned {
  readonly status: number
  readonly body: unknown
}

/** Serves one answer after the other, the last one again and again; gives what was asked, without query. */
export async function serveInTurn(
  turns: Readonly<Record<string, readonly Canned[]>>,
): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = []
  const served = new Map<string, number>()
  const url = await serveTest((request, response) => {
    const what = `${request.method} ${request.url}`
    asked.push(what)
    const answers = turns[what] ?? []
    const turn = served.get(what) ?? 0
    served.set(what, turn + 1)
    const { status, body } = answers[Math.min(turn, answers.length - 1)] ?? { status: 404, body: null }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  return { url, asked }
}
