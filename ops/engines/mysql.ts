import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { insteadOfRoot, install } from './apt.ts'
import type { Engine, EngineNode, Launch, Site } from './engine.ts'
import { run } from './program.ts'

const server = '/usr/sbin/mariadbd'
/** Makes the system's tables; it needs a program of the clients. */
const initialize = '/usr/bin/mariadb-install-db'
const openssl = '/usr/bin/openssl'
const owner = 'tributary'

/**
 * MariaDB, which speaks MySQL's protocol and is what Debian has of it: the server's programs alone, without the package that makes a service of them. Not on MySQL's own port. It speaks TLS to who asks for it, with a certificate that nobody signed.
 */
export const mysql: Engine = {
  name: 'mysql',
  ports: () => ({ client: 13_306 }),

  async fetch(site) {
    if (![server, initialize, '/usr/bin/my_print_defaults', openssl].every(existsSync)) await install(site, 'mysql', 'mariadb-server-core', 'mariadb-client-core', 'openssl')
  },

  async launch(site, node): Promise<Launch> {
    const user = insteadOfRoot('nobody')
    const { folder, password } = await databaseOf(site, node)
    const settings = {
      datadir: join(folder, 'data'), 'bind-address': '127.0.0.1', port: node.ports.client, socket: join(folder, 'socket'), 'pid-file': join(folder, 'pid'), 'init-file': join(folder, 'owner.sql'), 'ssl-cert': join(folder, 'certificate.pem'), 'ssl-key': join(folder, 'key.pem'),
      // A zone nobody asks for, so that what depends on the server's is seen.
      'character-set-server': 'utf8mb4', 'default-time-zone': '+05:30', 'innodb-buffer-pool-size': '64M', 'max-connections': 200, 'skip-name-resolve': 'ON', 'local-infile': 'ON',
      // Nothing here has to outlive the machine.
      'innodb-flush-log-at-trx-commit': 2, 'innodb-doublewrite': 'OFF',
    }
    return {
      version: /\d+(\.\d+)+/.exec(await run(server, ['--version'], { signal: site.signal }))?.[0] ?? 'unknown',
      command: server,
      args: ['--no-defaults', ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)],
      ...(user && { user }),
      folder,
      reach: { MYSQL_URL: `mysql://${owner}:${password}@127.0.0.1:${node.ports.client}` },
    }
  },

  async answers({ reach }, signal) {
    const abandoned = Promise.withResolvers<never>()
    const abandon = () => abandoned.reject(signal.reason)
    signal.addEventListener('abort', abandon, { once: true })
    try {
      const connection = await createConnection({ uri: reach['MYSQL_URL'], connectTimeout: 9_000 })
      try {
        await Promise.race([connection.query('SELECT 1'), abandoned.promise])
      } finally {
        connection.destroy()
      }
    } finally {
      signal.removeEventListener('abort', abandon)
    }
  },
}

/** The server's files, made at the first start; root's cache folder is closed to the server's user, so there they lie where only root can make a folder. */
async function databaseOf(site: Site, node: EngineNode): Promise<{ readonly folder: string; readonly password: string }> {
  const user = insteadOfRoot('nobody')
  const folder = user ? `/var/lib/tributary-${createHash('sha256').update(site.home).digest('hex').slice(0, 12)}` : node.data
  const [passwordFile, ownerFile] = [join(folder, 'password'), join(folder, 'owner.sql')]
  if (!existsSync(ownerFile)) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    if (user) await chown(folder, user.uid, user.gid)
    await run(initialize, ['--no-defaults', `--datadir=${join(folder, 'data')}`, '--auth-root-authentication-method=socket', '--skip-test-db', '--skip-name-resolve'], { cwd: folder, signal: site.signal, ...(user && { user }) })
    await run(openssl, ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')], { cwd: folder, signal: site.signal, ...(user && { user }) })
    const password = randomBytes(18).toString('base64url')
    await writeFile(passwordFile, password, { mode: 0o600 })
    // Run at each start: a server that was killed at its first one is made whole by the next.
    await writeFile(ownerFile, `CREATE USER IF NOT EXISTS ${owner}@'127.0.0.1' IDENTIFIED BY '${password}';\nGRANT ALL ON *.* TO ${owner}@'127.0.0.1' WITH GRANT OPTION;\n`, { mode: 0o600 })
    if (user) for (const path of [passwordFile, ownerFile]) await chown(path, user.uid, user.gid)
  }
  return { folder, password: await readFile(passwordFile, 'utf8') }
}
