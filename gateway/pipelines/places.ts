import { extname, isAbsolute, join, relative, resolve } from 'node:path'
import type { S3Source, Source } from '../../schema/catalog.ts'
import type { RunDataset } from '../../schema/lineage.ts'
import { keyPrefix } from './buckets.ts'
import { dataFolder } from './files.ts'

/** The folder the pipelines are in, and the source with the data of their applications where that is not in folders. */
export interface DataPlace {
  readonly folder?: string
  readonly dataSource?: string
}

/** The table of the catalog, as `source.table`, that is a dataset of a pipeline; undefined where no source has it. */
export function catalogTable(sources: readonly Source[], { folder, dataSource }: DataPlace, dataset: RunDataset): string | undefined {
  const data = sources.find(source => source.type === 's3' && source.name === dataSource) as S3Source | undefined
  const { namespace, name } = data && dataset.namespace === 'file' ? { namespace: `s3://${data.bucket}`, name: `${keyPrefix(data)}${dataset.name}` } : dataset
  for (const source of sources) {
    const table = tableIn(source, folder, namespace, name)
    if (table !== undefined) return `${source.name}.${table}`
  }
  return undefined
}

function tableIn(source: Source, folder: string | undefined, namespace: string, name: string): string | undefined {
  if (source.type === 'sqlite' && namespace === 'sqlite') {
    const slash = name.lastIndexOf('/')
    return placeOf(folder, name.slice(0, slash)) === resolve(source.file) ? name.slice(slash + 1) : undefined
  }
  if (source.type === 'elasticsearch' && namespace === 'elasticsearch') return name.startsWith(`${source.name}/`) ? name.slice(source.name.length + 1) : undefined
  if (source.type === 'files' && namespace === 'file') {
    const file = placeOf(folder, name)
    return file === undefined ? undefined : fileTable(source, file)
  }
  if (source.type === 's3' && namespace === `s3://${source.bucket}`) {
    const prefix = keyPrefix(source)
    return name.startsWith(prefix) ? objectTable(source, name.slice(prefix.length)) : undefined
  }
  if (source.type === 'postgresql' && namespace.startsWith('postgresql://')) {
    const { host, port, database } = addressOf(source.connection)
    const table = `${database}.${source.schema}.`
    return namespace === `postgresql://${host}:${port}` && name.startsWith(table) ? name.slice(table.length) : undefined
  }
  return undefined
}

function fileTable({ root, tables }: Extract<Source, { type: 'files' }>, file: string): string | undefined {
  if (tables) return Object.entries(tables).find(([, table]) => resolve(root, table.file) === file)?.[0]
  const path = relative(root, file)
  return path.startsWith('..') || isAbsolute(path) || path.includes('/') ? undefined : path.slice(0, -extname(path).length)
}

function objectTable({ tables }: S3Source, path: string): string | undefined {
  if (tables) return Object.entries(tables).find(([, table]) => table.file === path)?.[0]
  return path.includes('/') ? undefined : path.slice(0, -extname(path).length)
}

/** Where the data of an application is: `crm/landing/x.csv` is a file of `crm`. */
function placeOf(folder: string | undefined, name: string): string | undefined {
  const [application = '', ...path] = name.split('/')
  return folder === undefined ? undefined : join(dataFolder(folder, application), ...path)
}

function addressOf(connection: Extract<Source, { type: 'postgresql' }>['connection']): { readonly host: string; readonly port: number; readonly database: string } {
  if (!('url' in connection)) return connection
  const { hostname, port, pathname } = new URL(connection.url)
  return { host: hostname, port: Number(port || 5432), database: decodeURIComponent(pathname.slice(1)) }
}
