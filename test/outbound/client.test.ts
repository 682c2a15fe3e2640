import type { RequestListener } from 'node:http'
import { describe, expect, it } from 'vitest'
import { until } from '../support/wait.ts'
import { fakeClock } from './fake-clock.ts'
import { failureOf, useSites } from './loopback.ts'

const site = useSites()

const page: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-type': 'Text/HTML; charset=utf-8', 'x-many': ['1', '2'] })
  response.end('<p>Bonjour</p>')
}

describe('fetching a page', () => {
  it('answers with status, headers, media type and bytes', async () => {
    const { server, outbound } = await site(page)
    const answer = await outbound.fetch({ url: 'http://client.test/a?b=c#d', headers: { 'X-Mine': 'yes' } })
    expect(answer).toMatchObject({
      status: 200,
      url: 'http://client.test/a?b=c',
      redirects: [],
      contentType: 'text/html',
    })
    expect(answer.headers['x-many']).toBe('1, 2')
    expect(Buffer.from(answer.body).toString()).toBe('<p>Bonjour</p>')
    expect(answer.elapsedMs).toBeGreaterThan(0)
    expect(server.requests).toEqual([
      expect.objectContaining({ method: 'GET', url: '/a?b=c', host: 'client.test' }),
    ])
    expect(server.requests[0]?.headers).toMatchObject({
      'user-agent': 'RowbeatBot/0.1 (+https://rowbeat.example/bot)',
      'x-mine': 'yes',
    })
  })

  it('reaches a mapped host by plain HTTP also under https and any port, with its own name', async () => {
    const { server, outbound } = await site(page)
    expect((await outbound.fetch({ url: 'https://client.test:8443/' })).url).toBe('https://client.test:8443/')
    expect(server.requests[0]?.host).toBe('client.test:8443')
    expect([outbound.isMapped('CLIENT.test'), outbound.isMapped('www.client.test')]).toEqual([true, false])
  })

  it('is who it is and frames its own messages, whatever the caller sets', async () => {
    const { server, outbound } = await site(page)
    await outbound.fetch({
      url: 'http://client.test/',
      headers: { 'User-Agent': 'Mozilla', Host: 'other.test', 'Content-Length': '99', Connection: 'close' },
    })
    expect(server.requests[0]?.host).toBe('client.test')
    expect(server.requests[0]?.headers['user-agent']).toMatch(/^RowbeatBot/)
  })

  it('sends a POST with its body', async () => {
    const { outbound } = await site((request, response) => request.pipe(response))
    const answer = await outbound.fetch({ url: 'http://client.test/', method: 'POST', body: '{"a":"é"}' })
    expect(Buffer.from(answer.body).toString()).toBe('{"a":"é"}')
  })

  it.each([404, 410, 500, 503])('takes the status %d for an answer', async (status) => {
    const { outbound } = await site((_, response) => response.writeHead(status).end('no'))
    expect(await outbound.fetch({ url: 'http://client.test/' })).toMatchObject({ status, contentType: '' })
  })

  it('reads HEAD, 204 and 304 without a body, whatever they announce', async () => {
    const { outbound } = await site((request, response) => {
      response.writeHead(request.url === '/304' ? 304 : 200, {
        'content-encoding': 'gzip',
        'content-length': 99_999_999,
      })
      response.end()
    })
    const head = await outbound.fetch({ url: 'http://client.test/', method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, headers: { 'content-length': '99999999' } })
    expect(head.body).toHaveLength(0)
    expect((await outbound.fetch({ url: 'http://client.test/304' })).status).toBe(304)
  })

  it('does not download a media type that was not asked for', async () => {
    let cut = false
    const { server, outbound } = await site((_, response) => {
      response.on('close', () => {
        cut = true
      })
      response.writeHead(200, { 'content-type': 'application/zip' })
      response.write('PK')
    })
    const answer = await outbound.fetch({
      url: 'http://client.test/',
      accept: ['text/html', 'application/xml'],
    })
    expect(answer).toMatchObject({ status: 200, contentType: 'application/zip' })
    expect(answer.body).toHaveLength(0)
    expect(server.requests[0]?.headers.accept).toBe('text/html, application/xml, */*;q=0.1')
    await until(() => cut, { what: 'the server to see the connection end' })
  })

  it.each([
    [{ url: 'not a url' }, 'INVALID_INPUT'],
    [{ url: 'http://client.test/', headers: { 'x-bad': 'a\r\nb: c' } }, 'INVALID_INPUT'],
    [{ url: 'http://client.test/', headers: { 'bad name': 'x' } }, 'INVALID_INPUT'],
    [{ url: 'http://client.test/', totalTimeoutSeconds: Number.NaN }, 'INVALID_INPUT'],
    [{ url: 'http://client.test/', maxBytes: -1 }, 'INVALID_INPUT'],
    [{ url: 'http://client.test@example.com/' }, 'ADDRESS_NOT_ALLOWED'],
    [{ url: 'http://127.0.0.1/' }, 'ADDRESS_NOT_ALLOWED'],
    [{ url: 'http://unknown.test/' }, 'DNS_FAILURE'],
  ])('refuses the request %j', async (request, code) => {
    const { server, outbound } = await site(page)
    expect(await failureOf(outbound.fetch(request))).toMatchObject({ name: 'RowbeatError', code })
    expect(server.requests).toEqual([])
  })
})

