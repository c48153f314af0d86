import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../engines/program.ts'
import { tagsOf } from './tags.ts'

export interface ImageOptions {
  /** `docker`, `podman` or `buildah`: all of them build what a Dockerfile says. */
  readonly tool: string
  /** What names of images begin with, as `registry.example.org/data/`; empty: nothing. */
  readonly prefix: string
  /** The image with Node that they are made of. Absent: that of tributary.Dockerfile. */
  readonly base?: string
  /** Configuration of npm for the build, such as another registry with its token. It does not get into any image. */
  readonly npmrc?: string
  /** For the tool. */
  readonly env?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** One line as each begins. */
  readonly progress: (line: string) => void
}

/** Each is a file `NAME.Dockerfile` here, in the order in which they are built. */
export const services = ['orchestration', 'pipeline-runner', 'dashboard'] as const
const root = join(import.meta.dirname, '../..')

/** Builds the program's image and one for each service, each with every tag of the version in package.json. Answers all names with their tags. When the tool fails → EngineError with its last words. */
export async function buildImages({ tool, prefix, base, npmrc, env = {}, signal, progress }: ImageOptions): Promise<readonly string[]> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly version: string }
  const revision = (await run('git', ['rev-parse', 'HEAD'], { cwd: root, signal })).trim()
  const named = (image: string) => tagsOf(version).map(tag => `${prefix}${image}:${tag}`)
  const build = async (file: string, image: string, more: readonly string[]) => {
    progress(named(image).join(' '))
    await run(tool, ['build', '--file', join(import.meta.dirname, `${file}.Dockerfile`), ...named(image).flatMap(name => ['--tag', name]), ...more, root], { env, signal })
    return named(image)
  }
  const program = await build('tributary', 'tributary', ['--build-arg', `VERSION=${version}`, '--build-arg', `REVISION=${revision}`, ...(base === undefined ? [] : ['--build-arg', `BASE=${base}`]), ...(npmrc === undefined ? [] : ['--secret', `id=npmrc,src=${npmrc}`])])
  const built = [...program]
  for (const service of services) built.push(...(await build(service, `tributary-${service}`, ['--build-arg', `TRIBUTARY=${program[0]}`])))
  return built
}
