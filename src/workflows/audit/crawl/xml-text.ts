/** Bytes of an XML document as text, in pieces, inflated when they are gzip. */
import { createGunzip } from 'node:zlib'
import { RowbeatError } from '../../../core/errors.ts'

const PIECE_BYTES = 64 * 1024

/** The instance type, which the runtime's types name only as a value. */
type Decoder = InstanceType<typeof TextDecoder>

/** True when the bytes start like gzip, whatever the server called them. */
function isGzip(body: Uint8Array): boolean {
  return body[0] === 0x1f && body[1] === 0x8b
}

/** Encoding named by byte order mark, then the HTTP header, then the XML declaration; UTF-8 otherwise. */
function encodingOf(start: Uint8Array, contentTypeHeader: string): string {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le'
  if (start[0] === 0xfe && start[1] === 0xff) return 'utf-16be'
  if (start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf) return 'utf-8'
  const head = new TextDecoder('latin1').decode(start.subarray(0, 200))
  const header = /charset\s*=\s*["']?([\w.:-]+)/i.exec(contentTypeHeader)?.[1]
  return header ?? /^\s*<\?xml[^>]*encoding\s*=\s*["']([\w.:-]+)/i.exec(head)?.[1] ?? 'utf-8'
}

function decoderFor(encoding: string): Decoder {
  try {
    return new TextDecoder(encoding)
  } catch {
    // An encoding nobody knows: most such files are UTF-8 after all, and wrong letters show as U+FFFD.
    return new TextDecoder()
  }
}

async function* inflate(body: Uint8Array): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES })
  gunzip.end(body)
  yield* gunzip
}

async function* plainPieces(body: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < body.length; start += PIECE_BYTES)
    yield body.subarray(start, start + PIECE_BYTES)
}

/**
 * Yields the text of an XML document piece by piece, so that a large file is never held twice. Throws
 * RESPONSE_TOO_LARGE beyond `maxBytes` bytes after inflation, and NO_CONTENT when the gzip is broken.
 */
export async function* readXmlText(
  body: Uint8Array,
  contentTypeHeader: string,
  maxBytes: number,
): AsyncGenerator<string> {
  let decoder: Decoder | null = null
  let bytes = 0
  try {
    for await (const piece of isGzip(body) ? inflate(body) : plainPieces(body)) {
      bytes += piece.length
      if (bytes > maxBytes)
        throw new RowbeatError('RESPONSE_TOO_LARGE', `more than ${maxBytes} bytes once unpacked`)
      decoder ??= decoderFor(encodingOf(piece, contentTypeHeader))
      yield decoder.decode(piece, { stream: true })
    }
  } catch (error) {
    if (error instanceof RowbeatError) throw error
    throw new RowbeatError('NO_CONTENT', 'the compressed file is damaged', { cause: error })
  }
  if (decoder) yield decoder.decode()
}
