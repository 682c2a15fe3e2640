/** What the run was made on. */
import { readFile } from 'node:fs/promises'
import { cpus, release, totalmem, type } from 'node:os'
import type { Machine } from './results.ts'
import { readSettings, type Server } from './server.ts'

const PACKAGES = ['pg-boss', 'graphile-worker', '@dbos-inc/dbos-sdk', 'pg'] as const

export async function describeMachine(server: Server): Promise<Machine> {
  const processors = cpus()
  const versions: Record<string, string> = {
    Postgres: server.version,
    'Node.js': process.versions.node,
  }
  for (const name of PACKAGES) versions[name] = await versionOf(name)
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown processor',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${type()} ${release()}`,
    versions,
    settings: await readSettings(server.watchUrl),
  }
}

async function versionOf(name: string): Promise<string> {
  const text = await readFile(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8')
  const parsed: unknown = JSON.parse(text)
  if (typeof parsed !== 'object' || parsed === null || !('version' in parsed)) return 'unknown'
  return String(parsed.version)
}
