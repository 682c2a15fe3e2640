/** JSON of strangers: parsed only when it holds no more than can be afforded. Pure. */

const MAX_DEPTH = 100
/** Values in all: 5 MiB of `{},{},…` would be two million objects and 300 MiB of memory. */
const MAX_VALUES = 500_000

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Index of the quotation mark that ends the string begun before `from`; the end of the text when none does. */
function endOfString(text: string, from: number): number {
  let at = from
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at
}

/** True for at most 100 levels and half a million values, whether it is JSON or not. One pass, nothing is built. */
function isAffordable(text: string): boolean {
  let depth = 0
  let values = 1
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (char === '"') at = endOfString(text, at + 1)
    else if (char === '[' || char === '{') {
      depth += 1
      values += 1
    } else if (char === ']' || char === '}') depth -= 1
    else if (char === ',') values += 1
    if (depth > MAX_DEPTH || values > MAX_VALUES) return false
  }
  return true
}

/** The value of a JSON text; undefined for what is none, nests deeper than 100 levels or holds more than half a million values. */
export function parseJson(text: string): unknown {
  if (!isAffordable(text)) return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined
    throw error
  }
}
