import { connect, createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net'

/** A way to the cluster that can be closed and opened. */
export async function gate(place: string, port = 0): Promise<{ readonly port: number; close(): Promise<void> }> {
  const [host = '127.0.0.1', target = '10800'] = place.split(':')
  const sockets = new Set<Socket>()
  const proxy: TcpServer = createServer(from => {
    const to = connect(Number(target), host)
    for (const socket of [from, to]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        from.destroy()
        to.destroy()
      })
    }
    from.pipe(to)
    to.pipe(from)
  })
  await new Promise<void>(resolve => proxy.listen(port, '127.0.0.1', resolve))
  return {
    port: (proxy.address() as AddressInfo).port,
    close: () => new Promise<void>(resolve => {
      proxy.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    }),
  }
}
