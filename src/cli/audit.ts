/** `audit`: audits one site and prints the result. */
import { type Config, readConfig } from '../config.ts'
import { parseDomain } from '../workflows/audit/domain.ts'
import { createAuditClient } from './audit-client.ts'
import { endedBadly, interruptedLines, warnings } from './audit-outcome.ts'
import { renderAuditSummary } from './audit-summary.ts'
import { EXIT, type ExitCode, UsageError } from './faults.ts'
import { type AuditOutcome, followAudit } from './follow-audit.ts'
import { clean } from './layout.ts'
import { withApp } from './running-app.ts'
import type { StopRequests } from './stop-requests.ts'
import { type Output, quietLevel, writeAfterInterrupt, writeLines } from './terminal.ts'

export interface AuditOptions {
  readonly refresh: boolean
  /** Print the document as it was answered; all else goes to standard error. */
  readonly json: boolean
}

/** An interrupted command hands its work back to the table; it need not wait for it. */
const INTERRUPTED_DEADLINE_MS = 2_000

/** 0 for a whole or a partial audit, 1 for a failed or an interrupted one. */
export async function audit(
  domainTyped: string,
  options: AuditOptions,
  output: Output,
  stops: StopRequests,
): Promise<ExitCode> {
  const config = readAuditConfig(output, options)
  const domain = requireDomain(domainTyped, config)
  const command = `npm run audit -- ${domain}`
  const note = (line: string): void => writeLines(output.err, [line])
  const running = { api: true, poller: true, guard: true, note, stops, command }
  const screen = options.json ? output.err : output.out
  const outcome = await withApp(
    config,
    running,
    (app) => {
      if (app.url === null) throw new Error('the app was started without its API')
      const client = createAuditClient(app.url, stops.gently)
      const { refresh } = options
      const maxSeconds = config.audit.maxDurationSeconds
      return followAudit(client, domain, { refresh, screen, signal: stops.gently, maxSeconds })
    },
    INTERRUPTED_DEADLINE_MS,
  )
  if (outcome === undefined) return EXIT.failed
  return report(outcome, { domain, command, json: options.json, output })
}

/** The server of this command is nobody else's: any free port, and a quiet log beside the display. */
function readAuditConfig(output: Output, options: AuditOptions): Config {
  const logs = options.json
    ? { overrides: { LOG_LEVEL: 'silent' } }
    : { defaults: { LOG_LEVEL: quietLevel(output.out) } }
  return readConfig(undefined, {
    ...logs,
    overrides: { ...logs.overrides, PORT: '0', HOST: '127.0.0.1' },
  })
}

function requireDomain(typed: string, config: Config): string {
  const answer = parseDomain(typed, (host) => config.hostMap.has(host))
  if (answer.ok) return answer.domain
  const host = /^https?:/i.test(typed) && URL.canParse(typed) ? new URL(typed).hostname : ''
  const advice = host === '' ? '' : ` Did you mean ${clean(host)}?`
  throw new UsageError(`${clean(answer.problem)}.${advice}`)
}

interface ReportOptions {
  readonly domain: string
  readonly command: string
  readonly json: boolean
  readonly output: Output
}

function report(outcome: AuditOutcome, { domain, command, json, output }: ReportOptions): ExitCode {
  switch (outcome.kind) {
    case 'interrupted':
      writeAfterInterrupt(output.err, interruptedLines(domain, outcome.executionId, command))
      return EXIT.failed
    case 'ended':
      throw endedBadly(outcome.status)
    case 'document':
      if (json) output.out.write(`${JSON.stringify(outcome.json, null, 2)}\n`)
      else writeLines(output.out, ['', ...renderAuditSummary(outcome.document, output.out)])
      writeLines(output.err, warnings(outcome.document, outcome.status !== null, command))
      return EXIT.ok
  }
}
