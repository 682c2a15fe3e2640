/** What differs between two JSON values, told to a person. */
import type { FieldProblem } from './problems.ts'

/** More differences are not listed. */
const LISTED_MAX = 5
/** Characters of a value that are shown. */
const SHOWN_MAX = 60
/** Characters of a pointer that are shown: names of fields come from callers too. */
const POINTER_MAX = 120
/** Deeper than this, values are compared whole. */
const DEPTH_MAX = 8
/** Fields whose values are nobody's business, whatever the route calls them. */
const SECRET = /pass|secret|token|key|auth|credential|signature|cookie/i

/**
 * Where `is` differs from `was`, both JSON: at most five places, each with the values where they are short and no
 * secrets by their name. Empty when they are equal.
 */
export function differences(was: unknown, is: unknown): FieldProblem[] {
  const found: FieldProblem[] = []
  compare(was, is, [], found)
  return found
}

function compare(was: unknown, is: unknown, path: readonly string[], found: FieldProblem[]): void {
  if (found.length >= LISTED_MAX) return
  if (isRecord(was) && isRecord(is) && path.length < DEPTH_MAX) {
    const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort()
    for (const name of names) {
      compare(fieldOf(was, name), fieldOf(is, name), [...path, name], found)
    }
    return
  }
  if (canonicalJson(was) === canonicalJson(is)) return
  const pointer = `/${path.map((name) => name.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`
  const hidden = path.some((name) => SECRET.test(name))
  found.push({
    pointer: shorten(pointer, POINTER_MAX),
    detail: hidden ? 'differs' : `was ${shown(was)} and is ${shown(is)}`,
  })
}

/** JSON with the fields of every object in order, so that equal values have equal texts; `undefined` counts as null. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (!isRecord(value)) return JSON.stringify(value) ?? 'null'
  const fields = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`)
  return `{${fields.join(',')}}`
}

function shown(value: unknown): string {
  if (value === undefined) return 'not given'
  return shorten(typeof value === 'string' ? value : canonicalJson(value), SHOWN_MAX)
}

function shorten(text: string, most: number): string {
  // By whole characters, of which each takes two units at most.
  const characters = [...text.slice(0, most * 2 + 2)]
  return characters.length <= most ? text : `${characters.slice(0, most).join('')}…`
}

function fieldOf(record: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
