/** The main text of a page: Readability first, a plain choice of elements where it finds too little. */
import { Readability } from '@mozilla/readability'
import type { CheerioAPI } from 'cheerio'
import { type AnyNode, type Element, isTag } from 'domhandler'
import { parseHTML } from 'linkedom'
import type { PageContent } from '../types.ts'
import { joinBlocks, type MarkupNode, type TextBlock, textBlocks } from './blocks.ts'
import { countWords } from './tokens.ts'
import { nestedTextLength } from './tree.ts'

export interface MainText {
  readonly blocks: readonly TextBlock[]
  readonly method: PageContent['method']
}

/** Elements beyond which Readability is not tried: its cost grows faster than the page. */
const MAX_ELEMENTS = 15_000
/** Characters times the depth they stand at, beyond which it is not tried either: it reads every level anew. */
const MAX_NESTED_TEXT = 10_000_000
/** Readability is kept when it finds this share of the words that the plain choice finds. */
const MIN_SHARE = 0.4
const MIN_WORDS = 20

const CONTENT = [
  'main,[role="main"]',
  'article',
  '[itemprop="articleBody"]',
  '.entry-content,.post-content,.article-content,.article-body,.page-content',
  '#content,#main,.content,.main',
]

/** The main text of a tree that `removeNoise` has been through. */
export function findMainText($: CheerioAPI): MainText {
  const plain = plainChoice($)
  const plainWords = wordsOf(plain.blocks)
  if (plainWords < MIN_WORDS || $('*').length > MAX_ELEMENTS || nestedTextLength($) > MAX_NESTED_TEXT)
    return plain
  const read = withoutLinkLists(readableBlocks($.html()))
  const readWords = wordsOf(read)
  return readWords >= MIN_WORDS && readWords >= plainWords * MIN_SHARE
    ? { blocks: read, method: 'readability' }
    : plain
}

function plainChoice($: CheerioAPI): MainText {
  for (const selector of CONTENT) {
    const blocks = withoutLinkLists(textBlocks(outermost($(selector).toArray().filter(isTag))))
    if (wordsOf(blocks) >= MIN_WORDS) return { blocks, method: 'selectors' }
  }
  return {
    blocks: withoutLinkLists(textBlocks($('body').length > 0 ? $('body').toArray() : $.root().toArray())),
    method: 'body',
  }
}

/** Those of some elements in document order that stand in none of the others. */
function outermost(elements: readonly Element[]): Element[] {
  const chosen = new Set<AnyNode>()
  return elements.filter((element) => {
    for (let parent = element.parent; parent !== null; parent = parent.parent) {
      if (chosen.has(parent)) return false
    }
    chosen.add(element)
    return true
  })
}

/** What Readability takes for the article; nothing when it gives up, which it also says by throwing. */
function readableBlocks(html: string): TextBlock[] {
  try {
    const { document } = parseHTML(html)
    const content = new Readability<MarkupNode>(document, {
      maxElemsToParse: MAX_ELEMENTS,
      charThreshold: 250,
      disableJSONLD: true,
      serializer: (node) => node as unknown as MarkupNode,
    }).parse()?.content
    return content ? textBlocks([content]) : []
  } catch {
    // Odd trees make it trip in many ways; the plain choice stands in, and `method` tells so.
    return []
  }
}

/** Drops short blocks that are nothing but links: menus that no mark gives away. */
function withoutLinkLists(blocks: readonly TextBlock[]): TextBlock[] {
  return blocks.filter(
    (block) => block.linkShare < 0.8 || /^h[1-6]$/.test(block.tag) || block.text.split(' ').length > 15,
  )
}

function wordsOf(blocks: readonly TextBlock[]): number {
  return countWords(joinBlocks(blocks))
}
