import { homedir } from 'node:os'
import { parseArgs } from 'node:util'
import { EngineError, type Site } from '../engines/engine.ts'
import { baseImage, makeBase } from './base.ts'
import { buildImages } from './images.ts'

/**
 * `npm run images -- [--tool docker|podman|buildah] [--prefix REGISTRY/] [--base IMAGE] [--npmrc FILE]`: builds the images and prints their names, a line each. `npm run images -- base` makes what stands in for the image with Node where none can be reached, for buildah,
 * and prints its name.
 */
const { positionals: [command], values: { tool, prefix, base, npmrc } } = parseArgs({ allowPositionals: true, options: { tool: { type: 'string', default: 'docker' }, prefix: { type: 'string', default: '' }, base: { type: 'string' }, npmrc: { type: 'string' } } })
const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort(new EngineError(`Interrupted by ${name}.`)))
const { signal } = interrupted
try {
  if (command === 'base') {
    const site: Site = { home: homedir(), portOffset: 0, signal, say: (engine, line) => console.error(`${engine.padEnd(14)} ${line}`) }
    await makeBase(site)
    console.log(baseImage)
  } else {
    console.log((await buildImages({ tool, prefix, signal, ...(base !== undefined && { base }), ...(npmrc !== undefined && { npmrc }), progress: line => console.error(`building ${line}`) })).join('\n'))
  }
} catch (error) {
  const problem = signal.aborted ? signal.reason : error
  console.error(problem instanceof EngineError ? problem.message : problem)
  process.exitCode = 1
}
