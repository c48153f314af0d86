import { readFileSync, writeFileSync } from 'node:fs'

/**
 * `npm install --package-lock-only && node ops/lockfile.ts`: completes package-lock.json.
 *
 * Packages with native parts name one optional package a platform. A registry mirror that lacks some of them makes npm leave those out of the lock, and `npm ci` then refuses
 * the lock everywhere. Each is entered here with the version its parent names and the platform its name says, so that it is skipped on others and fetched where it fits.
 */
interface Locked {
  version?: string
  optional?: boolean
  dev?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Locked> }

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'linuxmusl', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32', 'wasi']
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'ppc64le', 'riscv64', 's390x', 'universal', 'wasm32', 'x64']

let added = 0
for (const [, parent] of Object.entries(lock.packages)) {
  for (const [name, wanted] of Object.entries(parent.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`
    if (lock.packages[place]) continue
    lock.packages[place] = entry(name, wanted, parent)
    added += 1
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`)
console.log(`${added} platform packages entered.`)

function entry(name: string, wanted: string, parent: Locked): Locked {
  const words = name.split(/[-/]/)
  const os = words.filter(word => systems.includes(word)).map(word => (word === 'linuxmusl' ? 'linux' : word)).filter(word => word !== 'wasi')
  const cpu = words.filter(word => processors.includes(word) && word !== 'universal')
  if (words.includes('gnueabihf') || words.includes('armv7l')) cpu.push('arm')
  const libc = words.some(word => /musl/.test(word)) ? ['musl'] : words.some(word => /^gnu/.test(word)) ? ['glibc'] : []
  return {
    version: wanted.replace(/^[\^~]/, ''),
    ...(cpu.length > 0 && { cpu: [...new Set(cpu)] }),
    ...(parent.dev && { dev: true }),
    optional: true,
    ...(os.length > 0 && { os }),
    ...(libc.length > 0 && { libc }),
  }
}
