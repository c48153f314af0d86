import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Builds the explorer into dist/, if its sources or the packages it is made of are other than at the last build.
 * Without vite (an installation without development dependencies) there is nothing to build with: the front then serves a plain page.
 */
const here = import.meta.dirname
const stamp = join(here, 'dist', 'build.txt')

const sources = readdirSync(here).filter(name => /\.(tsx?|js|css|html)$/.test(name)).sort()
const hash = createHash('sha256')
for (const name of [...sources, '../../package.json']) hash.update(name).update(readFileSync(join(here, name)))
const wanted = hash.digest('hex')

if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
  console.log('The explorer is up to date.')
} else {
  const vite = await import('vite').catch(() => undefined)
  if (!vite) {
    console.log('The explorer is not built: vite is not installed. Install the development dependencies and run node gateway/console/build.ts.')
  } else {
    await vite.build({ configFile: join(here, 'vite.config.ts') })
    writeFileSync(stamp, wanted)
    console.log('The explorer is built.')
  }
}
