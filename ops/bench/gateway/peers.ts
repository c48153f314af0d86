import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { peersFolder } from './peer.ts'

const installed = join(peersFolder, 'node_modules')

/** Below the peers' folder, where npm, git and the linter look away; a build that was interrupted goes on where it was. */
const rust = 'node_modules/.cache/rust'

/** Hive Router comes as a crate; built with the profile its makers release it with, which their crate does not carry. */
export const hiveRouter = { version: '0.3.10', binary: join(peersFolder, rust, 'bin/hive_router') }
const release = { CARGO_TARGET_DIR: `${rust}-target`, CARGO_PROFILE_RELEASE_LTO: 'true', CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '1' }

/** Exact versions, as pinned. */
export const pinned: Readonly<Record<string, string>> = (JSON.parse(readFileSync(join(peersFolder, 'package.json'), 'utf8')) as { readonly dependencies: Readonly<Record<string, string>> }).dependencies

/** Installs what is pinned and is not there in that version. */
export async function installPeers(): Promise<void> {
  if (Object.entries(pinned).every(([name, version]) => installedVersion(name) === version)) return
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'])
}

/** Builds Hive Router where it is missing, which takes half an hour of two cores. Without cargo it fails. */
export async function buildHiveRouter(): Promise<void> {
  if (existsSync(hiveRouter.binary)) return
  console.log(`Building hive-router ${hiveRouter.version} with cargo; --peers leaves it out.`)
  await run('cargo', ['install', 'hive-router', '--version', hiveRouter.version, '--locked', '--features', 'graphiql', '--bin', 'hive_router', '--root', rust], release, ' It takes Rust 1.97 or newer; RUSTUP_TOOLCHAIN names the toolchain.')
}

function installedVersion(name: string): string | undefined {
  const file = join(installed, name, 'package.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version : undefined
}

async function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, hint = ''): Promise<void> {
  const child = spawn(command, args, { cwd: peersFolder, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`"${command} ${args.join(' ')}" ended with ${code}.${hint}`)
}
