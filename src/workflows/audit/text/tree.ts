/** The parsed tree of a page, made harmless. */
import { type CheerioAPI, load } from 'cheerio'
import { type ChildNode, hasChildren, isText, type ParentNode, Text } from 'domhandler'
import { joinBlocks, textBlocks } from './blocks.ts'

/** Browsers stop nesting at 512; the recursive walks of the DOM packages overflow the stack at a few thousand. */
const MAX_DEPTH = 400
/** Unclosed elements beyond which the standard's parser, quadratic in depth, gives way to the plain one. */
const MAX_OPEN_TAGS = 2000

const TAG = /<(\/?)([a-z][a-z0-9]*)/gi
const SELF_CLOSING =
  /^(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr|p|li|dt|dd|td|th|tr|option|path)$/i

/** Parses HTML as browsers do; what is nested deeper than 400 elements becomes plain text. */
export function parsePage(html: string): CheerioAPI {
  const $ = nestsDeeply(html) ? load(html, { xml: { xmlMode: false, decodeEntities: true } }) : load(html)
  visitParents($, (node, depth) => {
    if (depth >= MAX_DEPTH) flatten(node)
  })
  return $
}

/** Characters of text, each counted once per level it is nested at. */
export function nestedTextLength($: CheerioAPI): number {
  let sum = 0
  visitParents($, (node, depth) => {
    for (const child of node.children) if (isText(child)) sum += child.data.length * (depth + 1)
  })
  return sum
}

/** Calls `visit` for every node that has children, before its children are looked at; no recursion. */
function visitParents($: CheerioAPI, visit: (node: ParentNode, depth: number) => void): void {
  const stack: { node: ParentNode; depth: number }[] = []
  for (const node of $.root().toArray()) stack.push({ node, depth: 0 })
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { node, depth } = entry
    visit(node, depth)
    for (const child of node.children) if (hasChildren(child)) stack.push({ node: child, depth: depth + 1 })
  }
}

function nestsDeeply(html: string): boolean {
  let open = 0
  for (const [, slash, name = ''] of html.matchAll(TAG)) {
    if (SELF_CLOSING.test(name)) continue
    open = slash === '/' ? Math.max(0, open - 1) : open + 1
    if (open > MAX_OPEN_TAGS) return true
  }
  return false
}

function flatten(node: ParentNode): void {
  if (!node.children.some(hasChildren)) return
  const text: ChildNode = new Text(joinBlocks(textBlocks(node.children)))
  text.parent = node
  node.children = [text]
}
