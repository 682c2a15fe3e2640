import { describe, expect, it } from 'vitest'
import { codeOf } from '../../src/core/errors.ts'
import { checkUrl, isPublicAddress } from '../../src/outbound/address-guard.ts'

const NO_MAP = new Map()

function refusal(url: string): string {
  try {
    checkUrl(url, NO_MAP)
    return 'none'
  } catch (error) {
    return codeOf(error)
  }
}

describe('the address guard', () => {
  it.each(['8.8.8.8', '93.184.216.34', '2606:4700:4700::1111', '::ffff:8.8.8.8'])(
    'lets %s pass',
    (address) => {
      expect(isPublicAddress(address)).toBe(true)
    },
  )

  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '192.0.0.8',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:169.254.169.254',
    '::ffff:0:127.0.0.1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::1',
    '2002:7f00:1::',
    '2001:0:1::',
    '2001:db8::1',
    '3fff::1',
    '4000::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'not an address',
    '127.1',
    '',
  ])('refuses %s', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })
})

describe('the check of a URL', () => {
  it.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0177.0.0.1/',
    'http://0x7f.1/',
    'http://0x7f000001/',
    'http://127.1/',
    'http://１２７.0.0.1/',
    'http://127.0.0.1./',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://0/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/html,x',
    'http://user:secret@example.com/',
    'http://user@example.com/',
    'http://example.com:8080/',
    'https://example.com:22/',
  ])('refuses %s', (url) => {
    expect(refusal(url)).toBe('ADDRESS_NOT_ALLOWED')
  })

  it.each([
    '',
    'example.com',
    '//example.com',
    'http://',
    'http://[::1',
    'http://a b/',
    `http://a.test/${'x'.repeat(9000)}`,
  ])('says of %j that it is not a usable URL', (url) => {
    expect(refusal(url)).toBe('INVALID_INPUT')
  })

  it.each([
    'http://example.com/',
    'https://example.com:443/',
    'https://example.com:80/',
    'http://8.8.8.8/a?b#c',
  ])('lets %s pass', (url) => {
    expect(refusal(url)).toBe('none')
  })

  it('lets any port of a mapped host pass, whatever the case, and drops the fragment', () => {
    const map = new Map([['client.test', { address: '127.0.0.1', port: 1 }]])
    expect(checkUrl('https://CLIENT.test.:8443/x?y=1#z', map).href).toBe('https://client.test.:8443/x?y=1')
  })

  it('keeps passwords out of its messages', () => {
    const messages = ['http://user:pa/ss@exa mple.com/', 'http://user:pa/ss@example.com/'].map((url) => {
      try {
        return checkUrl(url, NO_MAP).href
      } catch (error) {
        return String(error)
      }
    })
    for (const message of messages) expect(message).not.toMatch(/pa|ss@/)
  })
})
