import { describe, expect, it } from 'vitest'
import { hostKey, parseHostMap } from '../../src/outbound/host-map.ts'

describe('the host map', () => {
  it('reads names, addresses and ports, and ignores spaces and empty entries', () => {
    const result = parseHostMap(' Client.TEST.=127.0.0.1:8081, rival.test = [::1]:8082 ,, api.test=demo:80,')
    expect(result).toEqual({
      ok: true,
      map: new Map([
        ['client.test', { address: '127.0.0.1', port: 8081 }],
        ['rival.test', { address: '::1', port: 8082 }],
        ['api.test', { address: 'demo', port: 80 }],
      ]),
    })
  })

  it('reads an empty text as an empty map', () => {
    expect(parseHostMap('  ')).toEqual({ ok: true, map: new Map() })
  })

  it.each([
    ['client.test', 'not of the form name=address:port'],
    ['client.test=', 'not of the form name=address:port'],
    ['a=b=c:1', 'not of the form name=address:port'],
    ['client.test=127.0.0.1', 'not of the form address:port'],
    ['client.test=127.0.0.1:0', 'not between 1 and 65535'],
    ['client.test=127.0.0.1:70000', 'not between 1 and 65535'],
    ['client.test=127.0.0.999:80', 'neither an IP address nor a host name'],
    ['client.test=[127.0.0.1]:80', 'neither an IP address nor a host name'],
    ['cli ent.test=127.0.0.1:80', 'not a host name'],
    ['10.0.0.1=127.0.0.1:80', 'not a host name'],
    ['http://client.test=127.0.0.1:80', 'not a host name'],
    ['a.test=127.0.0.1:80,A.test=127.0.0.1:81', 'mapped twice'],
  ])('refuses %s', (text, problem) => {
    const result = parseHostMap(text)
    expect(result.ok ? [] : result.problems).toEqual([expect.stringContaining(problem)])
  })

  it('tells all problems at once', () => {
    const result = parseHostMap('bad,client.test=127.0.0.1:8081,worse=')
    expect(result.ok ? [] : result.problems).toHaveLength(2)
  })

  it('refuses a map without bounds', () => {
    const text = Array.from({ length: 201 }, (_, index) => `h${index}.test=127.0.0.1:80`).join(',')
    expect(parseHostMap(text).ok).toBe(false)
  })

  it('compares hosts without case and without the dot of the root', () => {
    expect(hostKey('Client.Test.')).toBe('client.test')
  })
})
