/** Turns what initdb, postgres and the operating system say into one sentence that says what to do. */
import type { Ended } from './processes.ts'

const USE_YOUR_OWN = 'or set DATABASE_URL to use a Postgres of your own'

interface Rule {
  readonly pattern: RegExp
  readonly advice: (match: RegExpExecArray) => string
}

/** First match wins; the patterns are messages of Postgres, the C library and the dynamic linker in English. */
const RULES: readonly Rule[] = [
  {
    pattern: /Address already in use|could not bind/i,
    advice: () => 'its port is taken by another program: stop that program, or choose another port',
  },
  {
    pattern: /No space left on device|Disk quota exceeded/i,
    advice: () => 'the disk is full: free some space (100 MB for a new database) and start again',
  },
  {
    pattern: /error while loading shared libraries: ([^\s:]+)/,
    advice: (match) =>
      `the library ${match[1]} is missing: reinstall with "npm ci", install the system package that provides it, ${USE_YOUR_OWN}`,
  },
  {
    pattern: /Library not loaded: (\S+)/,
    advice: (match) => `the library ${match[1]} is missing: reinstall with "npm ci", ${USE_YOUR_OWN}`,
  },
  {
    pattern: /version `?'?(GLIBC\w*_[\d.]+)/,
    advice: (match) =>
      `the C library of this system is too old (${match[1]} is needed): upgrade it, ${USE_YOUR_OWN}`,
  },
  {
    pattern: /database files are incompatible with server|incompatible with this version/i,
    advice: () => 'its data was written by another version: see the lines of its log',
  },
  {
    pattern: /has invalid permissions|has group or world access|has wrong ownership/i,
    advice: () =>
      'its data directory belongs to another account or is open to others: chown it to the account that runs Postgres and chmod it to 0700',
  },
  {
    pattern: /execution of the PostgreSQL server is not permitted|cannot be run as root/i,
    advice: () => 'Postgres refuses to run as root: run Rowbeat as an ordinary user',
  },
  {
    pattern: /Cannot allocate memory|could not map anonymous shared memory|could not create shared memory/i,
    advice: () => 'there is not enough memory: free some (about 200 MB), or lower shared_buffers',
  },
  {
    pattern: /Read-only file system/i,
    advice: () => 'the file system is read-only: point ROWBEAT_DATA_DIR at a directory that can be written',
  },
  {
    pattern: /Permission denied|EACCES/,
    advice: () =>
      'a file may not be read or written by the account that runs Postgres: correct its permissions, or point ROWBEAT_DATA_DIR elsewhere',
  },
]

/** One clause of advice for a text printed by Postgres or the system; null when nothing is known about it. */
export function adviceFor(text: string): string | null {
  for (const rule of RULES) {
    const match = rule.pattern.exec(text)
    if (match !== null) return rule.advice(match)
  }
  return null
}

/**
 * The error to throw when `program` ended otherwise than it should. `log` is what it wrote to its log, if it
 * has one; the last lines are quoted.
 */
export function programFailure(program: string, ended: Ended, log = ''): Error {
  const text = `${ended.output}\n${log}`.trim()
  if (ended.startError !== null) {
    const { message } = ended.startError
    return new Error(`Postgres cannot run: ${startAdvice(ended.startError)} (${message})`, {
      cause: ended.startError,
    })
  }
  const how = ended.signal === null ? `exit code ${ended.code}` : `signal ${ended.signal}`
  const advice = adviceFor(text) ?? `it ended with ${how}; its last lines may say why, ${USE_YOUR_OWN}`
  return new Error(`${program} failed: ${advice}.${quote(text)}`)
}

function startAdvice(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') {
    return `its program file, or the loader it needs (glibc; musl systems such as Alpine lack it), is missing: reinstall with "npm ci" without --ignore-scripts, ${USE_YOUR_OWN}`
  }
  if (error.code === 'EACCES') {
    return `its program file may not be executed: look at the permissions of node_modules and at "noexec" mounts, ${USE_YOUR_OWN}`
  }
  if (error.code === 'EPERM') {
    return `this process may not change to the account "postgres": run Rowbeat as an ordinary user, ${USE_YOUR_OWN}`
  }
  return `the system refused to start it, ${USE_YOUR_OWN}`
}

/** The last eight lines, at most 1,500 characters. */
function quote(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.length === 0 ? '' : `\n${lines.slice(-8).join('\n').slice(-1500)}`
}
