/** The rules of who may import what, as data, and the sentences for what breaks them. */
import { posix } from 'node:path'
import { type Import, readSyntax, type Syntax } from './syntax.ts'

export interface Source {
  /** From the project's root, with slashes, for instance `src/core/retry.ts`. */
  readonly path: string
  readonly text: string
}

const LINES_MAX = 400

/** Which rooms each room may enter, itself not counted. A file directly under src is a room of its own. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ['core'],
  store: ['core'],
  outbound: ['core'],
  telemetry: ['core'],
  workflows: ['core'],
  engine: ['core', 'store'],
  http: ['core', 'store', 'engine'],
  dashboard: ['core', 'store', 'engine', 'http'],
  app: ['core', 'config', 'store', 'outbound', 'telemetry', 'workflows', 'engine', 'http', 'dashboard'],
  cli: ['core', 'config', 'workflows', 'app'],
  main: [
    'core',
    'config',
    'store',
    'outbound',
    'telemetry',
    'workflows',
    'engine',
    'http',
    'dashboard',
    'app',
    'cli',
  ],
}

/** Files outside of src that a room may load: the demo is started by its own command and never by the daemon. */
const OUTSIDE_DOORS: Readonly<Record<string, readonly string[]>> = { cli: ['demo/start.ts'] }

/** Rooms that may name the types of another room's files but run nothing of it. */
const TYPE_DOORS: readonly { readonly room: string; readonly file: RegExp; readonly why: string }[] = [
  {
    room: 'telemetry',
    file: /^src\/(engine\/.*events?|store\/(claims|kept-server|reports))\.ts$/,
    why: 'it subscribes to the events of the engine, which speak of claims and snapshots, and of the embedded server',
  },
]

/** Single files that a room may run of another, because what they declare belongs to both. */
const FILE_DOORS: Readonly<Record<string, RegExp>> = {
  // The settings of a workflow are written beside it; the one reader of the environment gathers them.
  config: /^src\/(workflows\/[^/]+\/settings|outbound\/host-map)\.ts$/,
}

/** Files that print statements for a person to run, and run none. */
const PRINTS_SQL = ['src/cli/look-around.ts']

/** Packages that compute and do nothing else, so that core may run them. */
const PURE_PACKAGES = ['zod', 'croner', 'node:crypto', 'node:util', 'node:assert']
const DATABASE_PACKAGES = ['pg', 'kysely']
const CLOCKS_AND_CHANCE = ['Date.now', 'Math.random', 'performance.now']
const BUILDER_CALLS = ['selectFrom', 'insertInto', 'updateTable', 'deleteFrom', 'replaceInto', 'mergeInto']

/** Text that starts like a statement; a sentence starts with one capital letter and is none. */
const STATEMENTS = [
  /^\s*(with\s+(recursive\s+)?\w+\s+as|select\s[\s\S]*\sfrom|insert\s+into|update\s[\s\S]*\sset|delete\s+from|create\s+(table|index|unique|view|function)|alter\s+table|drop\s+(table|index))\s/,
  /^\s*(WITH\s+(RECURSIVE\s+)?\w+\s+AS|SELECT\s[\s\S]*\sFROM|INSERT\s+INTO|UPDATE\s[\s\S]*\sSET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX|UNIQUE|VIEW|FUNCTION)|ALTER\s+TABLE|DROP\s+(TABLE|INDEX))\s/,
]

/** One sentence for every rule that a source breaks, in the order of the sources. */
export function findWrongDoors(sources: readonly Source[]): readonly string[] {
  return sources.flatMap((source) => checkSource(source).map((problem) => `${source.path} ${problem}`))
}

function checkSource({ path, text }: Source): readonly string[] {
  const room = roomOf(path)
  if (!(room in DOORS))
    return [
      `is in the room "${room}", which is not in the table of doors: add it there, with what it may enter.`,
    ]
  const syntax = tryRead(text)
  if (typeof syntax === 'string') return [`is no TypeScript: ${syntax}.`]
  return [
    ...checkLength(text),
    ...syntax.imports.flatMap((one) => checkImport(path, room, one)),
    ...(room === 'core' ? checkPurity(syntax) : []),
    ...(path === 'src/config.ts' ? [] : checkEnvironment(syntax)),
    ...(mayHoldSql(path) ? [] : checkSql(syntax)),
    ...(syntax.usesAny ? ['uses the type "any": say what it is, or "unknown".'] : []),
  ]
}

