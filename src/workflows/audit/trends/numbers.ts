/** Small arithmetic that every stage shares. */

/** `value` held within 0..1; what is not a number reads as 0. */
export function clampShare(value: number): number {
  return value > 0 ? Math.min(1, value) : 0
}

/** Four decimals, so that stored scores compare and print alike everywhere. */
export function roundScore(value: number): number {
  return Math.round(value * 10_000) / 10_000
}

/** Order by code unit, the same on every machine and locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
