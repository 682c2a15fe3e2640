import type { RequestListener } from 'node:http'
import { describe, expect, it } from 'vitest'
import { failureOf, useSites } from './loopback.ts'

const site = useSites()

describe('following redirects', () => {
  const redirecting =
    (target: (url: string) => string | undefined, status = 302): RequestListener =>
    (request, response) => {
      const location = target(request.url ?? '')
      if (location === undefined) response.end('there')
      else response.writeHead(status, { location }).end('moved')
    }

  it('follows five and lists every URL on the way', async () => {
    const { outbound } = await site(
      redirecting((url) => (url === '/5' ? undefined : `/${Number(url.slice(1)) + 1}`)),
    )
    const answer = await outbound.fetch({ url: 'http://client.test/0' })
    expect(answer.url).toBe('http://client.test/5')
    expect(answer.redirects).toEqual([0, 1, 2, 3, 4].map((hop) => `http://client.test/${hop}`))
  })

  it('ends a loop after five, and names the host', async () => {
    const { server, outbound } = await site(redirecting(() => '/again'))
    const failure = await failureOf(outbound.fetch({ url: 'http://client.test/' }))
    expect(failure).toMatchObject({
      code: 'TOO_MANY_REDIRECTS',
      message: expect.stringContaining('client.test'),
    })
    expect(server.requests).toHaveLength(6)
  })

  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://[::ffff:127.0.0.1]/',
    'http://2130706433/',
    '//0x7f.1/',
    'file:///etc/passwd',
    'http://root:secret@client.test/',
    'http://example.com:6379/',
  ])('refuses to follow to %s', async (location) => {
    const { server, outbound } = await site(redirecting(() => location))
    const failure = await failureOf(outbound.fetch({ url: 'http://client.test/' }))
    expect(failure).toMatchObject({
      code: 'ADDRESS_NOT_ALLOWED',
      message: expect.stringContaining('client.test'),
    })
    expect(failure.message).not.toContain('secret')
    expect(server.requests).toHaveLength(1)
  })

  it('refuses to follow to a name of a private address', async () => {
    const lookup = async () => [{ address: '192.168.0.7', family: 4 }]
    const { outbound } = await site(
      redirecting(() => 'http://intranet.example/'),
      { lookup },
    )
    expect(await failureOf(outbound.fetch({ url: 'http://client.test/' }))).toMatchObject({
      code: 'ADDRESS_NOT_ALLOWED',
      message: 'intranet.example (192.168.0.7) is not a public address',
    })
  })

  it('says of a target that is no URL that the server is at fault', async () => {
    const { outbound } = await site(redirecting(() => 'http://[nonsense'))
    expect(await failureOf(outbound.fetch({ url: 'http://client.test/' }))).toMatchObject({
      code: 'UPSTREAM_ERROR',
    })
  })

  it('keeps secrets at their origin', async () => {
    const { server, outbound } = await site(
      redirecting((url) => ({ '/': '/same', '/same': 'http://rival.test/other' })[url]),
      {},
      ['rival.test'],
    )
    const headers = { Authorization: 'Bearer x', Cookie: 'a=b', 'X-Mine': 'yes' }
    await outbound.fetch({ url: 'http://client.test/', headers })
    expect(
      server.requests.map(({ headers }) => [headers.authorization, headers.cookie, headers['x-mine']]),
    ).toEqual([
      ['Bearer x', 'a=b', 'yes'],
      ['Bearer x', 'a=b', 'yes'],
      [undefined, undefined, 'yes'],
    ])
  })

  it.each([
    [301, 'GET', undefined],
    [303, 'GET', undefined],
    [307, 'POST', 'text/plain'],
    [308, 'POST', 'text/plain'],
  ])('after %d a POST goes on as %s', async (status, method, contentType) => {
    const { server, outbound } = await site(redirecting((url) => (url === '/' ? '/next' : undefined), status))
    await outbound.fetch({
      url: 'http://client.test/',
      method: 'POST',
      body: 'x',
      headers: { 'Content-Type': 'text/plain' },
    })
    expect(server.requests[1]).toMatchObject({ method })
    expect(server.requests[1]?.headers['content-type']).toBe(contentType)
  })

  it('takes a 3xx without Location, and a 300, for an answer', async () => {
    const { outbound } = await site((request, response) => {
      response
        .writeHead(request.url === '/300' ? 300 : 302, request.url === '/300' ? { location: '/x' } : {})
        .end()
    })
    expect((await outbound.fetch({ url: 'http://client.test/' })).status).toBe(302)
    expect((await outbound.fetch({ url: 'http://client.test/300' })).status).toBe(300)
  })

  it('reads a Location of raw UTF-8 as it was meant', async () => {
    const raw = Buffer.from('/sécurité').toString('latin1')
    const { server, outbound } = await site(redirecting((url) => (url === '/' ? raw : undefined)))
    await outbound.fetch({ url: 'http://client.test/' })
    expect(server.requests[1]?.url).toBe('/s%C3%A9curit%C3%A9')
  })
})
