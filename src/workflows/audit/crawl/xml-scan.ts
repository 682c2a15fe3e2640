/**
 * Reads XML of strangers piece by piece: tells what it meets, keeps nothing, forgives what it can, and stops at once
 * where a document goes beyond its limits. One pass, whatever the input. No entities are expanded. No I/O.
 */

/** How far a document is read; it is stopped by the first of these that it goes beyond. */
export interface XmlLimits {
  /** Elements open at the same time. */
  readonly depth: number
  /** Tags, comments, processing instructions and CDATA sections in all. */
  readonly marks: number
  readonly attributes: number
  readonly attributesPerTag: number
  /** UTF-16 units of a name, of a whole tag, of the text between two marks, and of a comment, PI or DOCTYPE. */
  readonly name: number
  readonly tag: number
  readonly text: number
  readonly aside: number
}

/** Faults that are forgiven: a file with more of them is not a damaged document but none. */
const MAX_FAULTS = 10_000

/** What a document is made of, in its order. Names are as written. */
export interface XmlHandler {
  /** `attributes` is what stands between the name and the end of the tag; see {@link readAttributes}. */
  open(name: string, attributes: string): void
  /** Also called for what a later closing tag closes by the way. */
  close(name: string): void
  /** A part of a text; entities are left as they are. */
  text(part: string): void
  /** A part of a CDATA section. */
  cdata(part: string): void
  /** True when nothing more is wanted. */
  enough(): boolean
}

export interface XmlScan {
  write(piece: string): void
  /** Tells the text at the end; elements that are still open stay so. */
  end(): void
  /** True when nothing more is read: the limits were reached, or the handler has enough. */
  readonly over: boolean
  /** Which limit ended it, for instance `it nests deeper than 20 elements`; null when none did. */
  readonly stoppedBy: string | null
}

type Mode = 'text' | 'comment' | 'instruction' | 'cdata' | 'doctype'

const CDATA = '<![CDATA['
const TERMINATORS = { comment: '-->', instruction: '?>', cdata: ']]>' } as const
const LESS = 0x3c
const GREATER = 0x3e
const SLASH = 0x2f
const QUOTES = [0x22, 0x27]

const isBlank = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d)
/** Letters, `_`, `:` and everything beyond ASCII. */
const startsName = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x41 && code <= 0x5a) ||
  code === 0x5f ||
  code === 0x3a ||
  code > 0x7f

/** Where a tag ends, and how many attributes it has; `end` is -1 when its end has not come yet. */
function scanTag(text: string, from: number): { end: number; attributes: number; broken: boolean } {
  let quote = 0
  let inWord = true
  let attributes = 0
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (quote !== 0) {
      if (code === quote) quote = 0
    } else if (QUOTES.includes(code)) quote = code
    else if (code === GREATER) return { end: at, attributes, broken: false }
    else if (code === LESS) return { end: at, attributes, broken: true }
    else if (isBlank(code) || code === SLASH) inWord = false
    else if (!inWord) {
      inWord = true
      attributes += 1
    }
  }
  return { end: -1, attributes, broken: false }
}

function endOfName(tag: string, from: number): number {
  let at = from
  while (at < tag.length && !isBlank(tag.charCodeAt(at)) && tag.charCodeAt(at) !== SLASH) at += 1
  return at
}

/** A scan under way. */
interface State {
  readonly handler: XmlHandler
  readonly limits: XmlLimits
  readonly open: string[]
  mode: Mode
  /** True inside the brackets of a DOCTYPE. */
  inSubset: boolean
  over: boolean
  stoppedBy: string | null
  marks: number
  attributes: number
  faults: number
  /** Characters since the last mark, and of the comment or instruction at hand. */
  text: number
  aside: number
}

function stop(state: State, why: string): void {
  state.over = true
  state.stoppedBy = why
}

function fault(state: State): void {
  state.faults += 1
  if (state.faults > MAX_FAULTS) stop(state, `it has more than ${MAX_FAULTS} faults`)
}

function mark(state: State, next: Mode): void {
  state.mode = next
  state.text = 0
  state.aside = 0
  state.inSubset = false
  state.marks += 1
  if (state.marks > state.limits.marks) stop(state, `it has more than ${state.limits.marks} tags`)
}

function tell(state: State, part: string, to: 'text' | 'cdata'): void {
  if (part === '') return
  state.text += part.length
  if (state.text > state.limits.text)
    stop(state, `a text in it is longer than ${state.limits.text} characters`)
  else state.handler[to](part)
}

function pass(state: State, length: number): void {
  state.aside += length
  const { aside } = state.limits
  if (state.aside > aside) stop(state, `a comment or instruction in it is longer than ${aside} characters`)
}

function closeTag(state: State, name: string): void {
  const at = state.open.lastIndexOf(name)
  if (at === -1) fault(state)
  else for (const each of state.open.splice(at).reverse()) state.handler.close(each)
}

function openTag(state: State, name: string, attributes: string): void {
  const { handler, limits, open } = state
  if (open.length >= limits.depth) {
    stop(state, `it nests deeper than ${limits.depth} elements`)
    return
  }
  handler.open(name, attributes)
  if (attributes.endsWith('/')) handler.close(name)
  else open.push(name)
}

