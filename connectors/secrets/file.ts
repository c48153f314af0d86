import { constants } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import { HubError } from '../../schema/errors.ts'
import type { SecretProvider } from './provider.ts'

const maxBytes = 64 * 1024

/**
 * Secrets in the files of a folder, one a file, which is called as the secret is; a line break at the end is cut off. Links are followed within the folder, as those of a Kubernetes volume are.
 * A link that leads out of it, what is not a file, a text above 64 KiB or not in UTF-8 → VALIDATION_ERROR.
 */
export function fileSecrets({ folder }: { readonly folder: string }): SecretProvider {
  return {
    where: name => `file ${JSON.stringify(name)} of the folder "${basename(folder)}"`,
    async find(scope, name) {
      scope.signal.throwIfAborted()
      // A name with a path in it may be that of a secret elsewhere.
      if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name)) return undefined
      const file = await opened(folder, name)
      if (!file) return undefined
      try {
        return await textOf(file, name)
      } finally {
        await file.close()
      }
    },
  }
}

async function opened(folder: string, name: string): Promise<FileHandle | undefined> {
  try {
    const root = await realpath(folder)
    const real = await realpath(join(root, name))
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) throw refused(name, 'is a link that leads out of its folder; put the file itself there')
    // What was put there meanwhile is neither followed nor waited for.
    return await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (error instanceof HubError) throw error
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(code)) return undefined
    throw new HubError('UPSTREAM_REJECTED', `The file of secret "${name}" cannot be read (${code}). Check its owner and its mode.`, { secret: name }, { cause: error })
  }
}

async function textOf(file: FileHandle, name: string): Promise<string> {
  if (!(await file.stat()).isFile()) throw refused(name, 'is not a file')
  const bytes = Buffer.alloc(maxBytes + 1)
  let length = 0
  while (length <= maxBytes) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  if (length > maxBytes) throw refused(name, `has more than the ${maxBytes} bytes a secret may have`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, length)).replace(/\r?\n$/, '')
  } catch {
    throw refused(name, 'is not text in UTF-8; keys may be written as base64')
  }
}

function refused(name: string, why: string): HubError {
  return new HubError('VALIDATION_ERROR', `The file of secret "${name}" ${why}.`, { secret: name })
}
