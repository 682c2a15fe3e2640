/** Taking out of a page what is not content: navigation, banners, forms, hidden things. */
import type { CheerioAPI } from 'cheerio'
import type { AnyNode, ChildNode, Element, ParentNode } from 'domhandler'
import { hasChildren, isComment, isTag, isText } from 'domhandler'

const NOISE = [
  'script,style,noscript,template,svg,iframe,object,embed,link',
  'nav,footer,aside,dialog,form,button,select',
  '[role="navigation"],[role="banner"],[role="contentinfo"],[role="complementary"],[role="search"],[role="dialog"]',
  '[role="alert"],[role="menu"],[aria-modal="true"],[hidden],[aria-hidden="true"]',
].join(',')
const NOISY_NAME =
  /(?:^|[\s_-])(?:cookies?|consent|gdpr|rgpd|breadcrumbs?|fil-ariane|newsletter|pop-?up|modal|share|sharing|partage|social|skip-?link|pagination|pager|related|comments?|sidebar|widget|menu|nav|navbar|navigation|topbar|footer|masthead|banner|login|tag-?cloud|tags-links)(?:$|[\s_-])/i
const HIDDEN_STYLE = /display\s*:\s*none|visibility\s*:\s*hidden/i
/** An element with more of the page's text than this is no noise, whatever its name or class. */
const MAX_NOISE_SHARE = 0.4
const NEVER = new Set(['html', 'head', 'body', 'main', 'article'])
const ALWAYS = new Set(['script', 'style', 'noscript', 'template', 'svg', 'object', 'embed', 'link'])

/** What an element holds. */
interface Measure {
  chars: number
  /** A `main`, an `article` or an `h1` is inside. */
  keeps: boolean
}

/**
 * Takes everything out of the tree that is not content: scripts, navigation, the header of the site, footers,
 * asides, forms, cookie banners, hidden elements. Names mislead, so what holds the article or most of the text
 * stays (`has-sidebar`, a restaurant's menu, a page wrapped in one form). Changes the tree; linear in its size.
 */
export function removeNoise($: CheerioAPI): void {
  const root = $.root().toArray()[0]
  if (root === undefined) return
  const measures = measure(root)
  const whole = measures.get($('body').toArray()[0] ?? root)?.chars ?? 0
  const holdsContent = (element: Element): boolean => {
    const { chars, keeps } = measures.get(element) ?? { chars: 0, keeps: false }
    return keeps || chars > whole * MAX_NOISE_SHARE
  }
  const noise = new Set<AnyNode>()
  for (const element of $(NOISE).toArray().filter(isTag)) {
    if (ALWAYS.has(element.name) || (!NEVER.has(element.name) && !holdsContent(element))) noise.add(element)
  }
  for (const element of $('header,[class],[id],[style]').toArray()) {
    if (!NEVER.has(element.name) && looksNoisy(element) && !holdsContent(element)) noise.add(element)
  }
  prune(root, noise)
}

function looksNoisy(element: Element): boolean {
  if (element.name === 'header') return !insideContent(element)
  const { class: className = '', id = '', style = '' } = element.attribs
  return (
    NOISY_NAME.test(className.slice(0, 300)) ||
    NOISY_NAME.test(id.slice(0, 100)) ||
    HIDDEN_STYLE.test(style.slice(0, 300))
  )
}

function insideContent(element: Element): boolean {
  for (let parent = element.parent; parent !== null; parent = parent.parent) {
    if (isTag(parent) && (parent.name === 'main' || parent.name === 'article')) return true
  }
  return false
}

/** Characters of text and marks of content below every element, children before parents. */
function measure(root: ParentNode): ReadonlyMap<AnyNode, Measure> {
  const parents = parentsOf(root)
  const measures = new Map<AnyNode, Measure>()
  for (const parent of parents.reverse()) {
    const sum: Measure = { chars: 0, keeps: false }
    for (const child of parent.children) {
      if (isText(child)) sum.chars += child.data.trim().length
      else if (isTag(child) && !ALWAYS.has(child.name)) {
        const inner = measures.get(child)
        sum.chars += inner?.chars ?? 0
        sum.keeps ||= inner?.keeps === true || /^(?:main|article|h1)$/.test(child.name)
      }
    }
    measures.set(parent, sum)
  }
  return measures
}

/** Every node that can have children, parents before their children. */
function parentsOf(root: ParentNode): ParentNode[] {
  const found: ParentNode[] = [root]
  for (let at = 0; at < found.length; at += 1) {
    for (const child of found[at]?.children ?? []) if (hasChildren(child)) found.push(child)
  }
  return found
}

/** Removes comments and marked nodes list by list: one by one costs the square of the number of siblings. */
function prune(root: ParentNode, marked: ReadonlySet<AnyNode>): void {
  const stack: ParentNode[] = [root]
  for (let parent = stack.pop(); parent !== undefined; parent = stack.pop()) {
    const kept = parent.children.filter((child) => !isComment(child) && !marked.has(child))
    if (kept.length < parent.children.length) relink(parent, kept)
    for (const child of parent.children) if (hasChildren(child)) stack.push(child)
  }
}

function relink(parent: ParentNode, children: ChildNode[]): void {
  children.forEach((child, index) => {
    child.prev = children[index - 1] ?? null
    child.next = children[index + 1] ?? null
  })
  parent.children = children
}
