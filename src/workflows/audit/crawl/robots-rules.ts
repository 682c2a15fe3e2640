/** The rules of one robots.txt, as RFC 9309 reads them, and how an address is held against them. No I/O. */
import { resolveUrl } from './site-scope.ts'

/** The name site owners write behind `User-agent:` to speak to us. */
export const PRODUCT_TOKEN = 'RowbeatBot'

/** RFC 9309 §2.5: a crawler reads at least this much, and may ignore the rest. */
export const MAX_ROBOTS_BYTES = 500 * 1024
const MAX_CRAWL_DELAY_SECONDS = 10
const MAX_SITEMAPS = 50
/** Longest pattern; no address that is ever fetched has more characters. */
const MAX_PATTERN_LENGTH = 2_000
const MAX_WILDCARDS = 8
/** Patterns with wildcards of the group that binds us; each costs one pass over an address. */
const MAX_WILDCARD_RULES = 500

/** A robots.txt as it came. */
export interface RawRobots {
  /** Scheme and host it is for, without a trailing slash. */
  readonly origin: string
  readonly body: Uint8Array
  /** Media type, without parameters. */
  readonly contentType: string
}

/** A rule with wildcards: what stands between them, in order. */
interface WildcardRule {
  readonly parts: readonly string[]
  /** True when the last part must end the address. */
  readonly anchored: boolean
  readonly allow: boolean
  /** Characters of the whole pattern: the longest that matches counts. */
  readonly length: number
}

/** The group of rules that binds us, ready to be asked. Plain data. */
export interface RobotsRules {
  /** Patterns without wildcards, sorted, each once. */
  readonly prefixes: readonly string[]
  readonly prefixAllows: readonly boolean[]
  /** Index of the longest other prefix that begins each prefix; -1 for none. */
  readonly prefixParents: readonly number[]
  /** Patterns without wildcards that must match the whole address (`/a$`), without the sign. */
  readonly exact: ReadonlyMap<string, boolean>
  /** Longest first, `Allow` before `Disallow`: the first that matches counts. */
  readonly wildcards: readonly WildcardRule[]
}

/** What a robots.txt says to us. */
export interface RobotsText {
  /** `not_text` for an HTML page in its place, which allows everything. */
  readonly status: 'parsed' | 'not_text'
  readonly rules: RobotsRules
  /** Seconds between two requests, at most 10; null when none was asked for. */
  readonly crawlDelaySeconds: number | null
  /** Absolute URLs in the order of the file, at most 50. */
  readonly sitemaps: readonly string[]
}