/** Reads the tag at `from`; -1 when its end has not come yet. */
function readTag(state: State, text: string, from: number): number {
  const { limits } = state
  const isEnd = text.charCodeAt(from + 1) === SLASH
  const nameAt = from + (isEnd ? 2 : 1)
  const { end, attributes, broken } = scanTag(text, nameAt)
  if (attributes > limits.attributesPerTag)
    stop(state, `a tag in it has more than ${limits.attributesPerTag} attributes`)
  else if ((end === -1 ? text.length : end) - from > limits.tag)
    stop(state, `a tag in it is longer than ${limits.tag} characters`)
  if (end === -1 || state.over) return -1
  mark(state, 'text')
  if (broken) fault(state)
  state.attributes += attributes
  if (state.attributes > limits.attributes) stop(state, `it has more than ${limits.attributes} attributes`)
  const nameEnd = Math.min(end, endOfName(text, nameAt))
  if (nameEnd - nameAt > limits.name) stop(state, `a name in it is longer than ${limits.name} characters`)
  if (!state.over) {
    const name = text.slice(nameAt, nameEnd)
    if (isEnd) closeTag(state, name)
    else openTag(state, name, text.slice(nameEnd, end).trimEnd())
  }
  return broken ? end : end + 1
}

const ASIDES = [
  ['<!--', 'comment'],
  [CDATA, 'cdata'],
  ['<?', 'instruction'],
  ['<!', 'doctype'],
] as const

/** Reads what begins with the `<` at `from`; -1 when more of it must be seen. */
function readMark(state: State, text: string, from: number, last: boolean): number {
  if (!last && text.length - from < CDATA.length) return -1
  for (const [start, mode] of ASIDES) {
    if (!text.startsWith(start, from)) continue
    mark(state, mode)
    return from + start.length
  }
  const code = text.charCodeAt(from + 1)
  if (startsName(code === SLASH ? text.charCodeAt(from + 2) : code)) return readTag(state, text, from)
  fault(state)
  tell(state, '<', 'text')
  return from + 1
}

function readText(state: State, text: string, from: number, last: boolean): number {
  const less = text.indexOf('<', from)
  tell(state, text.slice(from, less === -1 ? text.length : less), 'text')
  if (less === -1 || state.over) return text.length
  return readMark(state, text, less, last)
}

/** Passes over what ends with a fixed mark; index behind it, or what must be kept for the next piece. */
function readUntil(state: State, text: string, from: number, kind: keyof typeof TERMINATORS): number {
  const terminator = TERMINATORS[kind]
  const found = text.indexOf(terminator, from)
  const end = found === -1 ? Math.max(from, text.length - terminator.length + 1) : found
  if (kind === 'cdata') tell(state, text.slice(from, end), 'cdata')
  else pass(state, end - from)
  if (found === -1) return end
  state.mode = 'text'
  return found + terminator.length
}

function readDoctype(state: State, text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (char === '[') state.inSubset = true
    else if (char === ']') state.inSubset = false
    else if (char === '>' && !state.inSubset) {
      state.mode = 'text'
      pass(state, at - from)
      return at + 1
    }
  }
  pass(state, text.length - from)
  return text.length
}

/** Reads a text as far as it can be understood; what is left must come before the next piece. */
function read(state: State, text: string, last: boolean): string {
  for (let at = 0; at < text.length; ) {
    const { mode } = state
    const from = at
    if (mode === 'text') at = readText(state, text, from, last)
    else if (mode === 'doctype') at = readDoctype(state, text, from)
    else at = readUntil(state, text, from, mode)
    if (!state.over && state.handler.enough()) state.over = true
    if (state.over) return ''
    // The text before the open mark has been told: only the mark itself is read again with the next piece.
    if (at === -1) return text.slice(text.indexOf('<', from))
    if (mode !== 'text' && state.mode === mode) return text.slice(at)
  }
  return ''
}

/** Starts a scan that tells `handler` what it reads. */
export function scanXml(handler: XmlHandler, limits: XmlLimits): XmlScan {
  const state: State = {
    handler,
    limits,
    open: [],
    mode: 'text',
    inSubset: false,
    over: false,
    stoppedBy: null,
    marks: 0,
    attributes: 0,
    faults: 0,
    text: 0,
    aside: 0,
  }
  let rest = ''
  return {
    write: (piece) => {
      if (!state.over) rest = read(state, rest + piece, false)
    },
    end: () => {
      if (!state.over) rest = read(state, rest, true)
    },
    get over() {
      return state.over
    },
    get stoppedBy() {
      return state.stoppedBy
    },
  }
}

const ENDS_WORD = new Set([...' \t\r\n\f/="\'<>'].map((char) => char.charCodeAt(0)))

/** Attributes of a tag by lower-case name, entities decoded; the first of a name counts. Linear in the text. */
export function readAttributes(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const passOver = (from: number, wanted: (code: number) => boolean): number => {
    let at = from
    while (at < text.length && wanted(text.charCodeAt(at))) at += 1
    return at
  }
  for (let at = 0; at < text.length; ) {
    const nameEnd = passOver(at, (code) => !ENDS_WORD.has(code))
    const name = text.slice(at, nameEnd).toLowerCase()
    const sign = passOver(nameEnd, isBlank)
    if (name === '' || text.charAt(sign) !== '=') {
      at = Math.max(at + 1, name === '' ? 0 : nameEnd)
      continue
    }
    const valueAt = passOver(sign + 1, isBlank)
    const quoted = QUOTES.includes(text.charCodeAt(valueAt))
    const end = quoted
      ? text.indexOf(text.charAt(valueAt), valueAt + 1)
      : passOver(valueAt, (code) => !isBlank(code))
    if (end === -1) break
    if (!found.has(name)) found.set(name, decodeEntities(text.slice(quoted ? valueAt + 1 : valueAt, end)))
    at = quoted ? end + 1 : end
  }
  return found
}

const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));/gi
const NAMED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/** The text with the entities of XML itself decoded; others, and a bare `&`, stay as they are. */
export function decodeEntities(text: string): string {
  return text.replace(ENTITY, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return NAMED.get(name.toLowerCase()) ?? whole
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}
