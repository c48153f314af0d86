import { existsSync, readFileSync } from 'node:fs'
import { EngineError, type Site, type User } from './engine.ts'
import { run } from './program.ts'
import { alone } from './state.ts'

/** Installs packages of the distribution, whose versions are the distribution's choice. Needs root, or sudo without a password. */
export async function install(site: Site, engine: string, ...packages: readonly string[]): Promise<void> {
  const named = packages.join(' and ')
  if (!existsSync('/usr/bin/apt-get')) throw new EngineError(`${engine} comes as ${named}, and there is no apt-get here. Install it by hand.`)
  const [command = 'env', ...before] = process.getuid?.() === 0 ? ['env'] : ['sudo', '-n', 'env']
  const apt = (...args: string[]) => run(command, [...before, 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=300', ...args], { signal: site.signal })
  site.say(engine, `installing ${named}`)
  try {
    await alone(site, 'apt', async () => {
      await apt('update')
      await apt('install', '-y', '--no-install-recommends', ...packages)
    })
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw new EngineError(`${named} cannot be installed: ${error.message}`, { cause: error })
  }
}

/** Whom to be instead of root, for servers that refuse to be root; undefined: we are not root. */
export function insteadOfRoot(name: string): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  const fields = readFileSync('/etc/passwd', 'utf8').split('\n').map(line => line.split(':')).find(([user]) => user === name)
  if (!fields?.[5]) throw new EngineError(`This server does not run as root, and there is no user "${name}" to run it as.`)
  return { uid: Number(fields[2]), gid: Number(fields[3]), home: fields[5] }
}
