import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fingerprint, fingerprinted, sourcesOf } from './fingerprint.ts'

const core = resolve(import.meta.dirname, '../../gateway/federation/core')
const target = join(core, 'core.wasm')
const options = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--enable', 'bulk-memory', '--importMemory', '--use', 'abort=']

/** `node ops/core/build.ts` builds the core, `--check` says whether it is what its sources make. The compiler is installed beside this file. */
function main(isCheck: boolean): void {
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: import.meta.dirname, stdio: ['ignore', 'ignore', 'inherit'] })
  const folder = mkdtempSync(join(tmpdir(), 'tributary-core-'))
  try {
    const out = join(folder, 'core.wasm')
    execFileSync(process.execPath, [join(import.meta.dirname, 'node_modules/assemblyscript/bin/asc.js'), join(core, 'assembly/index.ts'), '-o', out, ...options], { stdio: 'inherit' })
    const built = fingerprinted(readFileSync(out), fingerprint(sourcesOf(core)))
    if (!isCheck) writeFileSync(target, built)
    else if (!built.equals(readFileSync(target))) throw new Error('gateway/federation/core/core.wasm is not what its sources make. Build it with `npm run core`.')
    console.log(`${target}: ${built.length} bytes${isCheck ? ', as its sources make it' : ''}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

main(process.argv.includes('--check'))
