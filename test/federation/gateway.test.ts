import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { catalogFolder } from '../support/catalog-folder.ts'
import { serve } from '../support/federation.ts'
import { startProgram } from '../support/program.ts'
import { themes } from './themes.ts'

interface Answer {
  readonly data?: unknown
  readonly errors?: readonly { readonly path?: readonly (string | number)[]; readonly extensions: { readonly code: string } }[]
}

/** A long plan, and what fails. */
const chosen = ['@requires chains over three subgraphs', 'what one subgraph fails at']
const cases = Object.values(themes).flat().filter(({ title }) => chosen.some(start => title.startsWith(start)))

test.each(cases)('the program itself, of a supergraph in a file: $title', async ({ subgraphs, asks }) => {
  const served = await Promise.all(subgraphs.map(async one => ({ name: one.name, sdl: one.sdl, ...(await serve(one)) })))
  const folder = catalogFolder({ 'supergraph.graphql': composeSupergraph(served).sdl })
  const gateway = startProgram(['gateway', '--supergraph', 'supergraph.graphql', '--port', '0'], { cwd: folder.folder })
  try {
    const [url] = await gateway.written(/http:\S+/)
    for (const { query, variables, data, errors = [] } of asks) {
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query, variables }) })
      const answer = (await response.json()) as Answer
      expect(JSON.stringify(answer.data)).toBe(JSON.stringify(data))
      const expected = errors.map(([path, code]) => [path, code === 'FAILED' ? 'UPSTREAM_REJECTED' : code])
      expect((answer.errors ?? []).map(({ path = [], extensions }) => [path.join('.'), extensions.code]).toSorted()).toEqual(expected.toSorted())
    }
    expect((await gateway.stop()).code).toBe(0)
  } finally {
    await gateway.stop('SIGKILL')
    for (const one of served) await one.close()
    folder.remove()
  }
}, 120_000)

test('the cases chosen are there', () => {
  expect(cases).toHaveLength(chosen.length)
})
