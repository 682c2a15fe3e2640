/** The text of an HTTP answer, never more than asked for. */

/** The first `maxBytes` bytes of the body as UTF-8; the rest is not waited for. */
export async function readAnswerText(
  response: Response,
  maxBytes: number,
): Promise<{ text: string; whole: boolean }> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    const room = maxBytes - bytes
    text += decoder.decode(chunk.subarray(0, room), { stream: true })
    bytes += chunk.byteLength
    // Leaving the loop cancels the body.
    if (bytes > maxBytes) return { text, whole: false }
  }
  return { text: text + decoder.decode(), whole: true }
}
