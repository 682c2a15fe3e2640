import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { RowbeatError } from '../core/errors.ts'

export interface BodyLimits {
  readonly host: string
  /** Value of `Content-Encoding`; empty when there is none. */
  readonly encoding: string
  /** Most bytes after decompression. */
  readonly maxBytes: number
}

type Decode = (data: Uint8Array, maxBytes: number) => Promise<Uint8Array>

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

const gunzip = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gunzip)
const inflate = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.inflate)
const inflateRaw = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.inflateRaw)
const brotli = promisify<zlib.InputType, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress)
const zstd = promisify<zlib.InputType, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress)

// Servers that leave out the last bytes of a stream are read as browsers read them.
const lenient = (maxOutputLength: number) => ({ maxOutputLength, finishFlush: zlib.constants.Z_SYNC_FLUSH })

const decodeGzip: Decode = (data, most) => gunzip(data, lenient(most))

const decodeDeflate: Decode = (data, most) => {
  // "deflate" means a zlib stream, but some servers send bare deflate: the low half of byte one tells.
  const isZlib = ((data[0] ?? 0) & 0x0f) === 8
  return isZlib ? inflate(data, lenient(most)) : inflateRaw(data, lenient(most))
}

const decodeBrotli: Decode = (data, most) => brotli(data, { maxOutputLength: most })

const decodeZstd: Decode = (data, most) =>
  zstd(data, {
    maxOutputLength: most,
    params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
  })

const DECODERS = new Map<string, Decode>([
  ['gzip', decodeGzip],
  ['x-gzip', decodeGzip],
  ['deflate', decodeDeflate],
  ['br', decodeBrotli],
  ['zstd', decodeZstd],
])

/**
 * Reads a body and undoes its encodings. At most `maxBytes` (and a little framing) are taken from the network
 * and at most `maxBytes` come out of each decoder, so memory stays below a small multiple of that.
 *
 * Throws `RowbeatError` RESPONSE_TOO_LARGE, and UPSTREAM_ERROR for an encoding that is unknown or broken. Ends
 * the stream early in every such case.
 */
export async function readBody(source: Readable, limits: BodyLimits): Promise<Uint8Array> {
  const decoders = decodersFor(limits)
  const compressed = decoders.length > 0
  let data = await readRaw(source, compressed ? limits.maxBytes + FRAMING : limits.maxBytes, limits)
  for (const decode of decoders) data = await decodeWithin(decode, data, limits)
  return data
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
async function readRaw(source: Readable, most: number, limits: BodyLimits): Promise<Uint8Array> {
  let buffer = new Uint8Array(Math.min(FIRST_BUFFER, most))
  let used = 0
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    const needed = used + chunk.length
    if (needed > most) throw tooLarge(limits)
    if (needed > buffer.length) {
      const larger = new Uint8Array(Math.min(most, Math.max(needed, buffer.length * 2)))
      larger.set(buffer.subarray(0, used))
      buffer = larger
    }
    buffer.set(chunk, used)
    used = needed
  }
  return used === buffer.length ? buffer : buffer.slice(0, used)
}

async function decodeWithin(decode: Decode, data: Uint8Array, limits: BodyLimits): Promise<Uint8Array> {
  if (data.length === 0) return data
  try {
    const decoded = await decode(data, Math.max(1, limits.maxBytes))
    if (decoded.length > limits.maxBytes) throw tooLarge(limits)
    return new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.length)
  } catch (cause) {
    if (cause instanceof RowbeatError) throw cause
    if (cause instanceof RangeError) throw tooLarge(limits)
    throw new RowbeatError('UPSTREAM_ERROR', `${limits.host} sent a broken compressed answer`, { cause })
  }
}

/** The error for a body above its limit. */
export function tooLarge({ host, maxBytes }: Pick<BodyLimits, 'host' | 'maxBytes'>): RowbeatError {
  return new RowbeatError('RESPONSE_TOO_LARGE', `${host} sent an answer of more than ${maxBytes} bytes`)
}
