/** From the bytes of an HTML page to its text, whatever the server said of their encoding. */

/** Most bytes that are decoded; the rest is left out. */
const MAX_BYTES = 10 * 1024 * 1024
/** How far into a page an encoding may be declared. HTML asks for 1,024; real pages go further. */
const PRESCAN_BYTES = 4096

const NON_ASCII = /\P{ASCII}/u
const HEADER_CHARSET = /charset\s*=\s*["']?([\w.:-]{1,40})/i
const META_CHARSET = /<meta\s[^>]{0,300}?charset\s*=\s*["']?([\w.:-]{1,40})/i
const XML_ENCODING = /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})/i

/**
 * Decodes the body of an HTML page. A byte order mark wins, then valid UTF-8 that is more than ASCII, then the
 * charset of the header, then the one of the page, then UTF-8 and windows-1252 (WHATWG Encoding). A declared
 * charset that the bytes contradict is not believed. Never throws; line ends and content stay as they are.
 */
export function decodeHtml(body: Uint8Array, contentTypeHeader: string): string {
  const bytes = body.length > MAX_BYTES ? body.subarray(0, MAX_BYTES) : body
  const marked = markedEncoding(bytes)
  if (marked !== null) return decode(bytes, marked)
  const utf8 = decodeStrictly(bytes)
  if (utf8 !== null && NON_ASCII.test(utf8)) return utf8
  const declared = declaredEncoding(bytes, contentTypeHeader)
  if (declared !== null && declared !== 'utf-8') return decode(bytes, declared)
  return utf8 ?? decodeDamaged(bytes)
}

function markedEncoding(bytes: Uint8Array): string | null {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  return null
}

function declaredEncoding(bytes: Uint8Array, contentTypeHeader: string): string | null {
  const fromHeader = knownEncoding(HEADER_CHARSET.exec(contentTypeHeader)?.[1])
  if (fromHeader !== null) return fromHeader
  const start = decode(bytes.subarray(0, PRESCAN_BYTES), 'windows-1252')
  const fromPage = knownEncoding((META_CHARSET.exec(start) ?? XML_ENCODING.exec(start))?.[1])
  // The declaration was read byte by byte, so the page cannot be in UTF-16, whatever it says.
  return fromPage?.startsWith('utf-16') ? 'utf-8' : fromPage
}

/** The standard name of an encoding label; null when it is unknown. */
function knownEncoding(label: string | undefined): string | null {
  if (label === undefined) return null
  try {
    return new TextDecoder(label).encoding
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** The text when every byte is valid UTF-8, else null. A sequence cut off at the end is forgiven, if not the only one. */
function decodeStrictly(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return text.length < bytes.length && !NON_ASCII.test(text) ? null : text
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}

/** Not valid UTF-8: still UTF-8 when most of its special characters are sound, else windows-1252. */
function decodeDamaged(bytes: Uint8Array): string {
  const text = decode(bytes, 'utf-8')
  const damaged = text.split('\uFFFD').length - 1
  const sound = text.replace(/[\p{ASCII}\uFFFD]/gu, '').length
  return sound > damaged ? text : decode(bytes, 'windows-1252')
}

function decode(bytes: Uint8Array, encoding: string): string {
  return new TextDecoder(encoding).decode(bytes)
}
