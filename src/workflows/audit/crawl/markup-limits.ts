/** Cuts HTML off where it turns into an attack on parsers. Pure. */

/** Elements open at the same time; parsers are quadratic in this, and honest pages stay far below 1,000. */
const MAX_OPEN_ELEMENTS = 10_000
/** Attributes of one element; parsers compare each with all before it. */
const MAX_ATTRIBUTES = 1_000
/** UTF-16 units that are looked at: 3 Mi. */
const MAX_LENGTH = 3 * 1024 * 1024

const TAG_START = /<(?:!--|(\/?)([a-z][a-z0-9:-]{0,40}))/gi
const VOID = /^(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)$/i
/** Elements whose content is no markup, so that `a<b` in a program is not taken for a tag. */
const RAW_TEXT = /^(?:script|style)$/i

/** Index behind the tag whose attributes start at `from`; -1 when it has too many of them. */
function endOfTag(html: string, from: number): number {
  let quote = ''
  let inName = false
  let attributes = 0
  for (let index = from; index < html.length; index += 1) {
    const char = html.charAt(index)
    if (quote !== '') {
      if (char === quote) quote = ''
    } else if (char === '"' || char === "'") quote = char
    else if (char === '>') return index + 1
    else if (/[\s/]/.test(char)) inName = false
    else if (!inName) {
      inName = true
      attributes += 1
      if (attributes > MAX_ATTRIBUTES) return -1
    }
  }
  return html.length
}

/** Index of the next `mark` at or after `from`; the end when there is none. */
function skipTo(html: string, mark: RegExp, from: number): number {
  const search = new RegExp(mark, 'gi')
  search.lastIndex = from
  return search.exec(html)?.index ?? html.length
}

/**
 * The HTML up to the first place where more than 10,000 elements are open or an element has more than 1,000
 * attributes, at most 3 Mi units; ordinary pages come back whole. One pass, whatever the input. It stops the
 * plain attacks; one that hides behind quotes or comments is left to the time limit of the step.
 */
export function boundMarkup(html: string): string {
  const text = html.slice(0, MAX_LENGTH)
  const tag = new RegExp(TAG_START)
  let open = 0
  for (let match = tag.exec(text); match; match = tag.exec(text)) {
    const [start, slash, name] = match
    if (name === undefined) {
      tag.lastIndex = skipTo(text, /-->/, match.index + start.length)
      continue
    }
    const end = endOfTag(text, match.index + start.length)
    if (end === -1) return text.slice(0, match.index)
    tag.lastIndex = end
    if (slash === '/') open = Math.max(0, open - 1)
    else if (RAW_TEXT.test(name)) tag.lastIndex = skipTo(text, new RegExp(`</${name}`), end)
    else if (!VOID.test(name)) open += 1
    if (open > MAX_OPEN_ELEMENTS) return text.slice(0, match.index)
  }
  return text
}
