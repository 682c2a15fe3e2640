/**
 * Audits a real documentation site on loopback: `node scripts/bars/docsite.ts <folder of HTML> [host]`, or a Debian
 * package's name in place of the folder, which is downloaded and unpacked into a temporary folder. Prints what the
 * audit says, so that pages, words, language and keywords can be checked against the files by hand.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { startApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { AuditStatusResponse, SiteAuditResponse } from '../../src/workflows/audit/schema.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.htm': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.xml': 'application/xml',
}
const AUDIT_MAX_SECONDS = 900

const [wanted = 'postgresql-doc-15', host = 'docs.test'] = process.argv.slice(2)
const scratch = mkdtempSync(join(tmpdir(), 'rowbeat-docsite-'))
try {
  const root = existsSync(wanted) ? wanted : unpack(wanted)
  console.log(`${globSync('**/*.html', { cwd: root }).length} HTML files in ${root}`)
  await auditSite(root)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/** Downloads a Debian package; returns its folder that holds the most HTML under an index page. */
function unpack(name: string): string {
  if (!/^[a-z0-9][a-z0-9.+-]+$/.test(name)) throw new Error(`"${name}" is neither a folder nor a package`)
  const quiet = { cwd: scratch, stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'] }
  execFileSync('apt-get', ['download', '-o', 'APT::Sandbox::User=root', name], quiet)
  const [archive] = globSync('*.deb', { cwd: scratch })
  if (archive === undefined) throw new Error(`${name} was not downloaded`)
  execFileSync('dpkg', ['-x', archive, 'files'], quiet)
  const files = join(scratch, 'files')
  const roots = globSync('**/index.html', { cwd: files })
    .map((path) => join(files, path, '..'))
    .map((path) => ({ path, pages: globSync('**/*.html', { cwd: path }).length }))
    .sort((a, b) => b.pages - a.pages || b.path.length - a.path.length)
  const best = roots[0]
  if (best === undefined) throw new Error(`${name} holds no index.html`)
  return best.path
}

/** Serves a folder's files, an index page for a folder, 404 for the rest. */
async function serveFolder(root: string) {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://site').pathname))
      const asked = join(root, path)
      const file = existsSync(asked) && statSync(asked).isDirectory() ? join(asked, 'index.html') : asked
      if (!file.startsWith(root) || !existsSync(file)) {
        response.writeHead(404, { 'content-type': 'text/html' }).end('<title>Not found</title>')
        return
      }
      const body = await readFile(file)
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' })
      response.end(request.method === 'HEAD' ? undefined : body)
    }
    answer().catch(() => response.writeHead(500).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

async function auditSite(root: string): Promise<void> {
  const server = await serveFolder(root)
  const { port } = server.address() as AddressInfo
  const app = await startApp(
    readConfig({
      PORT: '0',
      LOG_LEVEL: 'warn',
      ROWBEAT_DATA_DIR: join(scratch, 'data'),
      OUTBOUND_HOST_MAP: `${host}=127.0.0.1:${port}`,
    }),
    { api: true, poller: true, guard: true },
  )
  try {
    const begun = performance.now()
    const status = await runAudit(`${app.url}/api/v1/sites/${host}/audit`)
    console.log(`\n${status.overall_status} after ${((performance.now() - begun) / 1000).toFixed(1)} s`)
    for (const step of status.workflow_steps) {
      const why =
        step.error_code === null ? '' : `${step.error_code}: ${step.error_message ?? step.skip_reason}`
      console.log(
        `  ${step.status.padEnd(10)} ${step.name.padEnd(22)} ${step.duration_seconds ?? 0} s  ${why}`,
      )
    }
    const answer = await fetch(`${app.url}/api/v1/sites/${host}/audit`)
    if (answer.status === 200) showDocument(SiteAuditResponse.parse(await answer.json()))
    await showStored(app.databaseUrl)
  } finally {
    await app.stop(0)
    server.closeAllConnections()
    server.close()
  }
}

async function runAudit(url: string): Promise<AuditStatusResponse> {
  const started = await fetch(url, { method: 'POST' })
  const location = new URL(started.headers.get('location') ?? '', url)
  const deadline = performance.now() + AUDIT_MAX_SECONDS * 1000
  while (performance.now() < deadline) {
    const status = AuditStatusResponse.parse(await (await fetch(location)).json())
    if (status.end_time !== null) return status
    await pause(500)
  }
  throw new Error(`the audit did not end within ${AUDIT_MAX_SECONDS} s`)
}

function showDocument(document: SiteAuditResponse): void {
  console.log(`\nThemes: ${document.domains.map((one) => `${one.label} (${one.confidence} %)`).join(' · ')}`)
  console.log(`Style: ${Object.values(document.profile.style).join(' · ')}`)
  console.log(
    `Audience: ${document.audience.type}, ${document.audience.level}, ${document.audience.sectors.join(', ')}`,
  )
  console.log(`Topics: ${document.trending_topics?.topics.map((one) => one.title).join(' · ') ?? 'none'}`)
  for (const issue of document.issues) console.log(`Issue ${issue.code}: ${issue.message}`)
}

async function showStored(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows: profiles } = await client.query(
      `select language, languages, language_level, tone, readability, pages_analyzed, total_words,
              (select string_agg((k->>'term') || ' ' || (k->>'count') || '×/' || (k->>'pages') || ' p', ', ')
               from jsonb_array_elements(keywords) with ordinality as one (k, at) where at <= 20) as keywords
       from rowbeat.site_profiles`,
    )
    console.log('\nProfile:', profiles[0])
    const { rows: pages } = await client.query(
      `select url, status, word_count, extraction, problem_code, title from rowbeat.site_pages order by position`,
    )
    console.table(pages)
    const { rows: articles } = await client.query(
      `select count(*)::int as articles, sum(word_count)::int as words, count(duplicate_of)::int as near_duplicates,
              count(published_at)::int as dated
       from rowbeat.articles`,
    )
    console.table(articles)
  } finally {
    await client.end()
  }
}
