/**
 * Milliseconds of the machine's monotonic clock. Node reads CLOCK_MONOTONIC, which counts from the boot of the
 * machine and not of the process, so times taken in different processes of one machine may be subtracted.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
