import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openIgnite } from '../../../../connectors/ignite/index.ts'
import { answerFlag, op } from '../../../../connectors/ignite/wire/codes.ts'
import { everyColumn, everyValue } from '../../../support/ignite.ts'
import { type CapturedFrame, fromText, replayServer } from '../../../support/ignite-replay.ts'
import { type Scenario, scenarios } from '../../../support/ignite-scenarios.ts'
import { testScope } from '../../../support/scope.ts'

const nothing = Object.fromEntries(everyColumn.map(({ name }) => [name, null]))

/** What a real server's bytes mean. The bytes are in fixtures/, captured by test/support/ignite-capture.ts. */
const meanings: Readonly<Record<string, unknown>> = {
  rows: [everyValue, [undefined, nothing], JSON.stringify(everyValue, (_name, value) => (typeof value === 'bigint' ? String(value) : value)), 2],
  schemas: { n: null, note: 'by SQL' },
  pages: [['ID', 'N', '_KEY'], [['k0', 0, 'k0'], ['k1', 1, 'k1']], [['k2', 2, 'k2'], ['k3', 3, 'k3']], 2, true],
  changes: [
    { type: 'CREATED', key: 'k', before: undefined, after: { n: 1, note: null } }, { type: 'UPDATED', key: 'k', before: { n: 1, note: null }, after: { n: 2, note: 'x' } },
    { type: 'REMOVED', key: 'k', before: { n: 2, note: 'x' }, after: undefined },
  ],
  refusals: ['TX_TIMEOUT', 'NOT_FOUND', 'SQL_ERROR', 'VALIDATION_ERROR', { n: 1 }],
}

test('every conversation has a meaning to hold it against', () => {
  expect(Object.keys(meanings)).toEqual(Object.keys(scenarios))
})

const framesOf = async (name: string) => fromText(await readFile(join(import.meta.dirname, 'fixtures', `${name}.frames`), 'utf8'))

/** Holds the conversation again with a server that answers from the frames. */
async function held(scenario: Scenario, frames: readonly CapturedFrame[]): Promise<unknown> {
  const server = await replayServer(frames)
  const client = openIgnite({ hosts: [server.host], heartbeatMs: 600_000 })
  try {
    const found = await scenario(client, testScope()).catch(error => {
      throw new Error(server.difference() ?? 'The conversation failed.', { cause: error })
    })
    expect(server.difference()).toBeUndefined()
    return found
  } finally {
    client.close()
    await server.close()
  }
}

test.each(Object.entries(scenarios))('the captured conversation "%s" is asked word for word, and its answers mean what they meant', async (name, scenario) => {
  expect(await held(scenario, await framesOf(name))).toEqual(meanings[name])
})

test('an event that overtakes the answer which names its query is told when the answer is here', async () => {
  const frames = [...(await framesOf('changes'))]
  const asked = frames.findIndex(({ from, body }) => from === '>' && body.readInt16LE(0) === op.continuousQuery)
  const event = frames.findIndex(({ from, body }, index) => index > asked && from === '<' && (body.readInt16LE(8) & answerFlag.notification) !== 0)
  expect(event).toBeGreaterThan(asked + 1)
  frames.splice(asked + 1, 0, ...frames.splice(event, 1))
  expect(await held(scenarios['changes']!, frames)).toEqual(meanings['changes'])
})