describe('being polite', () => {
  it('asks a host at most five things at once', async () => {
    const open: (() => void)[] = []
    let most = 0
    const { outbound } = await site((_, response) => {
      open.push(() => response.end('x'))
      most = Math.max(most, open.length)
    })
    const answers = Array.from({ length: 12 }, (_, index) =>
      outbound.fetch({ url: `http://client.test/${index}` }),
    )
    for (let answered = 0; answered < 12; answered++) {
      await until(() => open.length > 0, { what: 'a request', everyMs: 1 })
      if (answered === 0) await until(() => open.length === 5, { what: 'five requests', everyMs: 1 })
      open.shift()?.()
    }
    expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true)
    expect(most).toBe(5)
  })

  it('starts nothing before the delay of the host is over', async () => {
    const clock = fakeClock()
    const { server, outbound } = await site(page, { clock })
    const fetch = () => outbound.fetch({ url: 'http://client.test/', hostDelaySeconds: 3 })
    await fetch()
    const second = fetch()
    clock.advance(2999)
    await new Promise((resolve) => setImmediate(resolve))
    expect(server.requests).toHaveLength(1)
    clock.advance(1)
    expect((await second).status).toBe(200)
    expect(clock.pending).toBe(0)
  })

  it('does not carry the delay of one host over to the host it redirects to', async () => {
    const clock = fakeClock()
    const moved: RequestListener = (request, response) => {
      if (request.headers.host === 'rival.test') response.end('there')
      else response.writeHead(302, { location: 'http://rival.test/' }).end()
    }
    const { outbound } = await site(moved, { clock }, ['rival.test'])
    await outbound.fetch({ url: 'http://rival.test/' })
    const answer = await outbound.fetch({ url: 'http://client.test/', hostDelaySeconds: 10 })
    expect(answer.url).toBe('http://rival.test/')
  })

  it('leaves a host alone for as long as its Retry-After asks', async () => {
    const clock = fakeClock()
    const { server, outbound } = await site(
      (_, response) => response.writeHead(429, { 'retry-after': '20' }).end(),
      { clock },
    )
    expect((await outbound.fetch({ url: 'http://client.test/' })).status).toBe(429)
    const second = outbound.fetch({ url: 'http://client.test/' })
    clock.advance(19_999)
    await new Promise((resolve) => setImmediate(resolve))
    expect(server.requests).toHaveLength(1)
    clock.advance(1)
    expect((await second).status).toBe(429)
  })

  it('gives the turn of an aborted request to the next one', async () => {
    let first = true
    const { server, outbound } = await site(
      (_, response) => {
        if (!first) response.end('x')
        first = false
      },
      { requestsPerHost: 1 },
    )
    const stop = new AbortController()
    const stuck = failureOf(outbound.fetch({ url: 'http://client.test/stuck', signal: stop.signal }))
    const next = outbound.fetch({ url: 'http://client.test/next' })
    await until(() => server.requests.length === 1, {
      what: 'the first request',
      everyMs: 1,
    })
    const reason = new Error('job cancelled')
    stop.abort(reason)
    expect(await stuck).toBe(reason)
    expect((await next).status).toBe(200)
  })
})

describe('trying again', () => {
  const retry = { tries: 3, minSeconds: 4, maxSeconds: 10 }

  it('asks again after 5xx with the waits of its policy', async () => {
    const clock = fakeClock()
    let left = 2
    const { server, outbound } = await site(
      (_, response) => response.writeHead(left-- > 0 ? 500 : 200).end(),
      {
        clock,
        retry,
        random: () => 0.5,
      },
    )
    const answer = outbound.fetch({ url: 'http://client.test/' })
    for (const wait of [4000, 8000]) {
      await until(() => clock.waits.length === 1 && clock.waits[0] === wait, {
        what: `a pause of ${wait} ms`,
        everyMs: 1,
      })
      clock.advance(wait)
    }
    expect((await answer).status).toBe(200)
    expect(server.requests).toHaveLength(3)
  })

  it('ends the pause when the caller aborts or the client is closed', async () => {
    const clock = fakeClock()
    const { outbound } = await site((_, response) => response.writeHead(500).end(), {
      clock,
      retry,
      random: () => 0.5,
    })
    const stop = new AbortController()
    const aborted = failureOf(outbound.fetch({ url: 'http://client.test/', signal: stop.signal }))
    const closed = failureOf(outbound.fetch({ url: 'http://client.test/' }))
    await until(() => clock.waits.length === 2 && clock.waits.every((wait) => wait === 4000), {
      what: 'two pauses',
      everyMs: 1,
    })
    stop.abort('a text as the reason')
    await expect(aborted).resolves.toBe('a text as the reason')
    await outbound.close()
    expect(await closed).toMatchObject({
      code: 'NETWORK_UNREACHABLE',
      message: 'The outbound client is closed',
    })
    expect(clock.pending).toBe(0)
  })
})

describe('keeping connections', () => {
  it('uses them again for the same origin, and lets those of other origins go', async () => {
    const { server, outbound } = await site(page, { originsKept: 1 }, ['rival.test'])
    for (let times = 0; times < 20; times++) await outbound.fetch({ url: 'http://client.test/' })
    expect(server.connections().opened).toBeLessThanOrEqual(2)
    await outbound.fetch({ url: 'http://rival.test/' })
    await until(() => server.connections().open === 1, {
      what: 'the other connections to end',
    })
  })
})

describe('closing', () => {
  it('ends what is under way, refuses what comes later, and can be done twice', async () => {
    const { server, outbound } = await site(() => undefined)
    const stuck = failureOf(outbound.fetch({ url: 'http://client.test/' }))
    await until(() => server.requests.length === 1, { what: 'the request', everyMs: 1 })
    await Promise.all([outbound.close(), outbound.close()])
    expect(await stuck).toMatchObject({ code: 'NETWORK_UNREACHABLE' })
    expect(await failureOf(outbound.fetch({ url: 'http://client.test/' }))).toMatchObject({
      code: 'NETWORK_UNREACHABLE',
    })
  })
})