/** The syntax, or why there is none. */
function tryRead(text: string): Syntax | string {
  try {
    return readSyntax(text)
  } catch (error) {
    return error instanceof Error ? shorten(error.message) : 'it cannot be parsed'
  }
}

function roomOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '')
}

function workflowOf(path: string): string | undefined {
  return path.split('/')[2]
}

function mayHoldSql(path: string): boolean {
  return (
    path.startsWith('src/store/') ||
    PRINTS_SQL.includes(path) ||
    /^src\/workflows\/[^/]+\/store(\.ts$|\/)/.test(path)
  )
}

function checkLength(text: string): readonly string[] {
  const lines = text.replace(/\n$/, '').split('\n').length
  return lines > LINES_MAX ? [`has ${lines} lines, more than ${LINES_MAX}: split it by its nouns.`] : []
}

function checkImport(path: string, room: string, one: Import): readonly string[] {
  if (one.from.startsWith('.') || one.from.startsWith('/')) return checkDoor(path, room, one)
  const name = packageOf(one.from)
  if (room === 'core' && !one.typeOnly && !PURE_PACKAGES.includes(name)) {
    return [`imports "${one.from}", but core is pure: import its types only, or do the work in another room.`]
  }
  if (room === 'workflows' && name === 'pg') {
    return ['imports "pg": a workflow is handed its database through its context.']
  }
  if (DATABASE_PACKAGES.includes(name) && !one.typeOnly && !mayHoldSql(path)) {
    return [`imports "${name}": only store and a workflow's store.ts talk to the database.`]
  }
  if (/^(node:)?process$/.test(one.from) && path !== 'src/config.ts' && one.names.includes('env')) {
    return ['imports the environment from "process": only src/config.ts reads it.']
  }
  return []
}

function checkDoor(path: string, room: string, one: Import): readonly string[] {
  const target = posix.normalize(posix.join(posix.dirname(path), one.from))
  if (OUTSIDE_DOORS[room]?.includes(target)) return []
  if (!target.startsWith('src/')) return [`imports ${target}, which is outside of src.`]
  const other = roomOf(target)
  if (other === room) {
    const isForeign = room === 'workflows' && workflowOf(target) !== workflowOf(path)
    return isForeign ? [`imports ${target}: a workflow is whole in itself and imports no other.`] : []
  }
  if (DOORS[room]?.includes(other) || FILE_DOORS[room]?.test(target)) return []
  const exception = TYPE_DOORS.find((door) => door.room === room && door.file.test(target))
  if (exception !== undefined && one.typeOnly) return []
  const may = DOORS[room]?.join(', ') || 'no other room'
  return [
    `imports ${target}, but ${room} may enter ${may}${exception === undefined ? '' : ' (types of that file are fine)'}.`,
  ]
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier.split('/')[0] ?? specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function checkPurity(syntax: Syntax): readonly string[] {
  const problems = CLOCKS_AND_CHANCE.filter((name) =>
    syntax.members.some((used) => isOrUnder(used, name)),
  ).map((name) => `uses ${name}, but core has no clock and no chance: have it handed in.`)
  if (syntax.readsDate)
    problems.push('uses new Date() without an argument, but core has no clock: have the time handed in.')
  if (syntax.members.some((used) => used.startsWith('process.')))
    problems.push('uses "process", but core knows no machine.')
  if (syntax.calls.includes('fetch')) problems.push('calls fetch, but core does no I/O.')
  return problems
}

function checkEnvironment(syntax: Syntax): readonly string[] {
  const reads = syntax.members.some((used) => isOrUnder(used.replace(/^globalThis\./, ''), 'process.env'))
  return reads ? ['reads process.env: only src/config.ts does; take the setting as an argument.'] : []
}

function checkSql(syntax: Syntax): readonly string[] {
  const where = "only store and a workflow's store.ts hold SQL."
  const statement = syntax.texts.find((text) => STATEMENTS.some((pattern) => pattern.test(text)))
  const call = syntax.calls
    .map((name) => name.split('.').at(-1) ?? '')
    .find((name) => BUILDER_CALLS.includes(name))
  return [
    ...(syntax.tags.some((tag) => isOrUnder(tag, 'sql')) ? [`holds an sql template: ${where}`] : []),
    ...(statement === undefined ? [] : [`holds the statement "${shorten(statement)}": ${where}`]),
    ...(call === undefined ? [] : [`calls ${call}: ${where}`]),
  ]
}

function isOrUnder(used: string, name: string): boolean {
  return used === name || used.startsWith(`${name}.`)
}

function shorten(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ')
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}
