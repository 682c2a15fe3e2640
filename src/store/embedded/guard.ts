/**
 * A watchdog that stops the server when our process ends, even by kill -9: a shell of about one megabyte that
 * waits for the end of a pipe which only we hold open. The kernel closes it with our process.
 */
import { spawn } from 'node:child_process'
import { PROGRAM_ENV } from './processes.ts'

/** $1 data directory, $2 process id of its postmaster, the rest: paths to remove at the end. */
const SCRIPT = `
while read -r line; do :; done
cluster=$1 pid=$2
shift 2
lives() { [ "$(head -n 1 "$cluster/postmaster.pid" 2>/dev/null)" = "$pid" ] && kill -0 "$pid" 2>/dev/null; }
for signal in INT QUIT KILL; do
  lives || break
  kill -s "$signal" "$pid"
  tries=0
  while lives && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
done
[ "$#" -eq 0 ] || rm -rf -- "$@"
`

/** Ends the watchdog's wait; it then finds the server stopped, removes what it has to and exits. */
export interface Guard {
  release(): void
}

/** Starts the watchdog for the postmaster `pid` of `cluster`; `remove` are paths to delete after it ended. */
export function startGuard(cluster: string, pid: number, remove: readonly string[]): Guard {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'rowbeat-guard', cluster, String(pid), ...remove], {
    cwd: '/',
    env: PROGRAM_ENV,
    // Its own session: Ctrl-C in the terminal must not end the watchdog before what it watches.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  const { stdin } = child
  // A watchdog that was killed closes its end; nothing is ever written to it, so there is nothing to lose.
  stdin.on('error', () => stdin.destroy())
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
  return { release: () => stdin.destroy() }
}
