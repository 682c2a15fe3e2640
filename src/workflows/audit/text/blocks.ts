/** The text blocks of a DOM tree: paragraphs, headings, list items. */

/** What the trees of cheerio and linkedom have in common. */
export interface MarkupNode {
  readonly nodeType: number
  readonly nodeValue?: string | null
  readonly tagName?: string
  readonly childNodes?: Iterable<MarkupNode>
}

export interface TextBlock {
  /** Lower-cased name of the nearest block element. */
  readonly tag: string
  /** Whitespace folded, never empty. */
  readonly text: string
  /** Share of its characters that stand inside links, 0..1. */
  readonly linkShare: number
}

const MAX_BLOCKS = 10_000
const MAX_TEXT = 400_000
const ELEMENT = 1
const TEXT = 3

const BLOCKS = new Set(
  `address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer
   form h1 h2 h3 h4 h5 h6 header hr html legend li main nav ol option p pre section summary table tbody tfoot thead
   title tr ul`.split(/\s+/),
)
const SPACED = new Set(['td', 'th', 'img', 'input', 'button', 'iframe', 'video', 'label'])
const SILENT = new Set(
  `audio button canvas embed head iframe input math noscript object script select style svg template textarea
   video`.split(/\s+/),
)

interface Walk {
  readonly blocks: TextBlock[]
  readonly stack: (MarkupNode | { readonly leave: string })[]
  readonly path: string[]
  open: { readonly tag: string; text: string; linked: number }
  anchors: number
  length: number
}

/**
 * The blocks of a tree in reading order, at most 10,000 blocks and about 400,000 characters. Two line breaks in a
 * row part a block; scripts, form fields and embedded media are silent. Works without recursion, so that no depth
 * of nesting exhausts the stack.
 */
export function textBlocks(roots: Iterable<MarkupNode>): TextBlock[] {
  const open = { tag: 'body', text: '', linked: 0 }
  const walk: Walk = { blocks: [], stack: [...roots].reverse(), path: ['body'], open, anchors: 0, length: 0 }
  while (walk.blocks.length < MAX_BLOCKS && walk.length < MAX_TEXT) {
    const node = walk.stack.pop()
    if (node === undefined) break
    if ('leave' in node) leave(walk, node.leave)
    else if (node.nodeType === TEXT) append(walk, node.nodeValue ?? '')
    else if (node.nodeType === ELEMENT) enter(walk, node)
    else pushChildren(walk, node)
  }
  flush(walk)
  return walk.blocks
}

/** The text of blocks as the audit keeps it: a blank line between them. */
export function joinBlocks(blocks: readonly TextBlock[]): string {
  return blocks.map((block) => block.text).join('\n\n')
}

function append(walk: Walk, value: string): void {
  const text = value.replace(/\s+/g, ' ')
  walk.open.text += text
  if (walk.anchors > 0) walk.open.linked += text.length
}

function enter(walk: Walk, node: MarkupNode): void {
  const tag = node.tagName?.toLowerCase() ?? ''
  if (SPACED.has(tag)) walk.open.text += ' '
  // Program code is no prose: its names would drown the words of the text.
  if (SILENT.has(tag) || (tag === 'code' && walk.path.includes('pre'))) return
  if (tag === 'br') walk.open.text += '\n'
  if (tag === 'a') {
    walk.anchors += 1
    walk.stack.push({ leave: tag })
  } else if (BLOCKS.has(tag)) {
    walk.path.push(tag)
    flush(walk)
    walk.stack.push({ leave: tag })
  }
  pushChildren(walk, node)
}

function leave(walk: Walk, tag: string): void {
  if (tag === 'a') {
    walk.anchors -= 1
    return
  }
  walk.path.pop()
  flush(walk)
}

function pushChildren(walk: Walk, node: MarkupNode): void {
  for (const child of [...(node.childNodes ?? [])].reverse()) walk.stack.push(child)
}

/** Ends the open block, parted at double line breaks, and opens the next. */
function flush(walk: Walk): void {
  const { tag, text, linked } = walk.open
  const linkShare = Math.min(1, linked / Math.max(1, text.trim().length))
  for (const part of text.split(/\n[ \n]*\n/)) {
    const folded = part.replace(/\s+/g, ' ').trim()
    if (folded !== '') walk.blocks.push({ tag, text: folded, linkShare })
  }
  walk.length += text.length
  walk.open = { tag: walk.path.at(-1) ?? 'body', text: '', linked: 0 }
}
