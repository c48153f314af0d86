import { execFile as execFileWith } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { openGitDefinitions } from '../../connectors/definitions/index.ts'
import type { DefinitionStore } from '../../connectors/ports/definition-store.ts'
import { systemClock } from '../../connectors/ports/scope.ts'
import { conforms } from '../support/conformance.ts'
import { testScope } from '../support/scope.ts'
import { definitionStoreChecks, type DefinitionStoreSubject } from './definition-store.ts'

const execFile = promisify(execFileWith)
const orders = 'applications/shop/service/pipelines/orders.xml'

async function subjectIn(home: string, folder = home): Promise<DefinitionStoreSubject> {
  await mkdir(folder, { recursive: true })
  return {
    store: openGitDefinitions(folder), other: openGitDefinitions(folder),
    scope: subject => testScope({ caller: { subject: subject ?? 'tester' } }),
    async put(file, text) {
      if (text === undefined) return rm(join(folder, file))
      await mkdir(dirname(join(folder, file)), { recursive: true })
      await writeFile(join(folder, file), text)
    },
    text: file => readFile(join(folder, file), 'utf8').catch(() => undefined),
    async files() {
      const found = await readdir(join(folder, 'applications'), { recursive: true, withFileTypes: true })
      return found.filter(one => one.isFile()).map(one => join(one.parentPath, one.name).slice(folder.length + 1)).sort()
    },
    close: () => rm(home, { recursive: true }),
  }
}

const made = () => mkdtemp(join(tmpdir(), 'definitions-'))
const git = async (folder: string, ...args: string[]) => (await execFile('git', ['-c', 'user.name=Gil', '-c', 'user.email=gil@x', '-c', 'commit.gpgsign=false', ...args], { cwd: folder })).stdout
const change = (store: DefinitionStore, file: string, text: string | undefined, scope = testScope()) => store.alone(scope, writer => writer.change(scope, { files: new Map([[file, text]]), message: 'a change', author: 'ann', trailers: {} }))

conforms('definitions in a folder that becomes a repository', definitionStoreChecks, async () => subjectIn(await made()))
conforms('definitions in a folder of a larger repository', definitionStoreChecks, async () => {
  const home = await made()
  await git(home, 'init', '--quiet')
  return subjectIn(home, join(home, 'config', 'hub'))
})

