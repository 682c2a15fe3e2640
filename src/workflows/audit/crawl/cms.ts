/** Asks content management systems for their posts: WordPress REST and Drupal JSON:API. */
import { codeOf, messageOf, RowbeatError } from '../../../core/errors.ts'
import type { Outbound, OutboundResponse } from '../../../core/ports.ts'
import { readHere } from '../reader.ts'
import type { FoundUrl } from '../types.ts'
import { type CmsPosts, type CmsSystem, firstPostsUrl } from './cms-posts.ts'
import { fetchDocument, type Problem } from './documents.ts'
import type { Discovery, DiscoveryOptions } from './feeds.ts'
import type { Robots } from './robots.ts'
import { isSameSite } from './site-scope.ts'

const MAX_PAGES = 5
const MAX_BYTES = 5 * 1024 * 1024

interface Asking {
  readonly outbound: Outbound
  readonly robots: Robots
  readonly domain: string
  readonly options: DiscoveryOptions
  readonly problems: Problem[]
}

/** Null for what this system does not send, and for an answer that takes too much to read: that is a problem. */
async function readAnswer(
  asking: Asking,
  system: CmsSystem,
  response: OutboundResponse,
  page: number,
): Promise<CmsPosts | null> {
  const { domain, options, problems, robots } = asking
  const { body, url } = response
  const pages = Number(response.headers['x-wp-totalpages'] ?? '1')
  try {
    const raw = { system, origin: robots.origin, url, body, domain, page, pages }
    return await (options.reader ?? readHere).posts(raw, options.signal)
  } catch (error) {
    options.signal.throwIfAborted()
    if (!(error instanceof RowbeatError)) throw error
    problems.push({ url, code: codeOf(error), message: messageOf(error) })
    return null
  }
}

async function readApi(asking: Asking, system: CmsSystem): Promise<FoundUrl[]> {
  const { outbound, robots, domain, options } = asking
  const found = new Map<string, FoundUrl>()
  const asked = new Set<string>()
  let url: string | null = firstPostsUrl(system, robots.origin)
  for (let page = 1; page <= MAX_PAGES && url !== null && !asked.has(url); page += 1) {
    if (!isSameSite(url, domain)) break
    asked.add(url)
    const request = {
      url,
      signal: options.signal,
      maxBytes: MAX_BYTES,
      headers: { accept: 'application/json' },
    }
    const { response, problem } = await fetchDocument(outbound, robots, request)
    if (problem) {
      if (page > 1) asking.problems.push(problem)
      break
    }
    const read: CmsPosts | null = await readAnswer(asking, system, response, page)
    if (read === null) break
    for (const { key, ...post } of read.posts) if (found.size < options.maxUrls) found.set(key, post)
    url = found.size < options.maxUrls ? read.nextUrl : null
  }
  return [...found.values()]
}

/**
 * Posts of a WordPress site (100 a page) or, when there are none, articles of a Drupal site (50 a page), newest
 * first, at most 5 pages. A site without such an interface gives an empty list and no problem.
 */
export async function readCmsPosts(
  outbound: Outbound,
  robots: Robots,
  domain: string,
  options: DiscoveryOptions,
): Promise<Discovery> {
  const asking: Asking = { outbound, robots, domain, options, problems: [] }
  for (const system of ['wordpress', 'drupal'] as const) {
    const urls = await readApi(asking, system)
    if (urls.length > 0) return { urls, problems: asking.problems }
  }
  return { urls: [], problems: asking.problems }
}
