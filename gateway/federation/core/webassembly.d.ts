/** What is used of WebAssembly's JavaScript interface, which Node.js has and its types leave to those of browsers. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }

  class Instance {
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>)
    readonly exports: unknown
  }

  class Memory {
    /** Sizes in pages of 64 KiB. */
    constructor(size: { readonly initial: number; readonly maximum: number })
    /** Replaced when the memory grows. */
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }

  class RuntimeError extends Error {}
}
