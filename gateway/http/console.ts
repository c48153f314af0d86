import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { type Exchange, send } from './exchange.ts'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.ico': 'image/x-icon', '.woff2': 'font/woff2', '.woff': 'font/woff', '.ttf': 'font/ttf', '.wasm': 'application/wasm',
}

/** The editor starts its workers from files of its own or from blobs, and sets styles as it goes. */
const policy = [
  'default-src \'none\'', 'script-src \'self\'', 'worker-src \'self\' blob:', 'style-src \'self\' \'unsafe-inline\'', 'img-src \'self\' data:', 'font-src \'self\' data:', 'connect-src \'self\'',
  'base-uri \'none\'', 'form-action \'none\'', 'frame-ancestors \'none\'',
].join('; ')

const unbuilt = `<!doctype html><meta charset="utf-8"><title>GraphQL</title>
<h1>GraphQL</h1>
<p>This is a GraphQL endpoint. Its explorer is not built: run <code>node gateway/console/build.ts</code> and start again.</p>
<p>Or ask it: <code>curl -H 'content-type: application/json' -d '{"query":"{ __typename }"}' URL</code></p>
`

interface Asset {
  readonly bytes: Buffer
  readonly type: string
  readonly etag: string
}

export interface Console {
  readonly built: boolean
  /** The explorer's page. */
  page(exchange: Exchange): Promise<void>
  /** A file of the build, by its name under `/console/`. Answers false when there is none. */
  file(exchange: Exchange, name: string): Promise<boolean>
}

/** Serves the built explorer. Only names found in the folder now are ever read, so no path leads out of it. */
export async function openConsole(folder: string): Promise<Console> {
  const names = await listed(folder)
  const assets = new Map<string, Promise<Asset>>()
  const asset = (name: string): Promise<Asset> => {
    const known = assets.get(name) ?? read(folder, name)
    assets.set(name, known)
    return known
  }
  const sendAsset = async (exchange: Exchange, name: string) => {
    const { bytes, type, etag } = await asset(name)
    // The build puts a hash of the content into every name under assets/.
    const cache = name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
    const headers = { etag, 'cache-control': cache, 'content-security-policy': policy }
    if (exchange.request.headers['if-none-match']?.split(/,\s*/).includes(etag)) return send(exchange, 304, headers, '')
    send(exchange, 200, { ...headers, 'content-type': type }, bytes)
  }
  return {
    built: names.has('index.html'),
    async page(exchange) {
      if (names.has('index.html')) return sendAsset(exchange, 'index.html')
      send(exchange, 200, { 'content-type': 'text/html; charset=utf-8' }, unbuilt)
    },
    async file(exchange, name) {
      if (!names.has(name)) return false
      await sendAsset(exchange, name)
      return true
    },
  }
}

async function listed(folder: string): Promise<ReadonlySet<string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return new Set(entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1).split(sep).join('/')))
}

async function read(folder: string, name: string): Promise<Asset> {
  const bytes = await readFile(join(folder, name))
  return { bytes, type: types[extname(name)] ?? 'application/octet-stream', etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"` }
}
