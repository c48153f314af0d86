import { Readable } from 'node:stream'
import { HubError } from '../../schema/errors.ts'
import type { Hub } from '../hub.ts'
import type { Route, RouteRequest } from '../http/routes.ts'
import { pageQuery, snakeMembers } from './forms.ts'
import { operation } from './operation.ts'
import { type ByteRange, rangeOf } from './range.ts'
import { type Page, pageOf } from './runs.ts'
import { route } from './route.ts'

interface Part {
  readonly bytes: number
  readonly version: string
  readonly content: string
}

const list = operation<{ exports: Page<Readonly<Record<string, unknown>>> }>('query RestExports($app: String!, $first: Int, $after: String) { exports(app: $app, first: $first, after: $after) { nodes { app name bytes modifiedAt pipelineId dataset } pageInfo { hasNextPage endCursor } } }')
const part = operation<{ exportContent: Part | null }>('query RestExport($app: String!, $name: String!, $offset: Long, $length: Int) { exportContent(app: $app, name: $name, offset: $offset, length: $length) { bytes version content } }')

const partBytes = 256 * 1024

/** Files that pipelines put there for others. */
export function exportRoutes(hub: Hub): readonly Route[] {
  return [
    route({
      method: 'GET', path: '/api/v1/datahub/exports/{app}', summary: 'Files that pipelines of an application put there for others.', query: pageQuery, answers: { 200: 'A page of them.' },
      answer: async (request, { query: { page_size, page_token } }) => ({ status: 200, body: pageOf('exports', (await list(hub, request, { app: request.params['app'] ?? '', first: page_size, after: page_token })).exports, snakeMembers) }),
    }),
    route({
      method: 'GET', path: '/api/v1/datahub/exports/{app}/{name*}', summary: 'One of these files, or the part of it that `Range` asks for.', produces: 'text/csv', answers: { 200: 'The file.', 206: 'A part of it.' },
      async answer(request) {
        const { app = '', name = '' } = request.params
        const of = (offset: number, length: number) => part(hub, request, { app, name, offset, length }).then(({ exportContent }) => exportContent)
        const found = await of(0, 1)
        if (!found) throw new HubError('NOT_FOUND', `There is no export "${name.slice(0, 200)}" of "${app}".`, { app })
        const bytes = Number(found.bytes)
        const etag = `"${found.version}"`
        const wanted = isOf(request, etag) ? rangeOf(request.headers.range, bytes) : undefined
        const { first, last } = wanted ?? { first: 0, last: bytes - 1 }
        const headers = {
          'content-type': mediaTypeOf(name.split('.').at(-1) ?? ''), 'content-length': last - first + 1, 'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name.split('/').at(-1) ?? '')}`,
          'accept-ranges': 'bytes', etag, 'cache-control': 'private, no-cache', ...(wanted && { 'content-range': `bytes ${first}-${last}/${bytes}` }),
        }
        return { status: wanted ? 206 : 200, headers, body: Readable.from(contentOf({ first, last }, found.version, of)) }
      },
    }),
  ]
}

const mediaTypes: Readonly<Record<string, string>> = { gz: 'application/gzip', csv: 'text/csv; charset=utf-8', ndjson: 'application/x-ndjson', parquet: 'application/vnd.apache.parquet' }

/** Of a file by its ending, without the dot. */
export function mediaTypeOf(ending: string): string {
  return mediaTypes[ending] ?? 'application/octet-stream'
}

/** A range of another version is none of this one. */
function isOf({ headers }: RouteRequest, etag: string): boolean {
  const given = headers['if-range']
  return given === undefined || given === etag
}

async function* contentOf({ first, last }: ByteRange, version: string, of: (offset: number, length: number) => Promise<Part | null>): AsyncGenerator<Buffer, void, void> {
  for (let at = first; at <= last; at += partBytes) {
    const found = await of(at, Math.min(partBytes, last - at + 1))
    if (found?.version !== version) throw new HubError('CONFLICT', 'The file was replaced while it was read. Ask for it again.')
    yield Buffer.from(found.content, 'base64')
  }
}
