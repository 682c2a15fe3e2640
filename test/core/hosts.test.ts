import { describe, expect, it } from 'vitest'
import {
  hostNameOf,
  isLoopback,
  nameOfAddress,
  parseOrigins,
  parsePublicHosts,
} from '../../src/core/hosts.ts'

describe('the name of a host', () => {
  it.each([
    ['localhost:3000', 'localhost'],
    ['API.Example.org.', 'api.example.org'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['[0:0:0:0:0:0:0:1]:3000', '[::1]'],
  ])('%s is %s', (header, name) => {
    expect(hostNameOf(header)).toBe(name)
  })

  it.each(['', ' ', 'a b', 'a,b', 'user@a', 'a/b', 'a\\b', 'a?b', 'a#b', 'a:99999', '[::1'])(
    '%j is none',
    (header) => {
      expect(hostNameOf(header)).toBeNull()
    },
  )

  it('leads to the own machine only when it says so', () => {
    expect(['localhost', '127.0.0.1', '127.8.9.10', '[::1]'].filter((name) => !isLoopback(name))).toEqual([])
    const others = ['localhost.example.org', '127.0.0.1.nip.io', '[::2]', '10.0.0.1', '0.0.0.0', '128.0.0.1']
    expect(others.filter(isLoopback)).toEqual([])
  })

  it('is made of an address to listen at', () => {
    expect(['::1', '[::]', '0.0.0.0', 'db-1'].map(nameOfAddress)).toEqual([
      '[::1]',
      '[::]',
      '0.0.0.0',
      'db-1',
    ])
  })
})

describe('PUBLIC_HOSTS', () => {
  it('lists names and addresses', () => {
    const parsed = parsePublicHosts(' api.Example.org, 10.0.0.7 ,fd00::7,[fd00::8],')
    expect(parsed.ok && [...parsed.names]).toEqual(['api.example.org', '10.0.0.7', '[fd00::7]', '[fd00::8]'])
    expect(parsePublicHosts('')).toEqual({ ok: true, names: new Set() })
  })

  it.each(['https://api.example.org', 'api.example.org:443', 'a/b', '*', '*.example.org', '[fd00::8]:80'])(
    'does not take %s',
    (entry) => {
      expect(parsePublicHosts(entry)).toMatchObject({ ok: false, problems: [expect.stringContaining(entry)] })
    },
  )

  it('is bounded', () => {
    expect(parsePublicHosts('a,'.repeat(201))).toMatchObject({ ok: false })
  })
})

describe('CORS_ORIGINS', () => {
  it('lists origins', () => {
    const parsed = parseOrigins('https://app.example.org, http://localhost:5173')
    expect(parsed.ok && [...parsed.names]).toEqual(['https://app.example.org', 'http://localhost:5173'])
  })

  it.each([
    '*',
    'null',
    'app.example.org',
    'https://app.example.org/',
    'https://*.example.org',
    'ftp://a.org',
  ])('does not take %s', (entry) => {
    expect(parseOrigins(entry)).toMatchObject({ ok: false, problems: [expect.stringContaining(entry)] })
  })
})
