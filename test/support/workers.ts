import { Agent, request } from 'node:http'
import { catalogFolder } from './catalog-folder.ts'
import { eventually } from './eventually.ts'
import { type Running, startProgram } from './program.ts'

export interface Asked {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what came
  readonly body: any
}

/** One client with one connection, which stays with the worker that took it. */
export interface Client {
  ask(query: string, options?: { readonly variables?: unknown; readonly headers?: Readonly<Record<string, string>> }): Promise<Asked>
  send(path: string, options?: { readonly method?: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }): Promise<Asked>
  leave(): void
}

export interface Workers {
  readonly url: string
  readonly program: Running
  /** Of the processes that serve now, by their numbers. */
  pids(): readonly number[]
  client(): Client
  /** Of requests that were answered so far: by a worker itself, or by the owner. */
  answeredBy(requestId: string): Promise<'worker' | 'owner'>
  /** Ends when as many serve as were wanted. */
  complete(): Promise<void>
  /** Stops what is left of it, and removes its data. */
  close(): Promise<void>
}

/** The program with so many workers, all of them serving, over a catalog of its own. The fast path is on whatever other tests take: without it workers answer nothing themselves. */
export async function startWorkers(catalog: string | Readonly<Record<string, string>>, { count = 2, flags = [], env = {} }: { readonly count?: number; readonly flags?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {}): Promise<Workers> {
  const folder = catalogFolder(typeof catalog === 'string' ? { 'hub.yaml': catalog } : catalog)
  const program = startProgram(['start', 'hub.yaml', '--port=0', `--workers=${count}`, `--data=${folder.folder}/data`, ...flags], { cwd: folder.folder, env: { TMPDIR: folder.folder, HUB_FAST_PATH: 'true', ...env } })
  let written = ''
  program.heard(text => { written += text })
  const [, url = ''] = await program.written(/GraphQL {3}(http:\S+)\/graphql/)
  return {
    url, program,
    pids() {
      const serving = new Map<number, number>()
      for (const [, pid, number] of written.matchAll(/"worker":(\d+),"pid":(\d+),"message":"Worker \d+ serves/g)) serving.set(Number(pid), Number(number))
      return [...serving.entries()].toSorted(([a], [b]) => a - b).map(([, pid]) => pid)
    },
    client: () => clientOf(url),
    async answeredBy(requestId) {
      const [line] = await program.written(new RegExp(`^.*"requestId":"${requestId}".*"message":"request".*$`, 'm'))
      return line.includes('"worker":') ? 'worker' : 'owner'
    },
    complete: () => eventually(`${count} workers serve`, async () => {
      const client = clientOf(url)
      const { text } = await client.send('/metrics').finally(() => client.leave())
      return new RegExp(`^hub_workers ${count}$`, 'm').test(text)
    }, 30_000),
    async close() {
      await program.stop('SIGKILL')
      folder.remove()
    },
  }
}

function clientOf(url: string): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const send: Client['send'] = (path, { method = 'GET', headers = {}, body } = {}) => new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { agent, method, headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) } }, answer => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const isJson = String(answer.headers['content-type']).includes('json')
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, body: isJson && text !== '' ? JSON.parse(text) : undefined })
      })
    })
    asked.on('error', reject)
    asked.end(body)
  })
  return {
    send,
    ask: (query, { variables = {}, headers = {} } = {}) => send('/graphql', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ query, variables }) }),
    leave: () => agent.destroy(),
  }
}
