import type { SecretProvider } from './provider.ts'

/** Secrets in variables: `mask.key` is `TRIBUTARY_SECRET_MASK_KEY`. Names that differ in letter case and punctuation alone are the same variable; an empty one is none. */
export function environmentSecrets(variables: Readonly<Record<string, string | undefined>>): SecretProvider {
  return {
    where: name => `variable ${variableOf(name)}`,
    find: async (scope, name) => {
      scope.signal.throwIfAborted()
      return variables[variableOf(name)] || undefined
    },
  }
}

function variableOf(name: string): string {
  return `TRIBUTARY_SECRET_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`
}
