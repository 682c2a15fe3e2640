/** Opens a site: its robots.txt and its home page, from which everything else is found. */
import { type ErrorCode, isErrorCode, RowbeatError } from '../../../core/errors.ts'
import type { Outbound } from '../../../core/ports.ts'
import { type Reader, readHere } from '../reader.ts'
import type { HomeLinks } from '../readings.ts'
import { type FetchedPage, fetchPage, type SiteAccess } from './pages.ts'
import { openRobotsBook, type Robots, readRobots } from './robots.ts'

export interface Site extends SiteAccess {
  readonly robots: Robots
  /** The home page as fetched, with its problem when it could not be used. */
  readonly home: FetchedPage
}

export interface OpenSiteOptions {
  readonly outbound: Outbound
  readonly domain: string
  readonly signal: AbortSignal
  /** Rules read before; read again when absent. */
  readonly robots?: Robots | undefined
  /** Reads the pages; default {@link readHere}. */
  readonly reader?: Reader | undefined
}

/** Reads robots.txt and the home page of `domain`. Throws the network error when the host cannot be reached at all. */
export async function openSite(options: OpenSiteOptions): Promise<Site> {
  const { outbound, domain, signal, reader = readHere } = options
  const robots = options.robots ?? (await readRobots(outbound, domain, signal, reader))
  const book = openRobotsBook(outbound, robots, signal, reader)
  const access: SiteAccess = { outbound, domain, signal, reader, book }
  const home = await fetchPage(access, `${robots.origin}/`, 0)
  return { ...access, robots, home }
}

/** Where the home page leads to; null when it could not be read. Only an abort is thrown. */
export async function homeLinksOf({ home, reader, signal }: Site): Promise<HomeLinks | null> {
  if (home.raw === null) return null
  try {
    return await reader.homeLinks(home.raw, signal)
  } catch (error) {
    signal.throwIfAborted()
    // Its content was read before: the usual paths are tried when its links cannot be.
    if (error instanceof RowbeatError) return null
    throw error
  }
}

/**
 * The error of a site that gave nothing: what its home page ended with, since that is what its owner can mend.
 * `fallback` counts when the home page itself was fine.
 */
export function emptySiteError(site: Site, fallback: string): RowbeatError {
  const problem = site.home.page.problem
  const { domain, robots } = site
  if (robots.status === 'unavailable') {
    const told = `robots.txt of ${domain} answered with status ${robots.httpStatus}, which forbids crawling for now`
    return new RowbeatError('UPSTREAM_ERROR', told)
  }
  if (!problem) return new RowbeatError('NO_CONTENT', `${domain}: ${fallback}`)
  const code: ErrorCode = isErrorCode(problem.code) ? problem.code : 'NO_CONTENT'
  return new RowbeatError(code, `${domain}: the home page could not be used: ${problem.message}`)
}
