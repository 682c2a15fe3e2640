import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type BodyLimits, readBody as readWhole } from '../../src/outbound/body.ts'
import { failureOf } from './loopback.ts'

const text = 'Une page sur la sécurité. '.repeat(2000)
const bytes = Buffer.from(text)
const limits = { host: 'a.test', encoding: '', maxBytes: 1_000_000 }

const readBody = async (source: Readable, within: BodyLimits) => (await readWhole(source, within)).data

function chunks(data: Uint8Array, size: number): Readable {
  const parts: Uint8Array[] = []
  for (let at = 0; at < data.length; at += size) parts.push(data.subarray(at, at + size))
  return Readable.from(parts)
}

describe('reading a body', () => {
  it.each([
    ['', bytes],
    ['identity', bytes],
    ['utf-8', bytes],
    ['gzip', zlib.gzipSync(bytes)],
    ['X-GZIP', zlib.gzipSync(bytes)],
    ['deflate', zlib.deflateSync(bytes)],
    ['deflate', zlib.deflateRawSync(bytes)],
    ['br', zlib.brotliCompressSync(bytes)],
    ['zstd', zlib.zstdCompressSync(bytes)],
    ['deflate, gzip', zlib.gzipSync(zlib.deflateSync(bytes))],
  ])('undoes the encoding %j', async (encoding, data) => {
    const body = await readBody(chunks(data, 700), { ...limits, encoding })
    expect(Buffer.from(body).toString()).toBe(text)
  })

  it('reads a gzip stream that lacks its last bytes, as browsers do', async () => {
    const cut = zlib.gzipSync(bytes).subarray(0, -8)
    const body = await readBody(Readable.from([cut]), { ...limits, encoding: 'gzip' })
    expect(Buffer.from(body).toString()).toBe(text)
  })

  it.each(['', 'gzip', 'br', 'zstd'])('reads an empty body with encoding %j', async (encoding) => {
    expect(await readBody(Readable.from([]), { ...limits, encoding })).toHaveLength(0)
  })

  it('takes exactly the limit and not one byte more', async () => {
    const data = Buffer.alloc(100_000, 1)
    const body = await readBody(chunks(data, 999), { ...limits, maxBytes: 100_000 })
    expect(body).toHaveLength(100_000)
    const failure = await failureOf(readBody(chunks(data, 999), { ...limits, maxBytes: 99_999 }))
    expect(failure).toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
    expect(failure.message).toContain('a.test')
    const empty = await readBody(Readable.from([]), { ...limits, maxBytes: 0 })
    expect(empty).toHaveLength(0)
  })

  it.each([
    ['gzip', zlib.gzipSync(Buffer.alloc(20_000_000))],
    ['deflate', zlib.deflateSync(Buffer.alloc(20_000_000))],
    [
      'br',
      zlib.brotliCompressSync(Buffer.alloc(20_000_000), {
        params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 },
      }),
    ],
    ['zstd', zlib.zstdCompressSync(Buffer.alloc(20_000_000))],
    ['gzip, gzip', zlib.gzipSync(zlib.gzipSync(Buffer.alloc(20_000_000)))],
  ])('ends a compression bomb of encoding %s', async (encoding, bomb) => {
    const failure = await failureOf(readBody(Readable.from([bomb]), { ...limits, encoding }))
    expect(failure).toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
  })

  it.each([
    ['', (data: Buffer) => data],
    ['gzip', zlib.gzipSync],
    ['deflate', zlib.deflateRawSync],
    ['br', zlib.brotliCompressSync],
    ['zstd', zlib.zstdCompressSync],
    ['gzip, br', (data: Buffer) => zlib.brotliCompressSync(zlib.gzipSync(data))],
  ])('gives the start of a longer %j body to who asks for no more', async (encoding, compress) => {
    const data = compress(Buffer.from(`start ${'x'.repeat(5_000_000)}`))
    const body = await readWhole(chunks(data, 9_999), { ...limits, encoding, maxBytes: 1_000, cut: true })
    expect(Buffer.from(body.data).toString()).toBe(`start ${'x'.repeat(994)}`)
    expect(body.cut).toBe(true)
    const short = await readWhole(chunks(compress(Buffer.from('short')), 3), {
      ...limits,
      encoding,
      cut: true,
    })
    expect([Buffer.from(short.data).toString(), short.cut]).toEqual(['short', false])
  })

  it.each(['gzip', 'br', 'zstd'])(
    'gives the start of a %s body whose compressed form is too long',
    async (encoding) => {
      const noise = randomBytes(400_000)
      const data =
        encoding === 'gzip'
          ? zlib.gzipSync(noise)
          : encoding === 'br'
            ? zlib.brotliCompressSync(noise)
            : zlib.zstdCompressSync(noise)
      const body = await readWhole(chunks(data, 9_999), { ...limits, encoding, maxBytes: 100_000, cut: true })
      expect(body.cut).toBe(true)
      expect(body.data.length).toBeGreaterThan(50_000)
      expect(Buffer.from(body.data)).toEqual(noise.subarray(0, body.data.length))
    },
  )

  it('ends a compressed stream that never stops but decodes to nothing', async () => {
    const emptyMember = zlib.gzipSync(Buffer.alloc(0))
    let sent = 0
    const endless = Readable.from(
      (function* () {
        for (; sent < 1e9; sent += emptyMember.length) yield emptyMember
      })(),
    )
    const failure = await failureOf(readBody(endless, { ...limits, maxBytes: 1000, encoding: 'gzip' }))
    expect(failure).toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
    expect(sent).toBeLessThan(1_000_000)
  })

  it.each([
    ['gzip', 'not gzip at all'],
    ['br', 'not brotli at all'],
    ['zstd', 'not zstd at all'],
    ['compress', 'x'],
    ['gzip, gzip, gzip', 'x'],
  ])('says of a wrong %s body that the server is at fault', async (encoding, data) => {
    const failure = await failureOf(readBody(Readable.from([Buffer.from(data)]), { ...limits, encoding }))
    expect(failure).toMatchObject({ code: 'UPSTREAM_ERROR' })
  })
})
