/** Results of tests as jest writes them with --json. */
export interface JestResults {
  readonly testResults: readonly { readonly name: string; readonly assertionResults: readonly { readonly title: string; readonly status: string; readonly ancestorTitles: readonly string[] }[] }[]
}

export interface RowTest {
  readonly title: string
  /** From the root of the checkout. */
  readonly file: string
  readonly status: 'passed' | 'failed' | 'skipped'
}

/** A check's id may stand before those of rows: `RU18 D-101 a run that was lost …`. */
const beginning = /^(?:[A-Z]{2}\d{2} )?((?:[HMDEC]-\d{2,3}(?:[,:]\s*|\s+))+)/

/** The rows a test's title begins with, each as the requirements write it. */
export function rowsOf(title: string): readonly string[] {
  const [, ids = ''] = beginning.exec(title) ?? []
  return [...new Set(ids.match(/[HMDEC]-\d{2,3}/g))]
}

/** Tests by the row they are about, rows in the order of the requirements. */
export function testsByRow({ testResults }: JestResults, root: string): ReadonlyMap<string, readonly RowTest[]> {
  const found = new Map<string, RowTest[]>()
  for (const { name, assertionResults } of testResults) {
    for (const { title, status, ancestorTitles } of assertionResults) {
      const ids = rowsOf(title).length > 0 ? rowsOf(title) : ancestorTitles.flatMap(rowsOf)
      const test: RowTest = { title, file: name.startsWith(root) ? name.slice(root.length).replace(/^\//, '') : name, status: status === 'passed' || status === 'failed' ? status : 'skipped' }
      for (const id of ids) found.set(id, [...(found.get(id) ?? []), test])
    }
  }
  return new Map([...found].sort(([a], [b]) => order(a) - order(b)))
}

const systems = 'HMDEC'

function order(id: string): number {
  return systems.indexOf(id.charAt(0)) * 1000 + Number(id.slice(2))
}

/** What is there for a row: it holds where at least one test passed and none failed. */
export function verdict(tests: readonly RowTest[]): 'passed' | 'failed' | 'skipped' {
  if (tests.some(({ status }) => status === 'failed')) return 'failed'
  return tests.some(({ status }) => status === 'passed') ? 'passed' : 'skipped'
}

/** Ids of the rows in a file of requirements, in its order: those a line of a table begins with. */
export function idsIn(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^\| ([HMDEC]-\d{2,3}) \|/gm)].map(([, id = '']) => id)
}