const ESCAPED_OR_ODD = /%[0-9a-fA-F]{2}|[^0-9A-Za-z_.~:/?#[\]@!$&()*+,;=%-]/gu
const UNRESERVED = /[\w.~-]/

/**
 * RFC 9309 §2.2.2: octets are compared, so escapes of unreserved characters are undone, all others written alike,
 * and what is beyond ASCII escaped.
 */
function normalise(text: string): string {
  return text.toWellFormed().replace(ESCAPED_OR_ODD, (found) => {
    if (found === "'") return '%27'
    if (!found.startsWith('%')) return encodeURIComponent(found)
    const char = String.fromCharCode(Number.parseInt(found.slice(1), 16))
    return UNRESERVED.test(char) ? char : found.toUpperCase()
  })
}

/** Path and query of an address in the form of {@link normalise}; signs that mean something in a pattern escaped. */
function comparable({ pathname, search }: URL): string {
  return normalise(pathname + search)
    .replaceAll('*', '%2A')
    .replaceAll('$', '%24')
}

interface Rule {
  readonly parts: readonly string[]
  readonly anchored: boolean
  readonly allow: boolean
}

/**
 * A pattern, wildcards folded (`**` is `*`, one at the end says nothing); null for one that is empty or forever
 * false. One that is too long or has too many wildcards is read to the strict side: `Disallow` up to there, `Allow`
 * not at all.
 */
function readPattern(value: string, allow: boolean): Rule | null {
  if (value === '') return null
  const tooLong = value.length > MAX_PATTERN_LENGTH
  const anchored = value.endsWith('$') && !tooLong
  const text = normalise(anchored ? value.slice(0, -1) : value.slice(0, MAX_PATTERN_LENGTH))
  const parts = text.replaceAll('$', '%24').split('*')
  const folded = parts.filter((part, index) => part !== '' || index === 0)
  const open = parts.length > 1 && parts.at(-1) === ''
  // `*$` ends anything: the sign says nothing behind a wildcard.
  const rule = { parts: folded, anchored: anchored && !open, allow }
  if (!tooLong && folded.length <= MAX_WILDCARDS + 1) return rule
  return allow ? null : { parts: folded.slice(0, MAX_WILDCARDS + 1), anchored: false, allow }
}

function lengthOf({ parts, anchored }: Rule): number {
  return parts.reduce((sum, part) => sum + part.length + 1, anchored ? 0 : -1)
}

/** `Allow` wins where two rules are one pattern. */
function put(rules: Map<string, boolean>, path: string, allow: boolean): void {
  rules.set(path, allow || rules.get(path) === true)
}

function compile(rules: readonly Rule[]): RobotsRules {
  const plain = new Map<string, boolean>()
  const exact = new Map<string, boolean>()
  const wildcards: WildcardRule[] = []
  for (const rule of rules) {
    const [first = ''] = rule.parts
    if (rule.parts.length === 1) put(rule.anchored ? exact : plain, first, rule.allow)
    else if (wildcards.length < MAX_WILDCARD_RULES) wildcards.push({ ...rule, length: lengthOf(rule) })
    else if (!rule.allow) put(plain, first, false)
  }
  const prefixes = [...plain.keys()].sort()
  return {
    prefixes,
    prefixAllows: prefixes.map((prefix) => plain.get(prefix) === true),
    prefixParents: parentsOf(prefixes),
    exact,
    wildcards: wildcards.sort((a, b) => b.length - a.length || Number(b.allow) - Number(a.allow)),
  }
}

/** In sorted order, what a text begins with comes before it: a stack of open prefixes is enough. */
function parentsOf(sorted: readonly string[]): number[] {
  const open: number[] = []
  return sorted.map((prefix, index) => {
    while (open.length > 0 && !prefix.startsWith(sorted[open.at(-1) ?? 0] ?? '')) open.pop()
    const parent = open.at(-1) ?? -1
    open.push(index)
    return parent
  })
}

interface Group {
  named: boolean
  readonly rules: Rule[]
  delay: number | null
}

/** The first 500 KiB as lines, the one that was cut off left out. */
function linesOf(text: string, isCut: boolean): string[] {
  const lines = text.split(/[\r\n]/)
  if (isCut) lines.pop()
  return lines
}

/**
 * Reads the text of a robots.txt: groups for {@link PRODUCT_TOKEN} count together, those for everybody only when
 * there is none. Linear in the text.
 */
export function readRules(text: string, origin: string, isCut = false): Omit<RobotsText, 'status'> {
  const ours: Group = { named: false, rules: [], delay: null }
  const all: Group = { named: false, rules: [], delay: null }
  const sitemaps = new Set<string>()
  let bound: Group[] = []
  let naming = false
  for (const line of linesOf(text, isCut)) {
    const content = line.slice(0, line.includes('#') ? line.indexOf('#') : undefined)
    const colon = content.indexOf(':')
    if (colon === -1) continue
    const key = content.slice(0, colon).trim().toLowerCase()
    const value = content.slice(colon + 1).trim()
    if (key === 'user-agent') {
      if (!naming) bound = []
      naming = true
      const group = value.startsWith('*') ? all : isOurs(value) ? ours : null
      if (group !== null && !bound.includes(group)) bound.push(group)
      if (group !== null) group.named = true
    } else if (key === 'allow' || key === 'disallow') {
      naming = false
      const rule = bound.length === 0 ? null : readPattern(value, key === 'allow')
      if (rule !== null) for (const group of bound) group.rules.push(rule)
    } else if (key === 'crawl-delay') {
      naming = false
      for (const group of bound) group.delay = Number(value)
    } else if (key === 'sitemap' && sitemaps.size < MAX_SITEMAPS) {
      const url = resolveUrl(value, `${origin}/`)
      if (url !== null) sitemaps.add(url)
    }
  }
  const group = ours.named ? ours : all
  const delay =
    group.delay !== null && group.delay > 0 ? Math.min(group.delay, MAX_CRAWL_DELAY_SECONDS) : null
  return { rules: compile(group.rules), crawlDelaySeconds: delay, sitemaps: [...sitemaps] }
}

/** `RowbeatBot/2.0` is us as well: a version is no part of the token. */
function isOurs(value: string): boolean {
  return /^[a-z_-]{1,50}/i.exec(value)?.[0].toLowerCase() === PRODUCT_TOKEN.toLowerCase()
}

/** Reads a robots.txt as it came, at most its first 500 KiB: for a thread. */
export function readRobotsText({ origin, body, contentType }: RawRobots): RobotsText {
  const decoded = new TextDecoder().decode(body.subarray(0, MAX_ROBOTS_BYTES))
  const isHtml = contentType.includes('html') || /^\s*<(?:!doctype|html|head|body)/i.test(decoded)
  const text = isHtml ? '' : decoded
  return {
    status: isHtml ? 'not_text' : 'parsed',
    ...readRules(text, origin, body.length > MAX_ROBOTS_BYTES),
  }
}

/** True when the rules let us fetch the address. Its work is bounded by the rules times its length. */
export function permits(rules: RobotsRules, url: URL): boolean {
  if (url.pathname === '/robots.txt') return true
  const path = comparable(url)
  let best = { length: -1, allow: true }
  const consider = (length: number, allow: boolean): void => {
    if (length > best.length || (length === best.length && allow)) best = { length, allow }
  }
  const prefix = longestPrefix(rules, path)
  if (prefix !== -1) consider(rules.prefixes[prefix]?.length ?? 0, rules.prefixAllows[prefix] === true)
  const exact = rules.exact.get(path)
  if (exact !== undefined) consider(path.length + 1, exact)
  const wildcard = rules.wildcards.find((rule) => rule.length < best.length || matches(rule, path))
  if (wildcard !== undefined && wildcard.length >= best.length && matches(wildcard, path))
    consider(wildcard.length, wildcard.allow)
  return best.allow
}

/** Index of the longest prefix that begins the path; -1 for none. */
function longestPrefix({ prefixes, prefixParents }: RobotsRules, path: string): number {
  let low = 0
  let high = prefixes.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((prefixes[middle] ?? '') <= path) low = middle + 1
    else high = middle
  }
  const near = prefixes[low - 1]
  if (near === undefined) return -1
  // Whatever begins the path begins its neighbour as well, as far as the two are alike.
  const alike = commonLength(near, path)
  let found = low - 1
  while (found !== -1 && (prefixes[found]?.length ?? 0) > alike) found = prefixParents[found] ?? -1
  return found
}

function commonLength(a: string, b: string): number {
  let at = 0
  while (at < a.length && at < b.length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1
  return at
}

/** Leftmost places are as good as any, so each part is looked for once, from where the one before it ended. */
function matches({ parts, anchored }: WildcardRule, path: string): boolean {
  const [first = '', ...others] = parts
  if (!path.startsWith(first)) return false
  const last = anchored ? (others.pop() ?? '') : ''
  let at = first.length
  for (const part of others) {
    const found = path.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return path.length - last.length >= at && path.endsWith(last)
}
