import { resolve } from 'node:path'
import { styleText } from 'node:util'
import { HubError } from '../../schema/errors.ts'
import type { Call, ValidatedFile } from './commands.ts'

/** Says everything that is wrong with the documents at a path. Answers the exit code: 1 where one of them has an error. */
export async function validate(path: string, { terminal, asJson, actions }: Call): Promise<number> {
  const { validate: read } = await actions()
  if (!read) throw new HubError('INTERNAL', 'The command "validate" is not part of this build.')
  const absolute = resolve(terminal.folder, path)
  const files = (await read(absolute)).map(one => ({ ...one, file: path + one.file.slice(absolute.length) }))
  const isWrong = files.some(({ findings }) => findings.some(({ severity }) => severity === 'ERROR'))
  if (asJson) terminal.out(JSON.stringify({ ok: !isWrong, files }))
  else {
    for (const file of files) for (const line of linesOf(file, terminal.color)) terminal.err(line)
    if (!isWrong) terminal.out(`${path}: ${counted(files)}. No mistakes.`)
  }
  return isWrong ? 1 : 0
}

/** `load.xml:12:5  UNKNOWN_REFERENCE  "customer_cvs" is no dataset …` */
function linesOf({ file, findings }: ValidatedFile, color: boolean): string[] {
  return findings.map(({ severity, code, line, column, message }) => {
    const place = `${file}:${line}:${column}`
    return `${color ? styleText('bold', place, { validateStream: false }) : place}  ${severity === 'WARNING' ? 'warning ' : ''}${code}  ${message}`
  })
}

function counted(files: readonly ValidatedFile[]): string {
  const count = (kind: 'pipeline' | 'job') => files.filter(one => one.kind === kind).length
  return (['pipeline', 'job'] as const).map(kind => `${count(kind)} ${kind}${count(kind) === 1 ? '' : 's'}`).join(', ')
}
