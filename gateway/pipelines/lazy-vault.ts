import type { RevealLog } from '../../connectors/ports/reveal-log.ts'
import type { TokenVault } from '../../connectors/ports/token-vault.ts'

type OpenedTokenVault = TokenVault & RevealLog & { close(): Promise<void> }

/** The vault, opened by the first who has tokens. */
export class LazyVault implements TokenVault, RevealLog {
  readonly #open: () => Promise<OpenedTokenVault>
  #vault: Promise<OpenedTokenVault> | undefined

  constructor(open: () => Promise<OpenedTokenVault>) {
    this.#open = open
  }

  async put(...given: Parameters<TokenVault['put']>): Promise<void> {
    await (await this.#opened()).put(...given)
  }

  async find(...given: Parameters<TokenVault['find']>): ReturnType<TokenVault['find']> {
    return (await this.#opened()).find(...given)
  }

  async append(...given: Parameters<RevealLog['append']>): Promise<void> {
    await (await this.#opened()).append(...given)
  }

  async attempts(...given: Parameters<RevealLog['attempts']>): ReturnType<RevealLog['attempts']> {
    return (await this.#opened()).attempts(...given)
  }

  async close(): Promise<void> {
    await (await this.#vault?.catch(() => undefined))?.close()
  }

  #opened(): Promise<OpenedTokenVault> {
    this.#vault ??= this.#open()
    return this.#vault
  }
}
