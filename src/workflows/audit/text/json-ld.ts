/** The JSON-LD blocks of a page, read with patience: what cannot be parsed is left out. */

import { parseJson } from './bounded-json.ts'

/** One typed object of a JSON-LD block. */
export interface LinkedNode {
  /** Names without the vocabulary's address: `Article`. */
  readonly types: readonly string[]
  readonly properties: Readonly<Record<string, unknown>>
}

const MAX_BLOCKS = 50
const MAX_BLOCK_LENGTH = 500_000
const MAX_NODES = 500
const MAX_DEPTH = 10

const ARTICLE_TYPE = /(?:Article|BlogPosting|Report|LiveBlogPosting)$/

/**
 * The typed objects of some `application/ld+json` scripts, in document order: top-level objects, arrays and
 * `@graph` members. At most 500 objects of 50 scripts. Malformed scripts are repaired where that is safe (raw
 * line breaks in strings, trailing commas, comment wrappers), else skipped.
 */
export function readJsonLd(scripts: readonly string[]): LinkedNode[] {
  const nodes: LinkedNode[] = []
  for (const script of scripts.slice(0, MAX_BLOCKS)) {
    if (script.length <= MAX_BLOCK_LENGTH) collect(parseTolerantly(script), 0, nodes)
  }
  return nodes
}

/** True for articles, blog posts, news and reports. */
export function isArticleNode(node: LinkedNode): boolean {
  return node.types.some((type) => ARTICLE_TYPE.test(type))
}

/** The first non-empty text of a property, looking into `name`, `@value` and arrays; null when there is none. */
export function textOf(value: unknown, depth = 0): string | null {
  if (typeof value === 'string') return value.trim() === '' ? null : value.trim()
  if (depth > 3) return null
  if (Array.isArray(value)) {
    for (const item of value.slice(0, 20)) {
      const text = textOf(item, depth + 1)
      if (text !== null) return text
    }
    return null
  }
  return isRecord(value) ? (textOf(value.name, depth + 1) ?? textOf(value['@value'], depth + 1)) : null
}

/** Follows `{"@id": …}` to the object of the page that carries it; other values come back as they are. */
export function resolveReference(value: unknown, nodes: readonly LinkedNode[]): unknown {
  const first = Array.isArray(value) ? value[0] : value
  if (!isRecord(first) || typeof first['@id'] !== 'string' || first.name !== undefined) return value
  return nodes.find((node) => node.properties['@id'] === first['@id'])?.properties ?? value
}

function collect(value: unknown, depth: number, nodes: LinkedNode[]): void {
  if (depth > MAX_DEPTH || nodes.length >= MAX_NODES) return
  if (Array.isArray(value)) {
    for (const item of value) collect(item, depth + 1, nodes)
    return
  }
  if (!isRecord(value)) return
  const types = typesOf(value['@type'])
  if (types.length > 0) nodes.push({ types, properties: value })
  if (value['@graph'] !== undefined) collect(value['@graph'], depth + 1, nodes)
  if (value.mainEntity !== undefined) collect(value.mainEntity, depth + 1, nodes)
}

function typesOf(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value.slice(0, 10) : [value]
  return list
    .filter((type): type is string => typeof type === 'string' && type.length < 100)
    .map((type) => type.replace(/^.*[/#:]/, ''))
    .filter((type) => type !== '')
}

function parseTolerantly(script: string): unknown {
  const bare = script.replace(/^\s*(?:<!--|\/\*\s*<!\[CDATA\[\s*\*\/|\/\/\s*<!\[CDATA\[|<!\[CDATA\[)/, '')
  const json = bare.replace(/(?:-->|\/\*\s*\]\]>\s*\*\/|\/\/\s*\]\]>|\]\]>)\s*;?\s*$/, '')
  const repaired = json.replace(/\p{Cc}+/gu, ' ').replace(/,(\s*[}\]])/g, '$1')
  for (const candidate of [json, repaired]) {
    const parsed = parseJson(candidate)
    if (parsed !== undefined) return parsed
  }
  return undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
