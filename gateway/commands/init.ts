import { writeFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { Document, isMap, isScalar, isSeq, visit, type Pair, type YAMLMap } from 'yaml'
import type { CatalogInput } from '../../schema/catalog.ts'
import { catalogInput } from '../../schema/catalog-input.ts'
import { HubError } from '../../schema/errors.ts'
import { masked } from '../catalog/secrets.ts'

/** A catalog for a source, and what of the source it does not show. */
export type Proposal = CatalogInput & { readonly leftOut?: readonly { readonly table: string; readonly reason: string }[] }

/** Longest collection written on one line, in characters. */
const lineLength = 120

/**
 * Writes the proposed catalog to a new file, with comments, paths relative to it and references in place of passwords. Answers what the user has to do before it can be
 * served. A file that is there already → CONFLICT, and it stays as it is.
 */
export function writeCatalog(proposal: Proposal, from: string, to: string): { hints: readonly string[] } {
  const { text, hints } = catalogText(proposal, from, dirname(resolve(to)))
  try {
    writeFileSync(to, text, { flag: 'wx' })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EEXIST') throw occupied(to)
    throw new HubError('VALIDATION_ERROR', `The file ${to} cannot be written (${code ?? 'unknown reason'}).`, { file: to }, { cause: error })
  }
  return { hints }
}

export function occupied(file: string): HubError {
  return new HubError('CONFLICT', `The file ${file} exists already and is left as it is. Give another name with --to, or move it away.`, { file })
}

/** The catalog as YAML for people, what is left out at its end. `folder`: where it will stand. */
export function catalogText(proposal: Proposal, from: string, folder: string): { text: string; hints: readonly string[] } {
  const { catalog, hints } = portable(proposal, folder)
  const document = new Document(Object.fromEntries(sections.filter(section => !isEmpty(catalog[section])).map(section => [section, catalog[section]])))
  document.commentBefore = ` Written by: tributary init --from ${oneLine(masked({ url: from }).url)}\n Look it through, then: tributary check, and tributary start.`
  const leftOut = (proposal.leftOut ?? []).map(({ table, reason }) => `${table}: ${reason}`)
  if (leftOut.length > 0) document.comment = ` Left out:\n${leftOut.map(line => ` ${oneLine(line)}`).join('\n')}`
  const root = document.contents as unknown as YAMLMap
  for (const [index, pair] of (root.items as Pair[]).entries()) {
    if (!isScalar(pair.key)) continue
    pair.key.spaceBefore = index > 0
    pair.key.commentBefore = ` ${catalogInput.shape[pair.key.value as Section].description ?? ''}`
  }
  visit(document, {
    Collection(_key, node, path) {
      // The document, its sections and, of named sections, the entries stand on lines of their own.
      const depth = path.filter(one => isMap(one) || isSeq(one)).length
      const entry = depth === 2 && !isSeq(path.findLast(one => isSeq(one) || isMap(one)))
      if (depth >= 2 && !entry && JSON.stringify(node).length <= lineLength) node.flow = true
    },
    Scalar(_key, node) {
      if (typeof node.value === 'string' && node.value.includes('\n')) node.type = 'BLOCK_LITERAL'
    },
  })
  return { text: document.toString({ lineWidth: 0, flowCollectionPadding: true }), hints: [...hints, ...leftOut.map(line => `Left out: ${line}`)] }
}

/** A comment ends with its line. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ')
}

const sections = ['sources', 'regions', 'views', 'relations', 'subgraphs'] as const
type Section = (typeof sections)[number]

function isEmpty(content: object | undefined): boolean {
  return content === undefined || Object.keys(content).length === 0
}

/** Paths relative to the file, passwords as references to the environment. */
function portable(proposal: CatalogInput, folder: string): { catalog: CatalogInput; hints: readonly string[] } {
  const hints: string[] = []
  const near = (path: string) => {
    const way = relative(folder, resolve(path))
    return way === '' ? '.' : way.startsWith('..') ? way : `./${way}`
  }
  const sources = Object.entries(proposal.sources ?? {}).map(([name, source]) => {
    if (source.type === 'files') return [name, { ...source, root: near(source.root) }]
    if (source.type === 'sqlite') return [name, { ...source, file: near(source.file) }]
    if (source.type === 's3') {
      const variable = `${name.toUpperCase()}_SECRET_ACCESS_KEY`
      if (source.secretAccessKey === undefined || source.secretAccessKey.startsWith('$')) return [name, source]
      hints.push(`Set ${variable} to the secret access key; it is not written to the file.`)
      return [name, { ...source, secretAccessKey: `\${env:${variable}}` }]
    }
    const variable = `${name.toUpperCase()}_PASSWORD`
    const reference = `\${env:${variable}}`
    const url = typeof source.url === 'string' ? withoutPassword(source.url, reference) : source.url
    const password = source.password && (source.password.startsWith('$') ? source.password : reference)
    if (url !== source.url) hints.push(`Set ${variable} to the password as it stands in the URL, percent-encoded; it is not written to the file.`)
    if (password !== source.password) hints.push(`Set ${variable} to the password; it is not written to the file.`)
    return [name, { ...source, ...(url && { url }), ...(password && { password }) }]
  })
  return { catalog: { ...proposal, sources: Object.fromEntries(sources) }, hints }
}

function withoutPassword(url: string, reference: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/[^:/@\s]*):(?!\$\{).+@/i, (_, before: string) => `${before}:${reference}@`).replace(/([?&]password=)(?!\$\{)[^&]+/gi, (_, before: string) => `${before}${reference}`)
}
