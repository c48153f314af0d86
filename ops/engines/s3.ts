import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { z } from 'zod'
import { EngineError, type Engine, type Launch, type Site } from './engine.ts'
import { run } from './program.ts'
import { versions } from './versions.ts'

const pin = versions.go['versitygw']!
const keys = { S3_ACCESS_KEY_ID: 'tributary', S3_SECRET_ACCESS_KEY: 'tributary-secret' }
const region = 'us-east-1'

const programOf = (site: Site) => join(site.home, `versitygw-${pin.version}`, 'versitygw')

/** versitygw: the S3 protocol over a folder. */
export const s3: Engine = {
  name: 's3',
  ports: () => ({ client: 7_070 }),

  async fetch(site) {
    if (!existsSync(programOf(site))) await build(site)
  },

  async launch(site, node): Promise<Launch> {
    const [objects, older] = [join(node.data, 'objects'), join(node.data, 'versions')]
    for (const folder of [objects, older]) await mkdir(folder, { recursive: true })
    return {
      version: pin.version,
      command: programOf(site),
      args: ['--port', `127.0.0.1:${node.ports.client}`, '--region', region, '--health', '/health', 'posix', '--versioning-dir', older, objects],
      env: { ROOT_ACCESS_KEY: keys.S3_ACCESS_KEY_ID, ROOT_SECRET_KEY: keys.S3_SECRET_ACCESS_KEY },
      reach: { S3_ENDPOINT: `http://127.0.0.1:${node.ports.client}`, S3_REGION: region, ...keys },
    }
  },

  /** A request without a signature is refused in the protocol's own words. */
  async answers({ ports }, signal) {
    const response = await fetch(`http://127.0.0.1:${ports.client}/`, { signal })
    const text = await response.text()
    if (!/<Code>AccessDenied<\/Code>/.test(text)) throw new Error(`the store answered ${response.status}: ${text.slice(0, 200)}`)
  },
}

/** Where Go's installation guide and the systems' packages put it, beside the PATH. */
const goPlaces = ['/usr/local/go/bin/go', '/usr/lib/go/bin/go']

function goProgram(): string {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '').map(folder => join(folder, 'go'))
  const found = [...onPath, ...goPlaces].find(file => existsSync(file))
  if (found === undefined) throw new EngineError(`The S3 store is built from its source, and there is no Go on the PATH nor at ${goPlaces.join(' or ')}. Install it, as the package golang or from go.dev.`)
  return found
}

/** Fetched through Go's own configuration, compared with the pinned sum, and built here. */
async function build(site: Site): Promise<void> {
  const folder = join(site.home, `versitygw-${pin.version}`)
  await mkdir(site.home, { recursive: true })
  const building = await mkdtemp(join(site.home, 'fetching-'))
  const go = goProgram()
  const env = { GOBIN: building, GOFLAGS: '-buildvcs=false', GOTOOLCHAIN: 'local' }
  try {
    const found = z.object({ Sum: z.string() }).parse(JSON.parse(await run(go, ['mod', 'download', '-json', `${pin.module}@${pin.version}`], { cwd: building, env, signal: site.signal })))
    if (found.Sum !== pin.sum) throw new EngineError(`${pin.module}@${pin.version} is not the pinned module: its sum is ${found.Sum}, expected ${pin.sum}.`)
    site.say('s3', `building ${pin.module} ${pin.version}; this takes minutes`)
    let packages = 0
    let saidAt = performance.now()
    const onLine = () => {
      packages++
      if (performance.now() - saidAt < 10_000) return
      saidAt = performance.now()
      site.say('s3', `${packages} packages built`)
    }
    await run(go, ['install', '-v', `${pin.module}/${pin.program}@${pin.version}`], { cwd: building, env, signal: site.signal, onLine })
    await rm(folder, { recursive: true, force: true })
    await rename(building, folder)
  } finally {
    await rm(building, { recursive: true, force: true })
  }
}
