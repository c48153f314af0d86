import { createHash, createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { openSqliteTokenVault, type OpenedTokenVault } from '../../../connectors/token-vault/index.ts'
import { HubError } from '../../../schema/errors.ts'
import { decrypt, type KeyRing, maskerOf, readKeyRing, reveal, tokenize } from '../../../subgraphs/pipelines/mask/index.ts'
import { testScope } from '../../support/scope.ts'

const aKey = (from: number) => Buffer.from(Array.from({ length: 32 }, (_, place) => (from * 31 + place * 7) % 256))
const keyText = (from: number) => aKey(from).toString('base64')
const ring = readKeyRing('mask_key', keyText(1))
/** Two keys, of which the second is the current one. */
const rotated = readKeyRing('mask_key', JSON.stringify({ current: 'k2', keys: { 1: keyText(1), k2: keyText(2) } }))
const foreign = readKeyRing('other_key', keyText(3))

const detokenize = async (...given: Parameters<typeof reveal>) => (await reveal(...given)).map(({ value }) => value)
/** Well-formed, of all of Unicode. */
const texts = fc.string({ unit: 'binary', maxLength: 40 })
const failing = (work: () => unknown): HubError => {
  try {
    work()
  } catch (error) {
    if (error instanceof HubError) return error
    throw error
  }
  throw new Error('It did not fail.')
}

describe('keys', () => {
  const key = aKey(7)
  const sameAs = (text: string) => maskerOf('hash', readKeyRing('k', text))('x')

  test('a key is 32 bytes as base64, base64url or hex, whatever space is around it', () => {
    const written = [key.toString('base64'), key.toString('base64').replace('=', ''), key.toString('base64url'), key.toString('hex'), key.toString('hex').toUpperCase(), `\n ${key.toString('base64')}\r\n`]
    expect(new Set(written.map(sameAs)).size).toBe(1)
    expect(new Set([sameAs(JSON.stringify({ current: '1', keys: { 1: written[0] } })), sameAs(written[0] ?? '')]).size).toBe(1)
  })

  test.each([
    ['', /neither a key nor JSON with keys\. A key is 32 random bytes/],
    ['correct horse battery staple', /neither a key/],
    [key.subarray(1).toString('base64'), /neither a key/],
    [`${key.toString('hex')}00`, /neither a key/],
    [`{"current": "k1", "keys": {"k1": "${key.toString('base64')}"`, /is not JSON\.$/],
    ['{"current":"k1"}', /has no keys/],
    ['{"current":"k1","keys":{}}', /has no keys/],
    [`{"current":"k1","keys":["${key.toString('hex')}"]}`, /has no keys/],
    [`{"current":"k1","keys":{"${key.toString('base64')}":"k1"}}`, /id is none/],
    [`{"current":"k1","keys":{"k1":"${key.toString('hex').slice(2)}"}}`, /has no key under "k1"/],
    [`{"current":"k1","keys":{"k1":7}}`, /has no key under "k1"/],
    [`{"current":"${key.toString('base64')}","keys":{"k1":"${key.toString('base64')}","k2":"${key.toString('hex')}"}}`, /"current" has to be one of k1, k2\.$/],
    [`{"keys":{"k1":"${key.toString('base64')}"}}`, /"current" has to be one of k1\.$/],
  ])('%j is refused with the name of the secret, and nothing of it is repeated', (text, expected) => {
    const error = failing(() => readKeyRing('mask_key', text))
    expect(error).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringMatching(expected) })
    expect(error.cause).toBeUndefined()
    expect(error.message).toContain('"mask_key"')
    const parts = Array.from({ length: Math.max(0, text.length - 11) }, (_, begin) => text.slice(begin, begin + 12)).filter(part => !part.includes('"'))
    for (const part of parts) expect(inspect(error, { depth: 10 })).not.toContain(part)
  })

  test('a ring that is printed shows none of its keys', () => {
    const printed = inspect(rotated, { depth: 20, showHidden: true }) + JSON.stringify(rotated)
    for (const hidden of [1, 2].flatMap(from => [aKey(from).toString('hex'), keyText(from), aKey(from).toString('base64url')])) expect(printed).not.toContain(hidden)
  })

  test('every purpose, every id and every secret has a key of its own', () => {
    const exported = (one: KeyRing, id: string) => (['hash', 'encrypt', 'token', 'format', 'vault'] as const).map(purpose => one.key(purpose, id)?.export().toString('hex'))
    const underAnotherId = readKeyRing('k', JSON.stringify({ current: 'a', keys: { a: keyText(1) } }))
    const keys = [...exported(ring, '1'), ...exported(rotated, 'k2'), ...exported(foreign, '1'), ...exported(underAnotherId, 'a')]
    expect(new Set([...keys, aKey(1).toString('hex')]).size).toBe(21)
    expect(exported(ring, '1')).toEqual(exported(rotated, '1'))
  })

  test('D-62: a strategy that needs a key fails without one, and redact does not', () => {
    expect(failing(() => maskerOf('hash', undefined))).toMatchObject({ code: 'VALIDATION_ERROR', message: 'Strategy "hash" needs a key, and there is none. Name one by "secretRef", or give the application one.' })
    expect(failing(() => maskerOf('encrypt', undefined))).toMatchObject({ code: 'VALIDATION_ERROR' })
    expect(maskerOf('redact', undefined)('123-45-6789')).toBe('***-**-6789')
  })
})

