import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { bytesHere, download, isThere } from './download.ts'
import { EngineError, type Site } from './engine.ts'
import { run } from './program.ts'
import { mavenPinOf } from './versions.ts'

const parallel = 4
const mib = 1 << 20

/** Folder of one pinned version. */
export const folderOf = (site: Site, name: string) => join(site.home, `${name}-${mavenPinOf(name).version}`)

/** The pinned files of this name on disk, in the pin's order. */
function filesOf(site: Site, name: string) {
  return Object.entries(mavenPinOf(name).files).map(([path, file]) => ({ ...file, path, to: join(folderOf(site, name), 'lib', basename(path)) }))
}

export function classPath(site: Site, name: string): string {
  return filesOf(site, name).map(({ to }) => to).join(':')
}

/** Where the one pinned file lies that is called so. */
export function artifact(site: Site, name: string, called: RegExp): string {
  const found = filesOf(site, name).find(({ to }) => called.test(basename(to)))
  if (!found) throw new Error(`No file pinned for "${name}" is called like ${called}.`)
  return found.to
}

/** Brings the pinned files of this name that are not on disk; `engine` is whose lines of progress they make. */
export async function fetchMaven(site: Site, engine: string, name = engine): Promise<void> {
  const files = filesOf(site, name)
  const there = await Promise.all(files.map(isThere))
  const missing = files.filter((_, index) => !there[index])
  if (missing.length === 0) return

  const registry = await mavenRegistry(site)
  const total = missing.reduce((sum, { size }) => sum + size, 0)
  site.say(engine, `fetching ${name} ${mavenPinOf(name).version}: ${missing.length === 1 ? 'one file' : `${missing.length} files`}, ${Math.ceil(total / mib)} MiB`)
  let came = (await Promise.all(missing.map(bytesHere))).reduce((sum, bytes) => sum + bytes, 0)
  let saidAt = performance.now()
  const onBytes = (count: number) => {
    came += count
    if (performance.now() - saidAt < 2_000) return
    saidAt = performance.now()
    site.say(engine, `${Math.floor(came / mib)} of ${Math.ceil(total / mib)} MiB`)
  }
  const worker = async () => {
    for (let file = missing.shift(); file; file = missing.shift()) await download({ ...file, url: `${registry}/${file.path}` }, { signal: site.signal, onBytes })
  }
  const ended = await Promise.allSettled(Array.from({ length: parallel }, worker))
  for (const result of ended) if (result.status === 'rejected') throw result.reason
}

const registries = new WeakMap<Site, Promise<string>>()

/** The address Maven itself would fetch from: `MAVEN_URL`, or what Maven answers when asked, mirrors and all. */
function mavenRegistry(site: Site): Promise<string> {
  const asked = registries.get(site) ?? askMaven(site)
  registries.set(site, asked)
  return asked
}

async function askMaven(site: Site): Promise<string> {
  const said = process.env['MAVEN_URL'] ?? await effectiveRepository(site)
  // Maven may colour what it prints, although asked not to.
  const url = /https?:\/\/[\w.:/~%-]+/.exec(said)?.[0]
  if (!url) throw new EngineError(`"${said.trim()}" is no address of a Maven registry. Set MAVEN_URL to one, or repair Maven's settings.`)
  return url.replace(/\/+$/, '')
}

async function effectiveRepository(site: Site): Promise<string> {
  await mkdir(site.home, { recursive: true })
  const evaluate = ['-B', '-q', '-Dstyle.color=never', 'org.apache.maven.plugins:maven-help-plugin:3.5.1:evaluate', '-Dexpression=project.remoteArtifactRepositories[0].url', '-DforceStdout']
  try {
    return await run('mvn', evaluate, { cwd: site.home, signal: site.signal })
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw new EngineError(`No Maven registry is known: MAVEN_URL is not set, and Maven could not be asked. ${error.message}`, { cause: error })
  }
}
