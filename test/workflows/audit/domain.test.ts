import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDomain } from '../../../src/workflows/audit/domain.ts'

const nothingMapped = () => false
const read = (text: string) => parseDomain(text, nothingMapped)

describe('the domain rule', () => {
  it.each([
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['www.example.co.uk', 'www.example.co.uk'],
    ['münchen.de', 'xn--mnchen-3ya.de'],
    ['XN--MNCHEN-3YA.de', 'xn--mnchen-3ya.de'],
    ['пример.рф', 'xn--e1afmkfd.xn--p1ai'],
    ['256.com', '256.com'],
    [`${'a'.repeat(63)}.fr`, `${'a'.repeat(63)}.fr`],
  ])('reads %s as %s', (text, domain) => {
    expect(read(text)).toEqual({ ok: true, domain })
  })

  it.each([
    [''],
    ['.'],
    ['com'],
    ['localhost'],
    ['co.uk'],
    ['example.com..'],
    ['.example.com'],
    ['a..com'],
    ['-a.com'],
    ['a-.com'],
    ['exa_mple.com'],
    [`${'a'.repeat(64)}.com`],
    [`${'a.'.repeat(130)}com`],
    ['https://example.com'],
    ['example.com:443'],
    ['example.com/path'],
    ['example.com?x=1'],
    ['user@example.com'],
    ['example.com '],
    ['exa%6Dple.com'],
    ['1.2.3.4'],
    ['127.1'],
    ['0x7f.1'],
    ['[::1]'],
    ['::1'],
    ['１２７.0.0.1'],
    ['example.nosuchtld'],
    ['\u0000.com'],
    ["a';drop table x;--.com"],
    ['x'.repeat(100_000)],
  ])('refuses %j with a sentence', (text) => {
    const answer = read(text)
    expect(answer.ok).toBe(false)
    expect(answer.ok ? '' : answer.problem).toMatch(/\w+ \w+/)
  })

  it('accepts a reserved name only when it is mapped, and mapping opens no other door', () => {
    const mapped = (host: string) => ['client.test', 'shop.localhost', '1.2.3.4', 'single'].includes(host)
    expect(parseDomain('Client.test', mapped)).toEqual({ ok: true, domain: 'client.test' })
    expect(parseDomain('shop.localhost', mapped)).toEqual({ ok: true, domain: 'shop.localhost' })
    expect(parseDomain('other.test', mapped).ok).toBe(false)
    expect(parseDomain('1.2.3.4', mapped).ok).toBe(false)
    expect(parseDomain('single', mapped).ok).toBe(false)
  })

  it('gives a result that reads the same again and that a URL parser takes as its host', () => {
    const label = fc.stringMatching(/^[A-Za-z0-9à-ÿ-]{1,20}$/)
    const domain = fc.tuple(
      fc.array(label, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('fr', 'COM', 'co.uk', 'рф'),
    )
    fc.assert(
      fc.property(domain, ([labels, suffix]) => {
        const answer = read([...labels, suffix].join('.'))
        if (!answer.ok) return
        expect(read(answer.domain)).toEqual(answer)
        expect(new URL(`https://${answer.domain}/`).hostname).toBe(answer.domain)
      }),
      { numRuns: 300 },
    )
  })

  const anyText = fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
    .map((units) => String.fromCharCode(...units))

  it('never throws, whatever the text, and accepts only LDH labels', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const answer = read(text)
        if (answer.ok) expect(answer.domain).toMatch(/^(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}$/)
      }),
      { numRuns: 150 },
    )
  })
})
