import { once } from 'node:events'
import { WebSocket } from 'ws'
import { metricsOf } from '../metrics.ts'
import type { Server } from '../processes.ts'

/** What a server holds, in MB, by its own metrics. */
export interface Held {
  readonly heapMb: number
  /** Memory of objects outside of the heap: buffers. */
  readonly externalMb: number
  readonly residentMb: number
}

/** How long a full collection may take. */
const patienceMs = 60_000

/** After a full collection, which the server is asked for through its inspector on that port of the loopback. */
export async function heldBy(server: Server, inspectorPort: number): Promise<Held> {
  await collectGarbage(inspectorPort)
  const figures = await metricsOf(server.url)
  const mb = (name: string) => figures(name) / 2 ** 20
  return { heapMb: mb('nodejs_heap_size_used_bytes'), externalMb: mb('nodejs_external_memory_bytes'), residentMb: mb('process_resident_memory_bytes') }
}

/** Chrome DevTools protocol: the first target of /json/list, `HeapProfiler.collectGarbage`, its answer. */
async function collectGarbage(port: number): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs)
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`, { signal })).json()) as readonly { readonly webSocketDebuggerUrl: string }[]
  if (!target) throw new Error(`The inspector on port ${port} has nothing to inspect.`)
  const socket = new WebSocket(target.webSocketDebuggerUrl)
  try {
    await once(socket, 'open', { signal })
    socket.send(JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' }))
    const [answer] = (await once(socket, 'message', { signal })) as [Buffer]
    const { error } = JSON.parse(String(answer)) as { readonly error?: { readonly message: string } }
    if (error) throw new Error(`The inspector collects no garbage: ${error.message}`)
  } finally {
    socket.close()
  }
}
