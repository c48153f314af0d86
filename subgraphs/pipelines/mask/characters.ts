const stays = /^[\p{P}\p{Zs}+]$/u

/** Whether a character says nothing of a value but its form: punctuation, space or "+". Letters, digits and all others may say more. */
export function isForm(character: string): boolean {
  return stays.test(character)
}
