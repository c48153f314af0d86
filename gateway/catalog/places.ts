import type { Problem } from '../../schema/errors.ts'
import { pathText, type Finding, type Path } from '../../schema/findings.ts'
import type { CatalogFile } from './merge.ts'
import { scalarOffset } from './scalar-place.ts'
import type { Place } from './yaml.ts'

export interface FilePlace {
  readonly file: string
  /** 1-based. */
  readonly line: number
  /** 1-based, in UTF-16 code units. */
  readonly column: number
}

interface Origin {
  readonly file: CatalogFile
  readonly place: Place
}

/** Where everything of a merged catalog stands. */
export class Places {
  readonly #files: readonly CatalogFile[]
  /** By the path in the merged catalog; lists of several files have numbers there that they do not have in their file. */
  readonly #origins = new Map<string, Origin>()

  constructor(files: readonly CatalogFile[]) {
    this.#files = files
  }

  /** Notes one section of one file. `shift`: how many elements of earlier files stand before its own, where it is a list. What was noted first stays. */
  add(file: CatalogFile, section: string, shift: number): void {
    for (const place of file.yaml.places.values()) {
      if (place.path[0] !== section) continue
      const [, element, ...rest] = place.path
      const path = pathText(typeof element === 'number' ? [section, element + shift, ...rest] : place.path)
      if (!this.#origins.has(path)) this.#origins.set(path, { file, place })
    }
  }

  at(path: string, at: 'key' | 'value' = 'value'): FilePlace | undefined {
    const origin = this.#origin(path)
    if (!origin) return undefined
    const exact = this.#origins.get(path) === origin
    const { file, place } = origin
    return filePlace(file, at === 'key' || !exact ? (place.key ?? place.value) : place.value)
  }

  inText(path: string, line: number, column: number): FilePlace | undefined {
    const origin = this.#origins.get(path)
    if (!origin?.place.scalar) return this.at(path)
    const offset = scalarOffset(origin.file.yaml.text, origin.place.scalar, line, column)
    return offset === undefined ? this.at(path) : filePlace(origin.file, offset)
  }

  /** A place by its path in its own file, before or without merging: its key's where it has one. */
  inFile(file: CatalogFile, path: Path): FilePlace {
    const place = file.yaml.places.get(pathText(path))
    return filePlace(file, place?.key ?? place?.value ?? 0)
  }

  /** The finding as a problem with its place, the path as in its own file. A missing member's place is the one around it. */
  problemOf({ path, message, at, sqlLine, sqlColumn }: Finding): Problem {
    const merged = pathText(path)
    const origin = this.#origin(merged)
    const only = this.#files.length === 1 ? this.#files[0] : undefined
    if (!origin) return { path: merged, message, ...(only ? filePlace(only, 0) : {}) }
    const [section, element] = origin.place.path
    const shown = typeof element === 'number' ? pathText([section ?? '', element, ...path.slice(2)]) : merged
    const place = sqlLine !== undefined && sqlColumn !== undefined ? this.inText(merged, sqlLine, sqlColumn) : this.at(merged, at)
    return { path: shown, message, ...place }
  }

  /** Absolute folder of the file a member stands in. */
  folderOf(path: Path): string {
    return this.#origin(pathText(path))?.file.folder ?? this.#files[0]?.folder ?? ''
  }

  /** In the order of files, lines and columns. */
  sorted(problems: readonly Problem[]): Problem[] {
    const order = new Map(this.#files.map((file, index) => [file.path, index]))
    const file = (problem: Problem) => order.get(problem.file ?? '') ?? -1
    return [...problems].sort((a, b) => file(a) - file(b) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
  }

  /** Of the member, or of the nearest one around it that is written. */
  #origin(path: string): Origin | undefined {
    for (let around = path; around !== ''; around = around.replace(/(\.[^.[\]]+|\[\d+\]|\["(?:[^"\\]|\\.)*"\]|^[^.[\]]+)$/, '')) {
      const origin = this.#origins.get(around)
      if (origin) return origin
    }
    return undefined
  }
}

function filePlace(file: CatalogFile, offset: number): FilePlace {
  return { file: file.path, ...file.yaml.lineColumn(offset) }
}
