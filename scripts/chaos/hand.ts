/** Edits by hand are told from the engine's by the name of their application. */

/** Name under which the nemesis plays a person with psql. */
export const HAND = 'psql'

export function isHand(move: { readonly application: string }): boolean {
  return move.application === HAND
}
