/**
 * What an idle daemon costs: memory, CPU and queries a second, over 60 s or as many seconds as the first argument
 * says. Starts its own embedded Postgres and a whole daemon (API and poller) in a process of its own; what Postgres
 * itself needs is not counted, nor the queries of this script.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { startEmbedded } from '../../src/store/embedded.ts'

const SETTLE_SECONDS = 20
/** Clock ticks a second of /proc, which Linux fixes for user space. */
const TICKS = 100
const BARS = { memoryMiB: 150, cpuPercent: 1, queriesPerSecond: 2 }

const seconds = Math.min(3600, Math.max(5, Number(process.argv[2] ?? 60)))
const server = await startEmbedded({
  dataDir: join(tmpdir(), `rowbeat-idle-${process.pid}`),
  temporary: true,
  settings: { shared_preload_libraries: 'pg_stat_statements' },
})
const program = join(import.meta.dirname, '../../src/main.ts')
const CACHE =
  process.env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }
const flags = (process.env.NODE_FLAGS ?? '').split(' ').filter((flag) => flag !== '')
const daemon = spawn(process.execPath, [...flags, program, 'start'], {
  env: { ...CACHE, PATH: process.env.PATH, PORT: '0', DATABASE_URL: server.url, LOG_LEVEL: 'warn' },
  stdio: ['ignore', 'inherit', 'inherit'],
})
const pid = daemon.pid ?? 0

/** Seconds of CPU that the daemon has used, user and system together. */
function cpuSeconds(): number {
  // The second field is the program's name in brackets and may hold spaces: count from behind it.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

function residentMiB(): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kibibytes) / 1024
}

/** How often each statement was run in this database; those of the script name what they read. */
async function readStatements(client: pg.Client): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ query: string; calls: string }>(
    `select s.query, sum(s.calls) as calls
     from pg_stat_statements s
     where s.dbid = (select d.oid from pg_database d where d.datname = current_database())
       and s.query not like '%pg_stat_statements%'
     group by s.query`,
  )
  return new Map(rows.map((row) => [row.query, Number(row.calls)]))
}

const client = new pg.Client({ connectionString: server.url })
await client.connect()
await client.query('create extension if not exists pg_stat_statements')
try {
  await pause(SETTLE_SECONDS * 1000)
  const statementsBefore = await readStatements(client)
  const cpuBefore = cpuSeconds()
  const begun = performance.now()
  const memory: number[] = []
  while (performance.now() - begun < seconds * 1000) {
    await pause(Math.min(1000, seconds * 1000 - (performance.now() - begun)))
    memory.push(residentMiB())
  }
  const elapsed = (performance.now() - begun) / 1000
  const cpu = (100 * (cpuSeconds() - cpuBefore)) / elapsed
  const statementsAfter = await readStatements(client)
  const counts = [...statementsAfter].map(
    ([query, calls]) => [query, calls - (statementsBefore.get(query) ?? 0)] as const,
  )
  const queries = counts.reduce((sum, [, calls]) => sum + calls, 0) / elapsed
  const peak = Math.max(...memory)
  const line = (what: string, value: string, bar: string, ok: boolean): string =>
    `${what.padEnd(20)} ${value.padStart(10)}   bar ${bar.padEnd(10)} ${ok ? 'met' : 'MISSED'}`
  console.log(`Idle for ${elapsed.toFixed(0)} s, ${SETTLE_SECONDS} s after the start:`)
  console.log(
    line('memory, peak RSS', `${peak.toFixed(1)} MiB`, `${BARS.memoryMiB} MiB`, peak < BARS.memoryMiB),
  )
  console.log(line('CPU of one core', `${cpu.toFixed(2)} %`, `${BARS.cpuPercent} %`, cpu < BARS.cpuPercent))
  console.log(
    line('queries/s', queries.toFixed(2), `${BARS.queriesPerSecond}`, queries <= BARS.queriesPerSecond),
  )
  console.log('\nQueries by statement:')
  for (const [query, calls] of counts
    .filter(([, one]) => one > 0)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 10)) {
    console.log(`${String(calls).padStart(6)}  ${query.replace(/\s+/g, ' ').slice(0, 90)}`)
  }
} finally {
  await client.end()
  daemon.kill('SIGTERM')
  await once(daemon, 'exit')
  await server.stop()
}
