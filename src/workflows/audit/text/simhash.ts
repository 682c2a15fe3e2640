/** Near-duplicates by 64-bit SimHash (Charikar 2002; Manku, Jain and Das Sarma 2007). */
import { words } from './tokens.ts'

/** Bits by which two near-duplicates may differ at most. */
const NEAR_DISTANCE = 3
const EMPTY = '0000000000000000'
const MAX_WORDS = 20_000

/**
 * 64-bit fingerprint of a text as 16 hex digits, over its shingles of one and two words, each weighted by how
 * often it occurs. Case, punctuation and whitespace do not count. A text without words gives all zeros.
 */
export function simhash(text: string): string {
  const list = words(text).slice(0, MAX_WORDS)
  if (list.length === 0) return EMPTY
  const sums = new Int32Array(64)
  list.forEach((word, index) => {
    addShingle(sums, word)
    const next = list[index + 1]
    if (next !== undefined) addShingle(sums, `${word} ${next}`)
  })
  return `${hexOf(sums, 32)}${hexOf(sums, 0)}`
}

/** Number of bits in which two fingerprints of 16 hex digits differ, 0..64. */
export function hammingDistance(a: string, b: string): number {
  return bitsOf(a, b, 0) + bitsOf(a, b, 8)
}

/** True when two fingerprints differ in at most 3 bits; texts without words resemble nothing. */
export function isNearDuplicate(a: string, b: string): boolean {
  return a !== EMPTY && b !== EMPTY && hammingDistance(a, b) <= NEAR_DISTANCE
}

function addShingle(sums: Int32Array, shingle: string): void {
  const low = hash32(shingle, 0x811c9dc5)
  const high = hash32(shingle, 0x9e3779b9)
  for (let bit = 0; bit < 32; bit += 1) {
    sums[bit] = (sums[bit] ?? 0) + ((low >>> bit) & 1 ? 1 : -1)
    sums[bit + 32] = (sums[bit + 32] ?? 0) + ((high >>> bit) & 1 ? 1 : -1)
  }
}

/** FNV-1a over UTF-16 units, finished with the mixer of MurmurHash3 so that every bit depends on all of them. */
function hash32(text: string, seed: number): number {
  let hash = seed
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function hexOf(sums: Int32Array, from: number): string {
  let value = 0
  for (let bit = 0; bit < 32; bit += 1) if ((sums[from + bit] ?? 0) > 0) value |= 1 << bit
  return (value >>> 0).toString(16).padStart(8, '0')
}

function bitsOf(a: string, b: string, from: number): number {
  let rest =
    (Number.parseInt(a.slice(from, from + 8), 16) ^ Number.parseInt(b.slice(from, from + 8), 16)) >>> 0
  let count = 0
  while (rest !== 0) {
    rest &= rest - 1
    count += 1
  }
  return count
}
