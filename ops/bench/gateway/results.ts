import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { machine } from '../report.ts'
import { contendersOf, markdown, ratios } from './summary.ts'
import type { StageResult } from './rounds.ts'

const file = join(import.meta.dirname, '../RESULTS.md')

/** What stands in the fenced block of each section. */
const stored = z.object({ ratios: z.record(z.string(), z.number().positive()) })

const introduction = `# Results of \`npm run bench -- gateway\`, \`-- hub\`, \`-- growth\` and \`-- exchanges\`

Written by the command itself, section by section; not to be edited. CPU is the time all threads of the server's process ran, per request, by the kernel's own count (schedstat); in process, by the process's. Contenders take turns; the lowest and the
median of the rounds are shown, and the ratio of the lowest to that of a server which parses the request and writes the ready answer with JSON.stringify, in the same run. Every answer was checked for its status and for
errors, the first ones of each contender against graphql-js, as data. Ours runs as it ships, with a line of log per request; its peers log
errors only. On a busy machine figures of one contender move by half from run to run: compare within a run.
`

/** Replaces the section of this stage. */
export async function writeResults(result: StageResult, command: string): Promise<void> {
  const kept = Object.fromEntries([...ratios(result.cases)].map(([name, ratio]) => [name, Number(ratio.toFixed(3))]))
  await writeSection(result.name, command, contendersOf(result), [
    markdown(result),
    'What `npm run bench -- check` compares with, ours over the plain limit:',
    ['```json', JSON.stringify({ ratios: kept }, null, 2), '```'].join('\n'),
  ])
}

/** Replaces the section of this name, or adds it. `versions` are lines of a list. */
export async function writeSection(name: string, command: string, versions: string, parts: readonly string[]): Promise<void> {
  const title = `## ${name}\n`
  const others = (await sections()).filter(section => !section.startsWith(title))
  const head = [`- Command: \`${command}\``, `- Date: ${new Date().toISOString().slice(0, 16)} UTC`, `- Machine: ${machine()}`, versions].join('\n')
  await writeFile(file, [introduction, ...[...others, `${title}\n${[head, ...parts].join('\n\n')}\n`].toSorted()].join('\n'))
}

/** Those that are in the file; none where there is no file yet. */
async function sections(): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return text.split(/^(?=## )/m).slice(1).map(section => `${section.trimEnd()}\n`)
}

/** Ours over the plain limit when the results were written, by case. */
export async function storedRatios(): Promise<Readonly<Record<string, number>>> {
  const blocks = (await sections()).flatMap(section => [...section.matchAll(/```json\n([\s\S]*?)\n```/g)].map(([, json]) => stored.parse(JSON.parse(json ?? '')).ratios))
  if (blocks.length === 0) throw new Error(`${file} has no ratios to check against: "npm run bench -- gateway --write" writes them.`)
  return Object.assign({}, ...blocks)
}
