import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { install } from '../engines/apt.ts'
import { EngineError, type Site } from '../engines/engine.ts'
import { run } from '../engines/program.ts'

export const baseImage = 'localhost/tributary-test-base:1'

/** What builds and runs images without a daemon, as root in a sandbox. */
export const builder = { tool: 'buildah', env: { STORAGE_DRIVER: 'vfs', BUILDAH_ISOLATION: 'chroot' } } as const

/**
 * Makes an image of Debian's packages, this Node and its npm, which trusts whom this Node does, and stands in for the official one with Node where no registry of images can be reached; once for a machine. Costs a minute and 700 MB. It needs root and Debian's package manager, else → EngineError.
 */
export async function makeBase(site: Site): Promise<void> {
  for (const [program, packageName] of [['/usr/bin/buildah', 'buildah'], ['/usr/sbin/debootstrap', 'debootstrap']] as const) if (!existsSync(program)) await install(site, 'images', packageName)
  const buildah = (...args: string[]) => run(builder.tool, args, { signal: site.signal, env: builder.env })
  if ((await buildah('images', '--format', '{{.Name}}:{{.Tag}}')).split('\n').includes(baseImage)) return
  site.say('images', 'making a base of Debian\'s packages')
  const folder = await mkdtemp(join(tmpdir(), 'tributary-image-'))
  try {
    const root = join(folder, 'root')
    const { suite, mirror } = await distribution(site)
    await run('/usr/sbin/debootstrap', ['--variant=minbase', '--include=libstdc++6,ca-certificates', suite, root, mirror], site)
    const npm = join((await run('sh', ['-c', 'readlink -f "$(command -v npm)"'], site)).trim(), '../..')
    await cp(process.execPath, join(root, 'usr/local/bin/node'))
    await cp(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true })
    const container = (await buildah('from', 'scratch')).trim()
    try {
      await buildah('add', container, root, '/')
      const trusted = process.env['NODE_EXTRA_CA_CERTS']
      if (trusted) {
        await buildah('add', container, trusted, '/etc/trusted.pem')
        await buildah('config', '--env', 'NODE_EXTRA_CA_CERTS=/etc/trusted.pem', container)
      }
      await buildah('run', container, '--', 'sh', '-c', 'ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && chmod +x /usr/local/lib/node_modules/npm/bin/npm-cli.js')
      await buildah('commit', container, baseImage)
    } finally {
      await buildah('rm', container)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** This machine's own, and where its packages come from. */
async function distribution(site: Site): Promise<{ readonly suite: string; readonly mirror: string }> {
  const targets = await run('apt-get', ['indextargets', '--format', '$(RELEASE) $(SITE)', 'Created-By: Packages', 'Component: main'], site)
  const [suite, mirror] = targets.split('\n').map(line => line.split(' ')).find(([name]) => name !== undefined && /^[a-z]+$/.test(name)) ?? []
  if (suite === undefined || mirror === undefined) throw new EngineError('apt-get names no distribution whose packages an image could be made of.')
  return { suite, mirror }
}
