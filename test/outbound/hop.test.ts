import { describe, expect, it } from 'vitest'
import { codeOf } from '../../src/core/errors.ts'
import { firstHop, nextHop, redirectTarget } from '../../src/outbound/hop.ts'

const hostMap = new Map([
  ['client.test', { address: '127.0.0.1', port: 8081 }],
  ['www.client.test', { address: '127.0.0.1', port: 8081 }],
])
const setup = { hostMap, userAgent: 'RowbeatBot/0.1' }

function followed(from: string, location: string): string {
  try {
    return nextHop(firstHop({ url: from }, setup), 302, location, hostMap).url.href
  } catch (error) {
    return codeOf(error)
  }
}

describe('one hop after another', () => {
  it.each([
    ['http://a.example/x/y', 'z?q', 'http://a.example/x/z?q'],
    ['http://a.example/x', '//b.example/', 'http://b.example/'],
    ['https://a.example/', 'http://a.example/#top', 'http://a.example/'],
    ['http://client.test/', 'https://www.client.test/', 'https://www.client.test/'],
    ['http://client.test/', 'http://a.example/', 'http://a.example/'],
    ['http://client.test/', 'http://10.0.0.1/', 'ADDRESS_NOT_ALLOWED'],
    ['http://client.test/', 'http://a.example:8081/', 'ADDRESS_NOT_ALLOWED'],
    ['http://a.example/', 'http://client.test/', 'ADDRESS_NOT_ALLOWED'],
    ['http://a.example/', `/${'x'.repeat(9000)}`, 'UPSTREAM_ERROR'],
  ])('goes from %s by %s to %s', (from, location, expected) => {
    expect(followed(from, location)).toBe(expected)
  })

  it('keeps HEAD after every redirect', () => {
    const hop = firstHop({ url: 'http://a.example/', method: 'HEAD' }, setup)
    expect([301, 303, 308].map((status) => nextHop(hop, status, '/x', hostMap).method)).toEqual([
      'HEAD',
      'HEAD',
      'HEAD',
    ])
  })

  it('leaves the secrets behind when only the scheme or the port changes', () => {
    const hop = firstHop({ url: 'https://a.example/', headers: { authorization: 'x', cookie: 'y' } }, setup)
    for (const location of ['http://a.example/', 'https://a.example:80/']) {
      expect(nextHop(hop, 302, location, hostMap).headers).not.toHaveProperty('authorization')
      expect(nextHop(hop, 302, location, hostMap).headers).not.toHaveProperty('cookie')
    }
    expect(nextHop(hop, 302, '/x', hostMap).headers).toMatchObject({ authorization: 'x', cookie: 'y' })
  })

  it('sees a redirect only in the statuses that are one', () => {
    const statuses = [200, 201, 300, 301, 302, 303, 304, 305, 307, 308, 404]
    expect(statuses.filter((status) => redirectTarget(status, { location: '/' }) !== null)).toEqual([
      301, 302, 303, 307, 308,
    ])
    expect(redirectTarget(302, {})).toBeNull()
  })
})