describe('beside git itself', () => {
  let home: string
  let store: DefinitionStore
  beforeEach(async () => {
    home = await made()
    store = openGitDefinitions(home)
  })
  afterEach(() => rm(home, { recursive: true }))

  test('D-112: what the hub commits is a sound repository, with nothing left to commit', async () => {
    await change(store, orders, '<a/>')
    await change(store, 'applications/shop/staging/pipelines/late.xml', '<l/>')
    await change(store, orders, undefined)
    expect(await git(home, 'status', '--porcelain')).toBe('')
    expect(await git(home, 'fsck', '--strict')).toBe('')
    expect(await git(home, 'log', '--format=%an %ae %cn %s')).toBe('ann ann@test tributary a change\n'.repeat(3))
  })

  test('D-112: what somebody has staged is not committed with it, and stays staged', async () => {
    await change(store, orders, '<a/>')
    await writeFile(join(home, 'notes.txt'), 'mine')
    await git(home, 'add', 'notes.txt')
    await change(store, orders, '<b/>')
    expect(await git(home, 'status', '--porcelain')).toBe('A  notes.txt\n')
    expect(await git(home, 'show', '--stat', '--format=', 'HEAD')).toMatch(/^ applications.*orders.xml \| 2 \+-\n 1 file changed/)
  })

  test('D-93: what git commits, packs, tags and rewrites is read as it is then', async () => {
    const first = await change(store, orders, '<a/>')
    await writeFile(join(home, orders), '<by-git/>')
    await git(home, 'commit', '--quiet', '--all', '-m', 'by git\n\nTicket: 7')
    await git(home, 'tag', '-a', 'v1', '-m', 'one')
    await git(home, 'gc', '--quiet')
    const head = (await git(home, 'rev-parse', 'HEAD')).trim()
    expect(await store.placed(testScope(), orders, '<by-git/>')).toEqual({ commit: head, tag: 'v1' })
    const commits = []
    for await (const { commit, author, trailers, files } of store.commits(testScope())) commits.push([commit, author, trailers, [...files.keys()]])
    expect(commits).toEqual([[head, 'Gil', { Ticket: '7' }, [orders]], [first, 'ann', {}, [orders]]])
    await git(home, 'reset', '--quiet', '--hard', first)
    expect(await store.head(testScope())).toBe(first)
  })

  test('D-09: while a git program has the repository the hub waits, and says so where it waits too long', async () => {
    await change(store, orders, '<a/>')
    const lock = join(home, '.git', 'index.lock')
    await writeFile(lock, '')
    const late = testScope({ deadlineMs: 0 })
    await expect(change(store, orders, '<b/>', late)).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('index.lock') })
    const patient = { ...testScope(), clock: systemClock, deadlineMs: Date.now() + 20_000 }
    const waiting = store.alone(patient, writer => writer.change(patient, { files: new Map([[orders, '<b/>']]), message: 'a change', author: 'ann', trailers: {} }))
    await rm(lock)
    expect(await waiting).toMatch(/^[0-9a-f]{40}$/)
  })

  test('D-09: a lock that a hub left when it was killed is nobody\'s', async () => {
    await change(store, orders, '<a/>')
    await writeFile(join(home, '.git', 'index.lock'), 'tributary')
    const scope = { ...testScope(), clock: systemClock, deadlineMs: Date.now() + 20_000 }
    await store.alone(scope, async () => {})
    expect(existsSync(join(home, '.git', 'index.lock'))).toBe(false)
  })

  test('D-09: two processes that change one folder at the same time lose nothing', async () => {
    const program = join(import.meta.dirname, '..', 'support', 'definition-writer.ts')
    await Promise.all(['a', 'b'].map(name => execFile(process.execPath, ['--disable-warning=ExperimentalWarning', program, home, name, '8'])))
    expect((await git(home, 'log', '--format=%s')).trim().split('\n').sort()).toEqual(['a', 'b'].flatMap(name => Array.from({ length: 8 }, (_, nth) => `${name}${nth}`)).sort())
    expect(await git(home, 'ls-files')).toBe(['a', 'b'].flatMap(name => Array.from({ length: 8 }, (_, nth) => `applications/shop/service/pipelines/${name}${nth}.xml\n`)).join(''))
    expect(await git(home, 'status', '--porcelain')).toBe('')
  }, 120_000)

  test('D-91: a link that leads out of the folder is not written through', async () => {
    const outside = await made()
    await mkdir(join(home, 'applications'))
    await symlink(outside, join(home, 'applications', 'shop'))
    await expect(change(store, orders, '<a/>')).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('link') })
    expect(await readdir(outside)).toEqual([])
    await rm(outside, { recursive: true })
  })

  test('D-91: a file that is a link is neither read as a document nor committed as what it leads to', async () => {
    const outside = await made()
    await writeFile(join(outside, 'secret'), 'secret')
    await change(store, orders, '<a/>')
    await rm(join(home, orders))
    await symlink(join(outside, 'secret'), join(home, orders))
    await expect(change(store, orders, '<b/>')).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('link') })
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret')
    await rm(outside, { recursive: true })
  })

  test('D-93: a repository on no branch, and one whose files lie elsewhere, are refused by name', async () => {
    await change(store, orders, '<a/>')
    await git(home, 'worktree', 'add', '--quiet', join(home, 'linked'))
    await expect(openGitDefinitions(join(home, 'linked')).head(testScope())).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: expect.stringContaining('linked worktree') })
    await git(home, 'checkout', '--quiet', '--detach')
    await expect(change(store, orders, '<b/>')).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('no branch') })
  })
})
