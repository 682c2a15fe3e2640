import { describe, expect, it } from 'vitest'
import { decodeHtml } from '../../../../src/workflows/audit/text/charset.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
/** One byte per character, as in ISO-8859-1. */
const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))

describe('decodeHtml', () => {
  it('believes the header charset when the bytes agree', () => {
    expect(decodeHtml(latin1('été'), 'text/html; charset=ISO-8859-1')).toBe('été')
    expect(decodeHtml(utf8('été'), 'text/html; charset="utf-8"')).toBe('été')
  })

  it('reads the charset of the page when the header has none', () => {
    expect(decodeHtml(latin1('<meta charset="windows-1252"><p>caf\xe9 \x80'), 'text/html')).toContain(
      'café €',
    )
    const equiv = '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-2"><p>\xb9'
    expect(decodeHtml(latin1(equiv), 'text/html')).toContain('š')
  })

  it('obeys a byte order mark and leaves it out', () => {
    expect(decodeHtml(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), 'text/html; charset=iso-8859-1')).toBe('a')
    expect(decodeHtml(Uint8Array.of(0xff, 0xfe, 0xe9, 0x00), '')).toBe('é')
  })

  it('does not believe a latin-1 label on bytes that are valid UTF-8', () => {
    expect(decodeHtml(utf8('déjà vu'), 'text/html; charset=iso-8859-1')).toBe('déjà vu')
  })

  it('does not believe a UTF-8 label on bytes that are windows-1252', () => {
    expect(decodeHtml(latin1('d\xe9j\xe0 vu'), 'text/html; charset=utf-8')).toBe('déjà vu')
  })

  it('keeps UTF-8 when only a few bytes are damaged', () => {
    const bytes = Uint8Array.from([...utf8('été à Évry'), 0xff, ...utf8(' fin')])
    expect(decodeHtml(bytes, 'text/html; charset=utf-8')).toBe('été à Évry\uFFFD fin')
  })

  it('forgives a character that the size limit cut in two', () => {
    expect(decodeHtml(utf8('déjà é').subarray(0, -1), '')).toBe('déjà ')
  })

  it('ignores unknown labels and empty bodies', () => {
    expect(decodeHtml(latin1('caf\xe9'), 'text/html; charset=klingon')).toBe('café')
    expect(decodeHtml(new Uint8Array(), '')).toBe('')
  })
})
