/** Text as windows-1252 bytes, the old code page that French sites still carry. */

const BYTE_OF = new Map<string, number>(
  Array.from({ length: 256 }, (_, byte) => [
    new TextDecoder('windows-1252').decode(Uint8Array.of(byte)),
    byte,
  ]),
)

/** HTML in windows-1252; a character outside the code page becomes a numeric reference. */
export function encodeWindows1252(html: string): Buffer {
  const bytes: number[] = []
  for (const character of html) {
    const byte = BYTE_OF.get(character)
    if (byte !== undefined) bytes.push(byte)
    else bytes.push(...Buffer.from(`&#${character.codePointAt(0)};`, 'latin1'))
  }
  return Buffer.from(bytes)
}
