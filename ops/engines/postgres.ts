import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * `node ops/engines/postgres.ts install`: installs a PostgreSQL server with apt where none is, and prints the folder of its programs.
 * `node ops/engines/postgres.ts find`: prints the folder, or fails.
 */
const installations = '/usr/lib/postgresql'

function find(): string | undefined {
  if (!existsSync(installations)) return undefined
  const versions = readdirSync(installations).sort((a, b) => Number(b) - Number(a))
  return versions.map(version => join(installations, version, 'bin')).find(bin => existsSync(join(bin, 'initdb')))
}

function install(): void {
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  const apt = (...args: string[]) => {
    const [program = 'apt-get', ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args]
    execFileSync(program, rest, { stdio: ['ignore', process.stderr, process.stderr] })
  }
  apt('update')
  apt('install', '-y', '--no-install-recommends', 'postgresql')
}

const [command] = process.argv.slice(2)
if (command !== 'install' && command !== 'find') {
  console.error(`Expected "install" or "find", not "${command ?? ''}".`)
  process.exitCode = 2
} else {
  if (command === 'install' && find() === undefined) install()
  const bin = find()
  if (bin === undefined) {
    console.error(`There is no PostgreSQL server below ${installations}. Run: node ops/engines/postgres.ts install`)
    process.exitCode = 1
  } else {
    console.log(bin)
  }
}
