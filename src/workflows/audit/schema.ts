/** The audit's requests and answers. Field names are those of the API; shares and scores are 0..1 unless said. */
export * from './schema/document.ts'
export * from './schema/requests.ts'
export * from './schema/sites.ts'
export * from './schema/status.ts'