describe('D-64: hash', () => {
  const hash = maskerOf('hash', ring)
  const bytesOf = (hashed: string) => Buffer.from(hashed.split('.')[2] ?? '', 'base64url')

  test('equal values are equal afterwards, others are not, and the key id stands with them', () => {
    expect(hash('ada@example.org')).toBe(hash('ada@example.org'))
    expect(hash('ada@example.org')).toMatch(/^h1\.1\.[A-Za-z0-9_-]{43}$/)
    expect(maskerOf('hash', rotated)('ada@example.org')).toMatch(/^h1\.k2\./)
    fc.assert(fc.property(texts, texts, (a, b) => (hash(a) === hash(b)) === (a === b)))
  })

  test('a table of 10,000 common values recovers none of them without the key', () => {
    const common = Array.from({ length: 10_000 }, (_, nth) => String(nth).padStart(4, '0'))
    const hashed = new Set(common.map(value => bytesOf(hash(value)).toString('hex')))
    expect(hashed.size).toBe(10_000)
    const guesses = (value: string): Buffer[] => {
      const plain = ['sha256', 'sha1', 'md5', 'sha512', 'sha3-256'].flatMap(name => ['', 'h1', 'h1.', 'h1.1.', '1', 'hash', 'tributary mask hash 1'].flatMap(prefix => [prefix + value, value + prefix].map(text => createHash(name).update(text).digest())))
      const weak = ['', '1', 'h1', 'mask_key', 'tributary mask hash 1', Buffer.alloc(32)].map(key => createHmac('sha256', key).update(value).digest())
      const otherKeys = [foreign, rotated].map(other => bytesOf(maskerOf('hash', other)(value)))
      // The key that was given is not the one that hashes, either.
      return [...plain, ...weak, ...otherKeys, createHmac('sha256', aKey(1)).update(value).digest()]
    }
    const beginnings = new Set([...hashed].map(hex => hex.slice(0, 24)))
    expect(common.filter(value => guesses(value).some(guess => beginnings.has(guess.toString('hex').slice(0, 24))))).toEqual([])
    expect(common.filter(value => hashed.has(bytesOf(hash(value)).toString('hex')))).toHaveLength(10_000)
  })
})

