import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256Of } from './download.ts'
import { run } from './program.ts'
import { parseVersions, versionsFile } from './versions.ts'

/**
 * Resolves the roots of one Maven pin as they stand in versions.json, and writes there what they need at run time, each file with its SHA-256 and size.
 * Change the roots and the version first, run this, then look at the difference.
 */
export async function pin(name: string, signal: AbortSignal): Promise<number> {
  const text = await readFile(versionsFile, 'utf8')
  const versions = parseVersions(text)
  const wanted = versions.maven[name]
  if (!wanted) throw new Error(`${versionsFile} has no Maven pin "${name}".`)

  const folder = await mkdtemp(join(tmpdir(), 'tributary-pin-'))
  try {
    await writeFile(join(folder, 'pom.xml'), pom(wanted.roots))
    await run('mvn', ['-B', '-q', 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies', '-DincludeScope=runtime', '-Dmdep.useRepositoryLayout=true', `-DoutputDirectory=${join(folder, 'files')}`], { cwd: folder, signal })
    const paths = (await readdir(join(folder, 'files'), { recursive: true })).filter(path => /\.(jar|tar\.gz|zip)$/.test(path)).sort()
    const files: Record<string, { sha256: string; size: number }> = {}
    for (const path of paths) {
      const file = join(folder, 'files', path)
      files[path] = { sha256: await sha256Of(file), size: (await stat(file)).size }
    }
    versions.maven[name] = { ...wanted, files }
    await writeFile(versionsFile, format(versions))
    return paths.length
  } finally {
    await rm(folder, { recursive: true })
  }
}

function pom(roots: readonly string[]): string {
  const dependencies = roots.map(root => {
    const [group, id, version, type = 'jar'] = root.split(':')
    // A distribution holds what it needs.
    const alone = type === 'jar' ? '' : '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>'
    return `<dependency><groupId>${group}</groupId><artifactId>${id}</artifactId><version>${version}</version><type>${type}</type>${alone}</dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>pin</groupId><artifactId>pin</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('\n')}</dependencies></project>\n`
}

/** A file a line. */
function format(versions: unknown): string {
  return `${JSON.stringify(versions, null, 2).replace(/\{\s+"sha256": ("[0-9a-f]+"),\s+"size": (\d+)\s+\}/g, '{ "sha256": $1, "size": $2 }')}\n`
}
