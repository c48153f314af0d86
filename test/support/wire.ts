import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy on loopback that can be cut, or stall without closing anything. */
export class Wire {
  readonly url: string
  /** Ends when bytes were held back for the first time. */
  readonly stalled: Promise<void>
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isStalled = false
  #isDown = false
  #held: () => void = () => {}

  static async open(to: string): Promise<Wire> {
    const { hostname, port, protocol } = new URL(to)
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('The system gave no port.')
    const wire = new Wire(server, `${protocol}//127.0.0.1:${address.port}`)
    server.on('connection', near => (wire.#isDown ? near.resetAndDestroy() : wire.#join(near, connect(Number(port), hostname))))
    return wire
  }

  private constructor(server: Server, url: string) {
    this.#server = server
    this.url = url
    this.stalled = new Promise(resolve => {
      this.#held = resolve
    })
  }

  /** From now on nothing passes, also of connections made from now on, and none is closed. */
  stall(): void {
    this.#isStalled = true
  }

  /** Every connection there is breaks; new ones pass. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Every connection there is breaks, and so does each new one until `mend`. */
  down(): void {
    this.#isDown = true
    this.cut()
  }

  /** New connections pass. Those that stalled, and have lost bytes, break. */
  mend(): void {
    this.#isDown = false
    if (!this.#isStalled) return
    this.#isStalled = false
    this.cut()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #join(near: Socket, far: Socket): void {
    for (const [from, to] of [[near, far], [far, near]] as const) {
      this.#sockets.add(from)
      from.on('data', bytes => {
        if (this.#isStalled) this.#held()
        else to.write(bytes)
      })
      from.once('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      // A broken connection is closed right behind its error.
      from.on('error', () => to.destroy())
    }
  }
}
