/** The audit's rows: everything it writes and reads, one file per noun. */
export * from './store/articles.ts'
export * from './store/competitors.ts'
export * from './store/data-status.ts'
export * from './store/document.ts'
export * from './store/profiles.ts'
export * from './store/scrapes.ts'
export { readNow } from './store/tables.ts'
export * from './store/trend-runs.ts'
