import { execFile, spawn } from 'node:child_process'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import pg from 'pg'
import { insteadOfRoot } from '../../ops/engines/apt.ts'
import { installedPostgres } from '../../ops/engines/postgres.ts'
import { eventually } from './eventually.ts'

const run = promisify(execFile)

/** Folder of the newest installed server's programs; undefined: none is installed. */
export const postgresBin: string | undefined = installedPostgres()

export interface PostgresServer {
  /** As the superuser, on loopback. */
  readonly url: string
  readonly port: number
  readonly password: string
  /** Runs statements as the superuser. */
  exec(sql: string): Promise<void>
  /** Ends it at once, as a lost machine would; what was committed is on the disk. */
  kill(): Promise<void>
  /** Starts it again on the same port and data, after a kill. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** A new database cluster in a temporary folder, with its server on loopback. The server refuses to run as root: root hands it to the user `postgres`. `settings` are the server's own. */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  if (!postgresBin) throw new Error('There is no PostgreSQL. Run: npm run engines:postgres')
  const folder = await mkdtemp(join(tmpdir(), 'tributary-pg-'))
  const user = insteadOfRoot('postgres')
  const as = user ? { uid: user.uid, gid: user.gid } : {}
  if (user) await chown(folder, user.uid, user.gid)
  const password = 's3cret/p@ss'
  const passwordFile = join(folder, 'password')
  await run('sh', ['-c', 'printf %s "$0" > "$1"', password, passwordFile], as)
  await run(join(postgresBin, 'initdb'), ['-D', join(folder, 'data'), '-U', 'hub', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'], { ...as, cwd: folder })

  const port = await freePort()
  const program = join(postgresBin, 'postgres')
  const options = ['-D', join(folder, 'data'), '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-F', ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const begin = async () => {
    const server = spawn(program, options, { ...as, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = new Promise<void>(resolve => server.once('exit', () => resolve()))
    let log = ''
    await new Promise<void>((resolve, reject) => {
      server.stderr.setEncoding('utf8').on('data', text => {
        log += text
        if (log.includes('database system is ready to accept connections')) resolve()
      })
      server.once('exit', code => reject(new Error(`PostgreSQL ended with ${code} before it was ready:\n${log}`)))
    })
    const end = (signal: NodeJS.Signals) => {
      server.kill(signal)
      return ended
    }
    return end
  }
  let end = await begin()
  const url = `postgresql://hub:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`

  return {
    url, port, password,
    async exec(sql) {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      try {
        await client.query(sql)
      } finally {
        await client.end()
      }
    },
    kill: () => end('SIGKILL'),
    async start() {
      // Processes of the killed server may still be leaving, and hold what the new one needs.
      await eventually('PostgreSQL starts again', async () => {
        const begun = await begin().catch((error: unknown) => {
          if (/shared memory block|lock file/.test(String(error))) return undefined
          throw error
        })
        if (begun) end = begun
        return begun !== undefined
      }, 120_000)
    },
    async stop() {
      await end('SIGINT')
      await rm(folder, { recursive: true })
    },
  }
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('The system gave no port.')
  return address.port
}

/** A server of one group of tests. */
export interface OwnPostgres {
  /** Only once the tests run. */
  readonly server: PostgresServer
  /** The address of a database without anything in it. */
  emptyDatabase(): Promise<string>
  /** Two handles on such a database, and more of them on demand; all are closed at the end. */
  handles<T extends { close(): Promise<void> }>(open: (url: string) => Promise<T>): Promise<{ readonly url: string; readonly first: T; readonly second: T; readonly reopen: () => Promise<T>; readonly close: () => Promise<void> }>
}

/** Tests with a server of their own; skipped, with the reason in their name, where none is installed. */
export function withOwnPostgres(tests: (own: OwnPostgres) => void): void {
  const suite = postgresBin ? describe : describe.skip
  suite('needs PostgreSQL: server programs below /usr/lib/postgresql', () => {
    let started: PostgresServer | undefined
    let databases = 0
    beforeAll(async () => {
      started = await startPostgres()
    })
    afterAll(() => started?.stop())

    const own: OwnPostgres = {
      get server() {
        if (!started) throw new RangeError('The server starts with the tests.')
        return started
      },
      async emptyDatabase() {
        const name = `own_${++databases}`
        await own.server.exec(`CREATE DATABASE ${name}`)
        return own.server.url.replace(/postgres$/, name)
      },
      async handles<T extends { close(): Promise<void> }>(open: (url: string) => Promise<T>) {
        const url = await own.emptyDatabase()
        const all: T[] = []
        const reopen = async () => {
          const opened = await open(url)
          all.push(opened)
          return opened
        }
        const [first, second] = [await reopen(), await reopen()]
        return { url, first, second, reopen, close: async () => void (await Promise.all(all.map(each => each.close()))) }
      },
    }
    tests(own)
  })
}