describe('D-65: redact', () => {
  const redact = maskerOf('redact', undefined)

  test.each([
    ['123-45-6789', '***-**-6789'],
    ['12345678', '****5678'],
    ['1234567', '****'],
    ['a@b.c', '****'],
    ['', '****'],
    ['ada.lovelace@example.org', '***.********@*******.org'],
    ['+44 20 7946 0958', '+** ** **** 0958'],
    ['Émile Zola', '***** Zola'],
    ['١٢٣٤٥٦٧٨', '****٥٦٧٨'],
    ['山田、太郎と花子です', '**、***花子です'],
  ])('%j becomes %j', (text, expected) => expect(redact(text)).toBe(expected))

  test('characters are counted, not their halves, and a symbol is as hidden as a letter', () => {
    expect(redact('😀😀😀😀😀😀😀')).toBe('****')
    expect(redact('😀😀😀😀😀😀😀😀')).toBe('****😀😀😀😀')
    expect(redact('𝒜𝒷-𝟙𝟚𝟛𝟜𝟝')).toBe('**-*𝟚𝟛𝟜𝟝')
    fc.assert(fc.property(texts, text => {
      const [characters, masked] = [[...text], [...redact(text)]]
      if (characters.length < 8) return masked.join('') === '****'
      return masked.length === characters.length && masked.slice(0, -4).every((one, place) => one === '*' || (one === characters[place] && !/[\p{L}\p{N}\p{M}]/u.test(one))) && masked.slice(-4).join('') === characters.slice(-4).join('')
    }))
  })
})

describe('D-66: encrypt', () => {
  const encrypt = maskerOf('encrypt', ring)

  test('what was encrypted opens with the key, whatever text it was, and is another text every time', () => {
    fc.assert(fc.property(texts, text => {
      const [once, again] = [encrypt(text), encrypt(text)]
      return once !== again && decrypt(ring, once) === text && decrypt(ring, again) === text
    }))
    expect(encrypt('ada')).toMatch(/^e1\.1\.[A-Za-z0-9_-]{42}$/)
    expect(decrypt(ring, encrypt('x'.repeat(1_000_000)))).toHaveLength(1_000_000)
  })

  test('a value altered at any byte, in any bit, is refused, and nothing of the text is told', () => {
    const plain = 'ada@example.org'
    const [head = '', id = '', body = ''] = encrypt(plain).split('.')
    const bytes = Buffer.from(body, 'base64url')
    expect(bytes).toHaveLength(12 + plain.length + 16)
    for (const [place, byte] of bytes.entries()) {
      for (let bit = 0; bit < 8; bit++) {
        const altered = Buffer.from(bytes)
        altered[place] = byte ^ (1 << bit)
        const error = failing(() => decrypt(ring, [head, id, altered.toString('base64url')].join('.')))
        expect(error.code).toBe('VALIDATION_ERROR')
        expect(inspect(error, { depth: 10 })).not.toMatch(/ada|example/)
      }
    }
  })

  test('another character at any place of the text, fewer of them or more are refused', () => {
    const value = maskerOf('encrypt', rotated)('ada@example.org')
    for (const place of value.split('').keys()) {
      for (const other of 'AQgw_-.=1 ') {
        if (value[place] === other) continue
        expect(['VALIDATION_ERROR', 'NOT_FOUND']).toContain(failing(() => decrypt(rotated, value.slice(0, place) + other + value.slice(place + 1))).code)
      }
      expect(failing(() => decrypt(rotated, value.slice(0, place))).code).toBe('VALIDATION_ERROR')
    }
    for (const more of ['A', 'AAAA', '\n', '=', '.']) expect(failing(() => decrypt(rotated, value + more)).code).toBe('VALIDATION_ERROR')
    for (const none of ['', 'ada@example.org', 'e1.1.', 'e1..', maskerOf('hash', ring)('x')]) expect(failing(() => decrypt(rotated, none)).code).toBe('VALIDATION_ERROR')
    expect(failing(() => decrypt(rotated, value.replace('e1.k2.', 'e1.1.'))).code).toBe('VALIDATION_ERROR')
  })

  test('after a rotation old values open, new ones have the new key, and a key that is gone is named', () => {
    const old = encrypt('ada')
    expect(decrypt(rotated, old)).toBe('ada')
    const fresh = maskerOf('encrypt', rotated)('ada')
    expect(fresh).toMatch(/^e1\.k2\./)
    expect(decrypt(rotated, fresh)).toBe('ada')
    expect(failing(() => decrypt(ring, fresh))).toMatchObject({ code: 'NOT_FOUND', message: 'The value was encrypted with key "k2", which is not among the keys. Add it to them; "1" stays the current one.' })
    expect(failing(() => decrypt(foreign, old))).toMatchObject({ code: 'VALIDATION_ERROR', message: expect.stringContaining('another key that is called "1"') })
  })
})

