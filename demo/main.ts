/** Runs the demo by itself: prints where it is, and serves until Ctrl-C. */
import { demoFacts, startDemo } from './start.ts'

const demo = await startDemo()
const facts = demoFacts()
const width = Math.max(...demo.sites.map(({ domain }) => domain.length))

process.stdout.write(
  `${[
    `The Rowbeat demo: ${facts.articles} articles on ${facts.sites} invented sites. Ctrl-C stops it.`,
    '',
    ...demo.sites.map(({ domain, address, role }) => `  ${domain.padEnd(width)}  ${address}/  ${role}`),
    `  ${demo.searchHost.padEnd(width)}  ${demo.searchAddress}/  search`,
    '',
    `OUTBOUND_HOST_MAP=${demo.hostMap}`,
    'SEARCH_PROVIDER=searxng',
    `SEARXNG_URL=${demo.searxngUrl}`,
  ].join('\n')}\n`,
)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void demo.close()
  })
}
