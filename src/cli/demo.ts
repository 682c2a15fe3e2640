/** `demo`: audits the bundled sites, shows the result and keeps serving. */
import type { Demo } from '../../demo/start.ts'
import type { App } from '../app.ts'
import { type Config, readConfig } from '../config.ts'
import { renderPlaces } from './announcements.ts'
import { createAuditClient } from './audit-client.ts'
import { endedBadly } from './audit-outcome.ts'
import { renderAuditSummary } from './audit-summary.ts'
import { EXIT, type ExitCode, Failure } from './faults.ts'
import { followAudit } from './follow-audit.ts'
import { paint } from './layout.ts'
import { withApp } from './running-app.ts'
import { aborted, type StopRequests } from './stop-requests.ts'
import { type Output, quietLevel, writeAfterInterrupt, writeLines } from './terminal.ts'

export interface DemoCommandOptions {
  /** Audit again, then stop everything. */
  readonly once: boolean
}

/** Nothing of the demo is worth waiting for. */
const STOP_DEADLINE_MS = 2_000

/** With `once`: 0 only when the audit completed. Else serves until it is told to stop, and ends with 0. */
export async function demo(
  options: DemoCommandOptions,
  output: Output,
  stops: StopRequests,
): Promise<ExitCode> {
  const sites = await startSites()
  try {
    const config = readDemoConfig(sites, output)
    const command = options.once ? 'npm run demo -- --once' : 'npm run demo'
    const note = (line: string): void => writeLines(output.err, [line])
    const running = { api: true, poller: true, guard: true, note, stops, command }
    writeLines(output.out, [
      paint('Rowbeat demo', output.out, 'bold'),
      `Auditing ${sites.clientDomain}, one of ${sites.sites.length} sites served on this machine for the purpose.`,
      '',
    ])
    const work = (app: App) => show(app, sites, config, options, output, stops)
    return (await withApp(config, running, work, STOP_DEADLINE_MS)) ?? stoppedEarly(options)
  } finally {
    await sites.close()
  }
}

async function startSites(): Promise<Demo> {
  const { startDemo } = await import('../../demo/start.ts').catch((error: unknown) => {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    throw isMissing
      ? new Failure('the demo is not part of this installation: run it from a checkout.', error)
      : error
  })
  return startDemo()
}

function readDemoConfig(sites: Demo, output: Output): Config {
  return readConfig(undefined, {
    defaults: { LOG_LEVEL: quietLevel(output.out) },
    overrides: {
      OUTBOUND_HOST_MAP: sites.hostMap,
      SEARCH_PROVIDER: 'searxng',
      SEARXNG_URL: sites.searxngUrl,
    },
  })
}

async function show(
  app: App,
  sites: Demo,
  config: Config,
  { once }: DemoCommandOptions,
  { out, err }: Output,
  stops: StopRequests,
): Promise<ExitCode> {
  if (app.url === null) throw new Error('the app was started without its API')
  const client = createAuditClient(app.url, stops.gently)
  const outcome = await followAudit(client, sites.clientDomain, {
    refresh: once,
    screen: out,
    signal: stops.gently,
    maxSeconds: config.audit.maxDurationSeconds,
  })
  if (outcome.kind === 'interrupted') {
    writeAfterInterrupt(err, ['Stopped before the audit ended; the next demo goes on with it.'])
    return stoppedEarly({ once })
  }
  if (outcome.kind === 'ended') throw endedBadly(outcome.status)
  writeLines(out, ['', ...renderAuditSummary(outcome.document, out)])
  if (once) return outcome.status?.overall_status === 'completed' ? EXIT.ok : EXIT.failed
  if (outcome.status === null) {
    writeLines(out, [
      '',
      'An earlier run of the demo left this audit; "npm run demo -- --once" audits again.',
    ])
  }
  const { url, databaseUrl } = app
  const { clientDomain: domain, searchAddress } = sites
  const embedded = config.databaseUrl === null
  writeLines(
    out,
    renderPlaces({ url, domain, databaseUrl, embedded, sites: sites.sites, searchAddress }, out),
  )
  writeLines(out, ['', paint('Serving until Ctrl-C.', out, 'bold')])
  await aborted(stops.gently)
  if (err.isTerminal) writeAfterInterrupt(err, ['Stopping.'])
  return EXIT.ok
}

function stoppedEarly({ once }: DemoCommandOptions): ExitCode {
  return once ? EXIT.failed : EXIT.ok
}