describe('D-63: tokenize', () => {
  const scope = testScope()
  let vault: OpenedTokenVault
  beforeEach(async () => {
    vault = await openSqliteTokenVault({ file: ':memory:' })
  })
  afterEach(() => vault.close())

  const tokens = (some: readonly string[], keepFormat = false, keys = ring) => tokenize(scope, vault, keys, some, { keepFormat })
  const classOf = (character: string) => (/\p{Nd}/u.test(character) ? 'digit' : /\p{Lu}|\p{Lt}/u.test(character) ? 'upper' : /[\p{P}\p{Zs}+]/u.test(character) ? character : 'other')
  const shapeOf = (text: string) => [...text].map(classOf).join(' ')

  test('the same text has the same token, today and tomorrow, so that joins still work', async () => {
    const [ada, grace, again] = await tokens(['ada', 'grace', 'ada'])
    expect(ada).toMatch(/^tok_1_[A-Za-z0-9_-]{22}$/)
    expect(again).toBe(ada)
    expect(grace).not.toBe(ada)
    expect(await tokens(['grace', 'ada'])).toEqual([grace, ada])
    const elsewhere = await openSqliteTokenVault({ file: ':memory:' })
    expect(await tokenize(scope, elsewhere, ring, ['ada'])).toEqual([ada])
    await elsewhere.close()
    expect(await tokens([])).toEqual([])
  })

  test('tokens lead back, in order, with the key they were made with', async () => {
    const some = ['ada', '', '123-45-6789', '😀', 'x'.repeat(10_000), 'a\0b']
    for (const keepFormat of [false, true]) expect(await detokenize(scope, vault, ring, (await tokens(some, keepFormat)).toReversed())).toEqual(some.toReversed())
    await expect(detokenize(scope, vault, foreign, await tokens(['ada']))).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
  })

  test('a token nobody was given, or another tenant was, is not found, and not quoted', async () => {
    const [ada = ''] = await tokens(['ada'])
    await expect(detokenize(scope, vault, ring, [ada, 'tok_1_x'])).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringMatching(/^1 of 2 tokens is not known here/) })
    await expect(detokenize(testScope({ tenant: 'another' }), vault, ring, [ada])).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.not.stringContaining(ada) })
  })

  test('a token never has the plain value in it, and neither has what the vault keeps', async () => {
    await fc.assert(fc.asyncProperty(fc.uniqueArray(fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }), fc.string({ minLength: 1, maxLength: 4 })), { maxLength: 8 }), fc.boolean(), async (some, keepFormat) => {
      const made = await tokens(some, keepFormat)
      const sealed = await vault.find(scope, made)
      for (const [place, text] of some.entries()) {
        // All tokens begin alike.
        if (!'tok_1_'.includes(text)) expect(made[place]).not.toContain(text)
        if (text.length > 4) expect(sealed[place]).not.toContain(text)
        if (text.length > 4) expect(Buffer.from(sealed[place] ?? '', 'base64').includes(text)).toBe(false)
      }
      expect(new Set(made).size).toBe(some.length)
      expect(await detokenize(scope, vault, ring, made)).toEqual(some)
    }))
  })

  test('every letter and digit alone has a token without it', async () => {
    const some = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijlmnpqrsuvwxyz023456789-']
    for (const [place, token] of (await tokens(some)).entries()) expect(token).not.toContain(some[place])
  })

  test('with keepFormat a token has the form of the text and is not the text', async () => {
    const [ssn = '', email = '', name = ''] = await tokens(['123-45-6789', 'Ada.Lovelace@example.org', 'ÉMILE zola 𝒜𝟙'], true)
    expect(ssn).toMatch(/^\d{3}-\d{2}-\d{4}$/)
    expect(email).toMatch(/^[A-Z][a-z]{2}\.[A-Z][a-z]{7}@[a-z]{7}\.[a-z]{3}$/)
    expect(name).toMatch(/^[A-Z]{5} [a-z]{4} [A-Z]\d$/)
    expect(await tokens(['ÉMILE zola 𝒜𝟙', '123-45-6789'], true)).toEqual([name, ssn])
    await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', minLength: 12, maxLength: 40 }), async text => {
      fc.pre([...text].some(character => !/[\p{P}\p{Zs}+]/u.test(character)))
      const [token = ''] = await tokens([text], true)
      expect(shapeOf(token)).toBe(shapeOf(text))
      expect(token).not.toBe(text)
    }))
  })

  test('a text without letters and digits, or a long one, has a token of the usual form', async () => {
    for (const token of await tokens(['', '---', '+', 'x'.repeat(257)], true)) expect(token).toMatch(/^tok_1_/)
    expect(await tokens(['x'.repeat(256)], true)).toEqual([expect.stringMatching(/^[a-z]{256}$/)])
  })

  test('two texts whose tokens meet get two, and keep them: of all numbers of four digits, in whatever order they come', async () => {
    const numbers = Array.from({ length: 10_000 }, (_, nth) => String(nth).padStart(4, '0'))
    const first = await tokens(numbers, true)
    expect(new Set(first).size).toBe(10_000)
    expect(first.filter((token, place) => token === numbers[place])).toEqual([])
    expect(first.filter(token => /^\d{4}$/.test(token)).length).toBeGreaterThan(9_000)
    expect(await tokens(numbers.toReversed(), true)).toEqual(first.toReversed())
    expect(await detokenize(scope, vault, ring, first)).toEqual(numbers)
  })

  test('a format with fewer texts than need one is given up for those that come last', async () => {
    const made = await tokens([...'0123456789'], true)
    expect(new Set(made).size).toBe(10)
    expect(await detokenize(scope, vault, ring, made)).toEqual([...'0123456789'])
    expect(await tokens([...'9876543210'], true)).toEqual(made.toReversed())
  })

  test('hubs that make tokens at the same time agree on them', async () => {
    const numbers = Array.from({ length: 600 }, (_, nth) => String(nth).padStart(3, '0'))
    const [some, others] = await Promise.all([tokens(numbers.slice(0, 400), true), tokens(numbers.slice(200).toReversed(), true)])
    expect(some.slice(200)).toEqual(others.toReversed().slice(0, 200))
    expect(await detokenize(scope, vault, ring, [...some, ...others])).toEqual([...numbers.slice(0, 400), ...numbers.slice(200).toReversed()])
  })

  test('keys of other pipelines take tokens of a format too, and each text opens with its own', async () => {
    const numbers = Array.from({ length: 300 }, (_, nth) => String(nth).padStart(3, '0'))
    const [ours, theirs] = [await tokens(numbers, true), await tokens(numbers, true, foreign)]
    expect(new Set([...ours, ...theirs]).size).toBe(600)
    expect(await detokenize(scope, vault, ring, ours)).toEqual(numbers)
    expect(await detokenize(scope, vault, foreign, theirs)).toEqual(numbers)
    expect(await tokens(numbers, true, foreign)).toEqual(theirs)
  })

  test('after a rotation old tokens lead back, and new ones have the new key', async () => {
    const [old = ''] = await tokens(['ada'])
    const [fresh = ''] = await tokens(['ada'], false, rotated)
    expect(fresh).toMatch(/^tok_k2_/)
    expect(await detokenize(scope, vault, rotated, [old, fresh])).toEqual(['ada', 'ada'])
    await expect(detokenize(scope, vault, ring, [fresh])).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('"k2"') })
  })

  test('an entry of the vault that was moved to another token, or another tenant, does not open', async () => {
    const made = await tokens(['ada', 'grace'])
    const [sealed = ''] = await vault.find(scope, made)
    await vault.put(scope, [{ token: 'tok_1_moved', sealed }])
    await expect(detokenize(scope, vault, ring, ['tok_1_moved'])).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    const another = testScope({ tenant: 'another' })
    await vault.put(another, [{ token: made[0] ?? '', sealed }])
    await expect(detokenize(another, vault, ring, made.slice(0, 1))).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    await expect(tokenize(another, vault, ring, ['ada'])).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
  })

  test('text that is not well-formed is the same as with U+FFFD in its place', async () => {
    const [half, replaced, other] = await tokens(['a\ud800', 'a\ufffd', 'a'])
    expect(half).toBe(replaced)
    expect(other).not.toBe(half)
    expect(await detokenize(scope, vault, ring, [half ?? ''])).toEqual(['a\ufffd'])
  })
})
