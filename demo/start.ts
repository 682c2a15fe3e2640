/** Starts the whole demo: four sites and a search endpoint, all on the loopback interface. */
import { loadContent } from './content.ts'
import { buildSearch } from './search-answer.ts'
import { type DemoServer, serve } from './server.ts'
import { buildSite } from './site.ts'
import { type DemoRole, SEARCH_HOST } from './sites.ts'

export { demoFacts } from './facts.ts'

export interface DemoOptions {
  /** The day the articles are dated from; default now. */
  readonly asOf?: Date
  readonly host?: '127.0.0.1'
}

export interface DemoSite {
  readonly domain: string
  /** `http://127.0.0.1:port`, for a browser. */
  readonly address: string
  readonly port: number
  readonly title: string
  readonly role: DemoRole
}

export interface Demo {
  /** The client first. */
  readonly sites: readonly DemoSite[]
  readonly clientDomain: string
  readonly searchHost: string
  /** `http://search.test`: reached, like the sites, through the host map. */
  readonly searxngUrl: string
  /** Address of the search endpoint for a browser. */
  readonly searchAddress: string
  /** Value for OUTBOUND_HOST_MAP. */
  readonly hostMap: string
  /** Requests for a path of a domain so far; shows for instance that robots.txt was obeyed. 0 for what is unknown. */
  visits(domain: string, path: string): number
  close(): Promise<void>
}

/**
 * Serves the demo on ports that the system chooses until `close`. Articles are dated relative to `asOf`, so the
 * audit's time windows are never empty. Throws when a content file is wrong or a port cannot be opened.
 */
export async function startDemo(options: DemoOptions = {}): Promise<Demo> {
  const { asOf = new Date(), host = '127.0.0.1' } = options
  if (Number.isNaN(asOf.getTime())) throw new RangeError('asOf is not a valid date')
  const built = loadContent().map((content) => ({ design: content.design, site: buildSite(content, asOf) }))
  const search = buildSearch(
    built.flatMap(({ site }) => site.documents),
    asOf,
  )
  const servers = await serveAll(
    [...built.map(({ design, site }) => [design.domain, site] as const), [SEARCH_HOST, search] as const],
    host,
  )
  const portOf = (domain: string) => servers.get(domain)?.port ?? 0
  const sites = built.map(({ design: { domain, title, role } }) => {
    const port = portOf(domain)
    return { domain, address: `http://${host}:${port}`, port, title, role }
  })
  return {
    sites,
    clientDomain: sites.find(({ role }) => role === 'client')?.domain ?? '',
    searchHost: SEARCH_HOST,
    searxngUrl: `http://${SEARCH_HOST}`,
    searchAddress: `http://${host}:${portOf(SEARCH_HOST)}`,
    hostMap: [...servers].map(([domain, { port }]) => `${domain}=${host}:${port}`).join(','),
    visits: (domain, path) => servers.get(domain)?.visits(path) ?? 0,
    close: () => closeAll(servers),
  }
}

async function serveAll(
  hosts: readonly (readonly [string, Parameters<typeof serve>[0]])[],
  host: '127.0.0.1',
): Promise<Map<string, DemoServer>> {
  const servers = new Map<string, DemoServer>()
  try {
    for (const [domain, served] of hosts) servers.set(domain, await serve(served, host))
  } catch (error) {
    await closeAll(servers)
    throw error
  }
  return servers
}

async function closeAll(servers: ReadonlyMap<string, DemoServer>): Promise<void> {
  await Promise.all([...servers.values()].map((server) => server.close()))
}
