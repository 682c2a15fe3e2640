import type { Readable, Transform } from 'node:stream'
import zlib from 'node:zlib'
import { RowbeatError } from '../core/errors.ts'

export interface BodyLimits {
  readonly host: string
  /** Value of `Content-Encoding`; empty when there is none. */
  readonly encoding: string
  /** Most bytes after decompression. */
  readonly maxBytes: number
  /** True: what goes beyond is left out, instead of an error. */
  readonly cut?: boolean | undefined
}

export interface Body {
  readonly data: Uint8Array
  /** True when something was left out. */
  readonly cut: boolean
}

type Decode = (data: Uint8Array) => Transform

/** Value of `Accept-Encoding` for what {@link readBody} can undo. */
export const ACCEPTED_ENCODINGS = 'gzip, deflate, br, zstd'

const FIRST_BUFFER = 64 * 1024
// Compression may lengthen what cannot be compressed; this is room for its framing.
const FRAMING = 64 * 1024
const MAX_LAYERS = 2
// The window that RFC 8878 asks every decoder to support; a larger one is a way to make us use memory.
const ZSTD_WINDOW_LOG = 23
// Some names that servers send mean no encoding at all.
const PLAIN = new Set(['', 'identity', 'none', 'utf-8', 'binary'])

const CHUNK = { chunkSize: 64 * 1024 }
// Servers that leave out the last bytes of a stream are read as browsers read them.
const LENIENT = { ...CHUNK, finishFlush: zlib.constants.Z_SYNC_FLUSH }

const decodeGzip: Decode = () => zlib.createGunzip(LENIENT)

const decodeDeflate: Decode = (data) => {
  // "deflate" means a zlib stream, but some servers send bare deflate: the low half of byte one tells.
  const isZlib = ((data[0] ?? 0) & 0x0f) === 8
  return isZlib ? zlib.createInflate(LENIENT) : zlib.createInflateRaw(LENIENT)
}

const decodeBrotli: Decode = () => zlib.createBrotliDecompress(CHUNK)

const decodeZstd: Decode = () =>
  zlib.createZstdDecompress({ ...CHUNK, params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } })

const DECODERS = new Map<string, Decode>([
  ['gzip', decodeGzip],
  ['x-gzip', decodeGzip],
  ['deflate', decodeDeflate],
  ['br', decodeBrotli],
  ['zstd', decodeZstd],
])

/**
 * Reads a body and undoes its encodings. At most `maxBytes` (and a little framing) are taken from the network
 * and at most `maxBytes` come out of each decoder, which is stopped there; memory stays below a small multiple.
 *
 * Throws `RowbeatError` RESPONSE_TOO_LARGE unless it may be cut, and UPSTREAM_ERROR for an encoding that is unknown
 * or broken. Ends the stream early in every such case.
 */
export async function readBody(source: Readable, limits: BodyLimits): Promise<Body> {
  const decoders = decodersFor(limits)
  const most = decoders.length > 0 ? limits.maxBytes + FRAMING : limits.maxBytes
  let body = await gather(source, most, limits).catch((error: unknown) => {
    throw error instanceof PartlyRead ? error.cause : error
  })
  for (const decode of decoders) body = await decodeWithin(decode, body, limits)
  return body
}

function decodersFor({ encoding, host }: BodyLimits): Decode[] {
  const names = encoding
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => !PLAIN.has(name))
  if (names.length > MAX_LAYERS) {
    throw new RowbeatError('UPSTREAM_ERROR', `${host} compressed its answer ${names.length} times`)
  }
  // Encodings are listed in the order they were applied, so they are undone from the last to the first.
  return names.reverse().map((name) => {
    const decode = DECODERS.get(name)
    if (decode !== undefined) return decode
    throw new RowbeatError('UPSTREAM_ERROR', `${host} sent an unknown content encoding: ${name.slice(0, 50)}`)
  })
}

/** Copies chunks into one growing buffer: thousands of tiny chunks must not cost thousands of objects. */
async function gather(source: Readable, most: number, limits: BodyLimits): Promise<Body> {
  let buffer = new Uint8Array(Math.min(FIRST_BUFFER, most))
  let used = 0
  let cut = false
  const take = (chunk: Uint8Array): void => {
    const needed = used + chunk.length
    if (needed > buffer.length) {
      const larger = new Uint8Array(Math.min(most, Math.max(needed, buffer.length * 2)))
      larger.set(buffer.subarray(0, used))
      buffer = larger
    }
    buffer.set(chunk, used)
    used = needed
  }
  try {
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      cut = used + chunk.length > most
      if (cut && limits.cut !== true) throw tooLarge(limits)
      take(cut ? chunk.subarray(0, most - used) : chunk)
      if (cut) break
    }
  } catch (error) {
    // What was decoded before the fault is still handed on, for a caller that takes less than all.
    if (!(error instanceof RowbeatError)) throw new PartlyRead(buffer.slice(0, used), error)
    throw error
  }
  return { data: used === buffer.length ? buffer : buffer.slice(0, used), cut }
}

/** A source that failed after it had given something. */
class PartlyRead extends Error {
  readonly data: Uint8Array
  constructor(data: Uint8Array, cause: unknown) {
    super('the source failed', { cause })
    this.data = data
  }
}

async function decodeWithin(decode: Decode, body: Body, limits: BodyLimits): Promise<Body> {
  if (body.data.length === 0) return body
  const decoder = decode(body.data)
  decoder.end(body.data)
  try {
    const decoded = await gather(decoder, limits.maxBytes, limits)
    return { data: decoded.data, cut: decoded.cut || body.cut }
  } catch (cause) {
    if (!(cause instanceof PartlyRead)) throw cause
    // A decoder is right to complain of the end of a body that was cut off.
    if (body.cut && cause.data.length > 0) return { data: cause.data, cut: true }
    const message = `${limits.host} sent a broken compressed answer`
    throw new RowbeatError('UPSTREAM_ERROR', message, { cause: cause.cause })
  }
}

/** The error for a body above its limit. */
export function tooLarge({ host, maxBytes }: Pick<BodyLimits, 'host' | 'maxBytes'>): RowbeatError {
  return new RowbeatError('RESPONSE_TOO_LARGE', `${host} sent an answer of more than ${maxBytes} bytes`)
}
