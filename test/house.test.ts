import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/** Folders in the order imports may go: each may import itself and what stands behind it. */
const floors = ['gateway', 'subgraphs', 'resolvers', 'connectors', 'schema'] as const
const topLevel = new Set([...floors, 'ops', 'test', 'node_modules', 'data', 'package.json', 'package-lock.json', 'tsconfig.json', 'biome.json', 'README.md', 'LICENSE'])

interface Import {
  readonly file: string
  readonly target: string
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(name => name.endsWith('.ts') && !name.includes(`node_modules${sep}`) && !name.includes(`${sep}dist${sep}`) && statSync(join(root, name)).isFile())
}

function imports(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(match => ({ file, target: relative(root, resolve(root, dirname(file), match[1] ?? '')) }))
}

const files = floors.flatMap(sources)
const edges = files.flatMap(imports)
const inFolder = (path: string, folder: string) => path === folder || path.startsWith(folder + sep)
const said = (found: readonly Import[]) => found.map(({ file, target }) => `${file} imports ${target}`)

test('the top level holds the folders of the house and nothing else', () => {
  expect(readdirSync(root).filter(name => !name.startsWith('.') && !topLevel.has(name))).toEqual([])
})

test('imports point one way: gateway, subgraphs, resolvers, connectors, schema', () => {
  const wrong = edges.filter(({ file, target }) => {
    const from = floors.findIndex(floor => inFolder(file, floor))
    const to = floors.findIndex(floor => inFolder(target, floor))
    return to < from
  })
  expect(said(wrong)).toEqual([])
})

test('subgraphs never import each other', () => {
  const domain = (path: string) => path.split(sep)[1]
  const wrong = edges.filter(({ file, target }) => inFolder(file, 'subgraphs') && inFolder(target, 'subgraphs') && domain(file) !== domain(target))
  expect(said(wrong)).toEqual([])
})

test('resolvers and subgraphs know the ports and no adapter', () => {
  const wrong = edges.filter(({ file, target }) => (inFolder(file, 'subgraphs') || inFolder(file, 'resolvers')) && inFolder(target, 'connectors') && !inFolder(target, join('connectors', 'ports')))
  expect(said(wrong)).toEqual([])
})

test('only the wiring, of the hub, of its workers and of its pipelines, touches adapters and subgraphs', () => {
  const wirings = [join('gateway', 'wiring.ts'), join('gateway', 'workers', 'wiring.ts'), join('gateway', 'pipelines', 'wiring')]
  const adapterOrSubgraph = (path: string) => inFolder(path, 'subgraphs') || (inFolder(path, 'connectors') && !inFolder(path, join('connectors', 'ports')))
  const wrong = edges.filter(({ file, target }) => inFolder(file, 'gateway') && adapterOrSubgraph(target) && !wirings.some(wiring => inFolder(file, wiring)))
  expect(said(wrong)).toEqual([])
})

test('only the configuration reads the environment', () => {
  const allowed = new Set([join('gateway', 'config.ts')])
  expect(files.filter(file => !allowed.has(file) && /process\.env\b/.test(readFileSync(join(root, file), 'utf8')))).toEqual([])
})

test('every error code is thrown somewhere', () => {
  const product = files.filter(file => file !== join('schema', 'errors.ts')).map(file => readFileSync(join(root, file), 'utf8')).join('\n')
  const declared = [...readFileSync(join(root, 'schema', 'errors.ts'), 'utf8').matchAll(/^ {2}([A-Z_]+): \{ http/gm)].map(match => match[1] ?? '')
  expect(declared.length).toBeGreaterThan(20)
  expect(declared.filter(code => !new RegExp(`\\b${code}\\b`).test(product))).toEqual([])
})

test('the program may be run as it is', () => {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: Record<string, string> }
  for (const file of Object.values(bin)) expect([file, statSync(join(root, file)).mode & 0o111]).toEqual([file, 0o111])
})
