import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { openLake } from '../../connectors/lake/index.ts'
import type { RunObjects } from '../../connectors/ports/object-store.ts'
import { openS3Objects, type S3ObjectsOptions } from '../../connectors/s3/object-store.ts'
import { asHubError } from '../../schema/errors.ts'
import { withEngine } from '../support/engines.ts'
import { openBucket, type S3Bucket } from '../support/s3.ts'
import { openS3Proxy } from '../support/s3-proxy.ts'
import { testScope } from '../support/scope.ts'

jest.setTimeout(120_000)

withEngine('S3_ENDPOINT', 'objects of S3 as files of a run', endpoint => {
  let bucket: S3Bucket
  let folder: string
  let opened: { close(): Promise<void> }[]

  beforeEach(async () => {
    bucket = await openBucket(endpoint)
    folder = await mkdtemp(join(tmpdir(), 'tributary-s3-objects-'))
    opened = []
  })
  afterEach(async () => {
    for (const one of opened) await one.close()
    await bucket.close()
    await rm(folder, { recursive: true })
  })

  const open = (options: Partial<S3ObjectsOptions> = {}): RunObjects => {
    const objects = openS3Objects({ source: 'landing', ...bucket.reach, prefix: '', folder, mostBytes: 1 << 30, ...options })
    opened.push(objects)
    return objects
  }
  const proxied = async (...given: Parameters<typeof openS3Proxy> extends [string, infer Hooks] ? [Hooks] : never) => {
    const proxy = await openS3Proxy(endpoint, ...given)
    opened.push(proxy)
    return proxy.endpoint
  }
  const file = async (content: Buffer | string) => {
    const path = join(folder, randomBytes(8).toString('hex'))
    await writeFile(path, content)
    return path
  }

  test('D-35 keys of any characters are found, read, fetched and put; none that a path cannot say is passed over in silence', async () => {
    const [objects, scope] = [open({ prefix: 'crm/' }), testScope()]
    const names = ['a b.csv', '100%25 %.csv', 'ä–名🙂.csv', `it's (1) [x] {y} & "z" <t>.csv`, 'a+b=c,d;e:f@g!$^~`|#.csv', '?.csv', '*.csv', 'x'.repeat(150).concat('é'.repeat(50), '.csv')]
    for (const name of names) await objects.put(scope, `in/${name}`, await file(name))
    expect(await bucket.keys()).toEqual(names.map(name => `crm/in/${name}`).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
    const found = await objects.find(scope, 'in/*.csv')
    expect(found.map(({ path }) => path)).toEqual(names.map(name => `in/${name}`).sort())
    for (const { path } of found) expect(await readFile(await objects.local(scope, path), 'utf8')).toBe(path.slice(3))
    for (const name of names.filter(one => !/[*?]/.test(one))) expect((await objects.find(scope, `in/${name}`)).map(({ path }) => path)).toEqual([`in/${name}`])
    await bucket.put('crm/deep/day=1/a.csv', 'x')
    expect(await objects.local(scope, 'deep/day=1/a.csv')).toMatch(/\/deep\/day=1\/a\.csv$/)
    await bucket.remove('crm/deep/day=1/a.csv')
    await bucket.put('crm/in/a\\b.csv', 'x')
    await expect(objects.find(scope, 'in/*.csv')).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('"in/a\\b.csv"') })
    for (const { path } of found) await objects.remove(scope, path)
    expect(await bucket.keys()).toEqual(['crm/in/a\\b.csv'])
  })

  test('D-35 nothing beside the prefix is found or reached, and what stands for a folder is no file', async () => {
    for (const key of ['crm/a.csv', 'crm/deep/b.csv', 'crmother/c.csv', 'top.csv']) await bucket.put(key, key)
    await bucket.put('crm/', '')
    const [objects, scope] = [open({ prefix: 'crm/' }), testScope()]
    expect((await objects.find(scope, '**')).map(({ path }) => path)).toEqual(['a.csv', 'deep/b.csv'])
    expect((await objects.find(scope, '*')).map(({ path }) => path)).toEqual(['a.csv'])
    for (const path of ['../top.csv', 'deep/../../top.csv', '/top.csv']) await expect(objects.read(scope, path, 100)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect([await objects.read(scope, '%2e%2e/top.csv', 100), await objects.read(scope, '..%2ftop.csv', 100)]).toEqual([undefined, undefined])
  })

  test('D-12 more objects than a page of the list has are all found, once', async () => {
    const [objects, scope] = [open(), testScope()]
    const keys = Array.from({ length: 1_100 }, (_, n) => `in/${n % 3 === 0 ? 'deep/' : ''}part-${String(n).padStart(5, '0')}.csv`)
    for (let at = 0; at < keys.length; at += 50) await Promise.all(keys.slice(at, at + 50).map(key => bucket.put(key, '1')))
    expect((await objects.find(scope, 'in/**')).map(({ path }) => path)).toEqual([...keys].sort())
    expect(await objects.find(scope, 'in/part-*.csv')).toHaveLength(keys.filter(key => !key.includes('deep')).length)
    expect(await objects.find(scope, 'in/part-00*1.csv')).toHaveLength(keys.filter(key => /^in\/part-00.*1\.csv$/.test(key)).length)
    const away = testScope()
    away.abort(new Error('left'))
    await expect(objects.find(away, 'in/**')).rejects.toThrow('left')
  })

  test('D-71 a large file goes in parts and comes back whole; nothing of the upload is left', async () => {
    const [objects, scope] = [open(), testScope()]
    const content = randomBytes((20 << 20) + 17)
    await objects.put(scope, 'out/big.bin', await file(content))
    expect((await bucket.get('out/big.bin')).equals(content)).toBe(true)
    expect((await readFile(await objects.local(scope, 'out/big.bin'))).equals(content)).toBe(true)
    const part = await objects.slice(scope, 'out/big.bin', (20 << 20) + 10, 100)
    expect([part?.content.equals(content.subarray((20 << 20) + 10)), part?.bytes]).toEqual([true, content.length])
    await objects.put(scope, 'out/empty', await file(''))
    expect([await objects.slice(scope, 'out/empty', 0, 10), (await readFile(await objects.local(scope, 'out/empty'))).length]).toMatchObject([{ bytes: 0 }, 0])
    expect(await bucket.uploads()).toEqual([])
  })

  test('D-71 who leaves while a file is put leaves what was there, and no parts', async () => {
    await bucket.put('out/big.bin', 'before')
    const scope = testScope()
    const via = await proxied({ before: ({ url = '' }) => (url.includes('partNumber=3') ? scope.abort(new Error('left')) : undefined) })
    await expect(open({ endpoint: via }).put(scope, 'out/big.bin', await file(randomBytes(40 << 20)))).rejects.toThrow('left')
    expect([(await bucket.get('out/big.bin')).toString(), await bucket.uploads(), await bucket.keys()]).toEqual(['before', [], ['out/big.bin']])
  })

  test('D-71 a store that says in a good answer that it failed has not put the file', async () => {
    await bucket.put('out/big.bin', 'before')
    let isOver = false
    const via = await proxied({
      before: ({ method, url = '' }) => { isOver ||= method === 'POST' && url.includes('uploadId=') },
      after: ({ method, url = '' }) => (method === 'POST' && url.includes('uploadId=') ? { text: '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>We are sorry.</Message></Error>' } : 'pass'),
    })
    await expect(open({ endpoint: via }).put(testScope(), 'out/big.bin', await file(randomBytes(9 << 20)))).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: 'Source "landing" does not answer now: InternalError: We are sorry.' })
    expect([isOver, await bucket.uploads()]).toEqual([true, []])
  })

  test('of two who make an object one does, also where the answer to the first is lost', async () => {
    const lost = new Set<string>()
    const via = await proxied({ after: ({ method, url = '' }) => (method === 'PUT' && !lost.has(url) && lost.add(url) ? 'lost' : 'pass') })
    const [objects, scope] = [open({ endpoint: via }), testScope()]
    expect(await objects.create(scope, 'v/1.json', 'mine')).toBe(true)
    expect(await objects.create(scope, 'v/1.json', 'other')).toBe(false)
    await bucket.put('v/2.json', 'theirs')
    expect(await objects.create(scope, 'v/2.json', 'mine')).toBe(false)
    expect([(await bucket.get('v/1.json')).toString(), (await bucket.get('v/2.json')).toString()]).toEqual(['mine', 'theirs'])
  })

  test('an object is fetched once for each content, as many at a time as the limit says, and nothing is left when the run has ended', async () => {
    const fetched: string[] = []
    const via = await proxied({ before: ({ method, url = '' }) => void (method === 'GET' && fetched.push(url)) })
    const [objects, scope] = [open({ endpoint: via, mostBytes: 20 }), testScope()]
    await bucket.put('a.csv', '0123456789')
    const [one, same] = [await objects.local(scope, 'a.csv'), await objects.local(scope, 'a.csv')]
    expect([one === same, fetched]).toEqual([true, [`/${bucket.name}/a.csv`]])
    await bucket.put('a.csv', '9876543210')
    expect(await readFile(await objects.local(scope, 'a.csv'), 'utf8')).toBe('9876543210')
    expect(await readFile(one, 'utf8')).toBe('0123456789')
    await bucket.put('b.csv', '0')
    await expect(objects.local(scope, 'b.csv')).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE', message: 'With "b.csv" the objects of source "landing" that a run reads have 21 bytes, which have to lie on this machine; 20 are the limit. Read fewer at a time, or raise pipelines.tempLimit.' })
    expect(await readdir(folder)).toHaveLength(1)
    await objects.close()
    expect(await readdir(folder)).toEqual([])
  })

  test('what still is fetched ends with the run', async () => {
    const came = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    const via = await proxied({ before: ({ method }) => { if (method === 'GET') { came.resolve(); return gone.promise } } })
    const objects = open({ endpoint: via })
    await bucket.put('a.csv', '1')
    const fetching = objects.local(testScope(), 'a.csv').catch(asHubError)
    await came.promise
    await objects.close()
    gone.resolve()
    expect([await fetching, await readdir(folder)]).toMatchObject([{ code: 'CANCELLED', message: 'The run that reads source "landing" has ended.' }, []])
  })

  test('rule 12: what a store that refuses or does not answer is told by has no keys in it', async () => {
    const [scope, secretAccessKey] = [testScope(), 'a-secret-nobody-may-see']
    const closed = await openS3Proxy(endpoint, {})
    await closed.close()
    for (const [options, code] of [[{ secretAccessKey }, 'UPSTREAM_REJECTED'], [{ secretAccessKey, endpoint: closed.endpoint }, 'UPSTREAM_UNAVAILABLE']] as const) {
      const objects = open(options)
      const from = await file(randomBytes(9 << 20))
      for (const work of [() => objects.find(scope, '*'), () => objects.put(scope, 'a', from), () => objects.create(scope, 'a', 'x'), () => objects.remove(scope, 'a')]) {
        const error = asHubError(await work().then(() => undefined, (failure: unknown) => failure))
        expect([error.code, JSON.stringify([error.message, error.details, scope.entries])]).toEqual([code, expect.not.stringContaining(secretAccessKey)])
      }
    }
  })

  test('D-04 the lake works over a bucket as over a folder', async () => {
    const [objects, scope] = [open({ prefix: 'shop/' }), testScope()]
    const lake = openLake(objects)
    const next = async (content: string) => ({ columns: [{ name: 'a', type: 'Int', nullable: true }] as const, partitionBy: [], keep: [], mark: content, about: {}, add: [{ path: `${content}.parquet`, bytes: content.length, from: await file(content) }] })
    const made = await Promise.allSettled([lake.commit(scope, 'service.t', 0, await next('one')), lake.commit(scope, 'service.t', 0, await next('two'))])
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const table = await lake.table(scope, 'service.t')
    const [path = ''] = table ? await lake.paths(scope, table) : []
    expect([await lake.names(scope), table?.version, [await readFile(path, 'utf8')]]).toEqual([['service.t'], 1, table?.marks])
    expect((await bucket.keys()).length).toBe(2)
  })
})
