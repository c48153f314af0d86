import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../ops/engines/program.ts'
import { builder } from '../../ops/images/base.ts'
import { buildImages, services } from '../../ops/images/images.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { withEngine } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { type Running, startCommand } from '../support/program.ts'

const { signal } = new AbortController()
const buildah = (...args: string[]) => run(builder.tool, args, { env: builder.env, signal })
const key = 'key of boards'
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { readonly version: string }

withEngine('IMAGE_BASE', 'images of the services', base => {
  let folder: ReturnType<typeof catalogFolder>
  let built: readonly string[]
  const containers: string[] = []
  const running: Running[] = []
  beforeAll(async () => {
    const npmrc = join(homedir(), '.npmrc')
    built = await buildImages({ ...builder, prefix: '', base, ...(existsSync(npmrc) && { npmrc }), signal, progress: () => undefined })
    folder = catalogFolder({
      'keys.json': JSON.stringify([{ id: 'boards', tenant: 'public', scopes: ['pipeline:read', 'pipeline:run'], sha256: createHash('sha256').update(key).digest('hex') }]),
      'hub.yaml': 'regions:\n  notes: { type: Note, key: id, fields: { id: ID! } }\n',
      'pipelines/applications/shop/service/pipelines/totals.xml': '<pipeline id="totals" version="1.0" layer="service"><metadata><owner>shop</owner></metadata><sources><csv id="orders" path="landing/orders.csv"/></sources><targets><csv path="service/totals" mode="overwrite"/></targets></pipeline>',
      'data/applications/shop/landing/orders.csv': 'id,total\n1,5\n2,7\n',
    })
    mkdirSync(join(folder.folder, 'own'))
    await run('chown', ['-R', '1000:1000', folder.folder], { signal })
    chmodSync(folder.folder, 0o755)
  }, 900_000)
  afterAll(async () => {
    await Promise.all(running.map(one => one.stop()))
    for (const container of containers) await buildah('rm', container)
    folder.remove()
  })

  /** A command in a container of its own, with the folder as its configuration, and below it its own data. */
  const start = async (image: string, command: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const container = (await buildah('from', `localhost/${image}:${version}`)).trim()
    containers.push(container)
    const variables = Object.entries({ HUB_DATA: `/config/own/${container}`, ...env }).flatMap(([name, value]) => ['--env', `${name}=${value}`])
    const started = startCommand(builder.tool, ['run', ...variables, '--volume', `${folder.folder}:/config`, container, '--', ...command], { cwd: folder.folder, env: { ...builder.env, HOME: homedir() } })
    running.push(started)
    return started
  }
  const hub = async (image: string, env: Readonly<Record<string, string>>) => {
    const started = await start(image, ['tributary', 'start'], { HUB_HOST: '127.0.0.1', HUB_PORT: '0', HUB_AUTH__API_KEYS_FILE: '/config/keys.json', ...env })
    const [, url = ''] = await started.written(/(http:\/\/127\.0\.0\.1:\d+)/)
    return {
      started,
      async query<T>(query: string, variables: Readonly<Record<string, unknown>> = {}): Promise<T> {
        const answer = await fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': key }, body: JSON.stringify({ query, variables }) })
        const { data, errors } = (await answer.json()) as { readonly data?: T; readonly errors?: unknown }
        if (!data || errors) throw new Error(JSON.stringify(errors))
        return data
      },
    }
  }

  test('D-08 D-115: there is one of the program and one of each service, with the tags of its version and the commit it was made of', async () => {
    expect(built.filter(name => name.endsWith(`:${version}`))).toEqual(['tributary', ...services.map(service => `tributary-${service}`)].map(image => `${image}:${version}`))
    const commit = (await run('git', ['rev-parse', 'HEAD'], { cwd: import.meta.dirname, signal })).trim()
    for (const name of built) {
      const { OCIv1: { config } } = JSON.parse(await buildah('inspect', '--type', 'image', `localhost/${name}`)) as { readonly OCIv1: { readonly config: { readonly User: string; readonly Entrypoint: readonly string[]; readonly Labels: Readonly<Record<string, string>> } } }
      expect([config.User, config.Entrypoint, config.Labels['org.opencontainers.image.version'], config.Labels['org.opencontainers.image.revision']]).toEqual(['1000:1000', ['tributary'], version, commit])
    }
  })

  test('D-08: nothing of who built it, and nothing that only builds, is in an image', async () => {
    const container = (await buildah('from', `localhost/tributary:${version}`)).trim()
    containers.push(container)
    const inside = (command: string) => buildah('run', '--user', '0', container, '--', 'sh', '-c', command)
    expect((await inside('ls -A /opt/tributary')).trim().split('\n')).toEqual(['connectors', 'gateway', 'node_modules', 'package-lock.json', 'package.json', 'resolvers', 'schema', 'subgraphs'])
    expect(await inside('find /root /opt/tributary -maxdepth 2 \\( -name .npmrc -o -name jest -o -name vite -o -name "node-linux-*" \\)')).toBe('')
    expect(await inside('ls /opt/tributary/gateway/console/dist/index.html')).toBe('/opt/tributary/gateway/console/dist/index.html\n')
  })

  test('D-08: jobs of the moment run in the image of the program', async () => {
    const checked = await (await start('tributary', ['tributary', 'validate', '/config/pipelines'])).ended
    expect([checked.code, checked.err]).toEqual([0, ''])
    const ran = await (await start('tributary', ['tributary', 'run', '/config/pipelines/applications/shop/service/pipelines/totals.xml', '--files', '/config/data/applications/shop'])).ended
    expect([ran.code, readFileSync(join(folder.folder, 'data/applications/shop/service/totals/totals.csv'), 'utf8')]).toEqual([0, 'id,total\n1,5\n2,7\n'])
  })

  withEngine('POSTGRES_URL', 'with one queue', postgres => {
    test('D-08 D-100: what is begun at the orchestration waits for a pipeline runner, and boards see it end', async () => {
      const all = { POSTGRES_URL: postgres }
      const [orchestration, dashboard] = await Promise.all([hub('tributary-orchestration', all), hub('tributary-dashboard', all)])
      const { runPipeline: { runId } } = await orchestration.query<{ runPipeline: { runId: string } }>('mutation { runPipeline(app: "shop", id: "totals") { runId } }')
      const state = async () => (await dashboard.query<{ run: { state: string; rowsWritten: number } }>('query ($runId: ID!) { run(runId: $runId) { state rowsWritten } }', { runId })).run
      expect(await state()).toEqual({ state: 'QUEUED', rowsWritten: 0 })
      await hub('tributary-pipeline-runner', all)
      await eventually('the run ends', async () => !['QUEUED', 'RUNNING'].includes((await state()).state), 60_000)
      expect(await state()).toEqual({ state: 'SUCCEEDED', rowsWritten: 2 })
    })
  })
})
