import { describe, expect, it } from 'vitest'
import { servedHosts } from '../../src/http/hosts.ts'
import { openHttp } from './open-http.ts'

function ask(
  host: string,
  address: string,
  publicHosts: readonly string[] = [],
  url = `http://${host}/health/live`,
) {
  const app = openHttp({ servedHosts: servedHosts(address, new Set(publicHosts)) })
  return app.request(url, { headers: { host } })
}

describe('a request', () => {
  it.each([
    ['localhost:3000', '127.0.0.1'],
    ['127.0.0.1:8080', '0.0.0.0'],
    ['127.1.2.3', '0.0.0.0'],
    ['[::1]:3000', '::'],
    ['[::]:3000', '::'],
    ['10.0.0.7:3000', '10.0.0.7'],
    ['Node-1.Internal.:3000', 'node-1.internal'],
  ])('to %s is answered by a server at %s', async (host, address) => {
    expect((await ask(host, address)).status).toBe(200)
  })

  it('to a public name is answered where that is listed', async () => {
    expect((await ask('api.example.org', '0.0.0.0', ['api.example.org'])).status).toBe(200)
    expect((await ask('api.example.org.evil.org', '0.0.0.0', ['api.example.org'])).status).toBe(421)
  })

  it.each([
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.8',
    '169.254.169.254',
  ])('to a name that was rebound to our address is not answered: %s', async (host) => {
    const answer = await ask(host, '127.0.0.1')
    expect(answer.status).toBe(421)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    const body = (await answer.json()) as { code: string; detail: string }
    expect(body.code).toBe('HOST_NOT_SERVED')
    expect(body.detail).toContain('PUBLIC_HOSTS')
  })

  it('whose address and Host name different hosts must be right in both', async () => {
    expect((await ask('localhost', '127.0.0.1', [], 'http://evil.example/health/live')).status).toBe(421)
    expect((await ask('evil.example', '127.0.0.1', [], 'http://localhost/health/live')).status).toBe(421)
  })
})
