import { hash } from 'node:crypto'
import { asHubError } from '../../../schema/errors.ts'
import { type DocumentRead, readDocument } from '../document/read.ts'
import type { Finding } from '../finding.ts'
import type { Definition, Registry } from '../registry.ts'
import { type Environment, type EnvironmentFiles, type Overlay, type OverlayProblem, promotedFile, type PromotedVersion } from './environment.ts'
import { entriesOf, type Overlaid, overlaid, placed } from './overlaid.ts'

/** A text that was committed. */
export interface CommittedText {
  readonly file: string
  readonly xml: string
  readonly commit: string
}

export interface EnvironmentRegistryParts {
  /** What lies in the folder. */
  readonly folder: Registry
  readonly environment: Environment
  readonly files: EnvironmentFiles
  /** A version that was promoted; undefined: no commit has it. */
  readonly textOf: (app: string, id: string, version: PromotedVersion) => Promise<CommittedText | undefined>
}

/**
 * The pipelines of an environment: where something was promoted to it those alone, in the version they were promoted in, else what lies in the folder; both with what its overlay says of them. A mistake of the overlay is an ERROR of the
 * pipelines it is about, so that nothing runs with half of it.
 */
export function environmentRegistry({ folder, environment, files, textOf }: EnvironmentRegistryParts): Registry {
  const texts = new Map<string, CommittedText>()
  /** By application and id. */
  const known = new Map<string, { readonly xml: string; readonly overlay: Overlay; readonly as: Overlaid }>()

  async function chosen(app: string, id: string, pin: PromotedVersion, lying: readonly Definition[]): Promise<Definition> {
    const current = lying.find(one => one.application === app && one.id === id)
    if (current && hash('sha256', current.xml) === pin.content) return current
    const without = (message: string): Definition => ({ application: app, id, file: current?.file ?? `applications/${app}/service/pipelines/${id}.xml`, xml: '', findings: [said(promotedFile(environment), message)] })
    try {
      const found = texts.get(pin.content) ?? (await textOf(app, id, pin))
      if (!found) return without(`Version ${pin.version} of "${id}", which ${environment} is to run, is in no commit any more. Promote another one.`)
      texts.set(pin.content, found)
      const { kind, document, findings } = readDocument(found.xml)
      return { application: app, id, file: found.file, xml: found.xml, commit: found.commit, findings, ...(kind === 'pipeline' && document && { document }) }
    } catch (error) {
      return without(`Version ${pin.version} of "${id}", which ${environment} is to run, cannot be read: ${asHubError(error).message}`)
    }
  }

  function withOverlay(definition: Definition, overlay: Overlay): Definition {
    const { application, id, xml, document } = definition
    const entries = entriesOf(overlay, application, id)
    if (overlay.problems.length > 0) return refused(definition, overlay.problems)
    if (entries.length === 0 || !document) return definition
    const name = `${application}/${id}`
    const before = known.get(name)
    const as = before?.xml === xml && before.overlay === overlay ? before.as : overlaid(xml, entries)
    known.set(name, { xml, overlay, as })
    if (as.problems.length > 0) return refused(definition, as.problems)
    const { document: _, ...rest } = definition
    const ofText = new Set(as.before.map(one => JSON.stringify(one)))
    return { ...rest, findings: [...definition.findings.filter(one => !ofText.has(JSON.stringify(one))), ...as.read.findings], ...documentOf(as.read) }
  }

  return {
    ...folder,
    async pipelines() {
      const [lying, overlay, pins] = await Promise.all([folder.pipelines(), files.overlay(environment), environment === 'DEV' ? undefined : files.promoted(environment)])
      const all = pins ? await Promise.all([...pins].map(([place, pin]) => chosen(place.slice(0, place.indexOf('/')), place.slice(place.indexOf('/') + 1), pin, lying))) : lying
      return all.map(definition => withOverlay(definition, overlay))
    },
  }
}

function documentOf(read: DocumentRead): Pick<Definition, 'document'> {
  return read.kind === 'pipeline' && read.document ? { document: read.document } : {}
}

function refused({ document: _, ...definition }: Definition, problems: readonly OverlayProblem[]): Definition {
  return { ...definition, findings: [...definition.findings, ...problems.map(problem => said(problem.file, placed(problem)))] }
}

/** Of no place in the document. */
function said(file: string, message: string): Finding {
  return { severity: 'ERROR', code: 'UNKNOWN_REFERENCE', line: 1, column: 1, path: file, message }
}
