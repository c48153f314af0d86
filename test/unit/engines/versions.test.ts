import { basename } from 'node:path'
import { parseVersions, versions } from '../../../ops/engines/versions.ts'

const pins = Object.entries(versions.maven)

test('the engines are pinned at the versions they are promised in', () => {
  expect(Object.fromEntries(pins.map(([name, { version }]) => [name, version]))).toMatchObject({ ignite: '2.17.0', trino: '476', kafka: '4.3.1', cassandra: '5.0.9', elasticsearch: '9.5.3' })
})

test.each(pins)('%s: every root is among the files, and no two files would lie under one name', (_, { roots, files }) => {
  const paths = Object.keys(files)
  for (const root of roots) {
    const [group = '', id, version, type = 'jar'] = root.split(':')
    expect(paths).toContain(`${group.replaceAll('.', '/')}/${id}/${version}/${id}-${version}.${type}`)
  }
  expect(new Set(paths.map(path => basename(path))).size).toBe(paths.length)
})

test('a file of pins says all that is wrong with it', () => {
  const wrong = { maven: { a: { version: '1', roots: ['no version'], files: { 'a.jar': { sha256: 'short', size: 0 } } } }, pypi: {}, go: { b: { version: '1', module: 'm', program: 'p', sum: 'none' } } }
  let message = ''
  try {
    parseVersions(JSON.stringify(wrong))
  } catch (error) {
    message = String(error)
  }
  for (const place of ['roots', 'sha256', 'size', 'version', 'sum']) expect(message).toContain(`"${place}"`)
})
