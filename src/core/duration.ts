/** Durations are plain numbers of seconds; these say so where one is written down. */
export const seconds = (n: number): number => n
export const minutes = (n: number): number => n * 60
export const hours = (n: number): number => n * 3600
export const days = (n: number): number => n * 86_400
