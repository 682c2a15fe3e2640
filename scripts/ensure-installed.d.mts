/** How an installation ended; `output` is shown only when it did not go well. */
export interface Installation {
  ok: boolean
  output: string
}
export function isInstalled(root: string): boolean
export function ensureInstalled(root: string, install?: (root: string) => Installation): boolean
export function withLock<T>(path: string, work: () => T, waitMs?: number): T
export function checkNode(root: string, ownVersion?: string): void
