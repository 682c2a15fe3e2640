/** Texts made comparable: lower case, no accents, words only. */

/** Lower case without accents; `œ` and `æ` are spelled out. */
export function fold(text: string): string {
  return text.toLowerCase().replace(/œ/g, 'oe').replace(/æ/g, 'ae').normalize('NFD').replace(/\p{M}/gu, '')
}

/** The folded words of a text separated by one space; punctuation and hyphens count as spaces. */
export function foldWords(text: string): string {
  return fold(text)
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}
