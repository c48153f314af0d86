import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import { promisify } from 'node:util'
import { cacheNames } from '../../connectors/ignite/index.ts'
import { withEngine } from '../support/engines.ts'
import { column, igniteHosts, igniteSubject } from '../support/ignite.ts'

/** The server's side of TLS is a terminator in front of the real engine's client port. */
withEngine('IGNITE_HOST_1', 'Ignite behind TLS', () => {
  let folder: string
  let server: Server
  let host: string
  let certificate: Buffer
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-tls-'))
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert])
    certificate = await readFile(cert)
    const [target, port] = (igniteHosts()[0] ?? '').split(':')
    server = createServer({ key: await readFile(key), cert: certificate }, socket => {
      const plain = connect(Number(port), target)
      for (const end of [socket, plain]) end.on('error', () => end.destroy())
      socket.pipe(plain).pipe(socket)
    })
    server.on('tlsClientError', () => {})
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  })
  afterAll(async () => {
    await new Promise(resolve => server.close(resolve))
    await rm(folder, { recursive: true })
  })

  test('requests and answers of any size pass', async () => {
    const ignite = igniteSubject({ hosts: [host], tls: { ca: certificate } })
    const { rows } = await ignite.table([column('text', 'String')])
    const text = 'x'.repeat(1_000_000)
    await rows.put(ignite.scope, 'k', { text })
    expect(await rows.getAll(ignite.scope, ['k', 'absent'])).toEqual([{ text }, undefined])
    await ignite.close()
  })

  test('a certificate nobody vouches for is refused', async () => {
    const ignite = igniteSubject({ hosts: [host], tls: {} })
    await expect(cacheNames(ignite.scope, ignite.client)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringContaining('self-signed certificate') })
    await ignite.close()
  })
})
