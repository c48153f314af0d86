import { HubError } from '../../../schema/errors.ts'
import { code, feature, status } from './codes.ts'
import { Reader } from './reader.ts'
import { readUuid } from './uuid.ts'
import { Writer } from './writer.ts'

export const protocolVersion = [1, 7, 0] as const

export interface Login {
  readonly user: string | undefined
  readonly password: string | undefined
}

/**
 * Handshake request, the first message on a connection:
 *   length      int32
 *   operation   int8 = 1
 *   version     int16 major, minor, patch
 *   client      int8 = 2, a thin client
 *   features    byte array with its type byte, a bit per feature this client reads
 *   attributes  map with its type byte, empty
 *   user, password   strings, only with a login
 */
export function handshakeRequest(login: Login): Buffer {
  const writer = new Writer(256)
  writer.i32(0)
  writer.u8(1)
  for (const part of protocolVersion) writer.i16(part)
  writer.u8(2)
  const mask = Buffer.alloc(3)
  for (const bit of Object.values(feature)) mask[bit >> 3]! |= 1 << (bit & 7)
  writer.u8(code.bytes)
  writer.i32(mask.length)
  writer.raw(mask)
  writer.u8(25)
  writer.i32(0)
  writer.u8(1)
  if (login.user !== undefined) {
    writer.string(login.user)
    writer.string(login.password ?? '')
  }
  writer.buffer.writeInt32LE(writer.at - 4, 0)
  return writer.written
}

export interface Welcome {
  /** Of the server node, as in the partition map. */
  readonly nodeId: string
  readonly features: ReadonlySet<number>
}

/**
 * Handshake answer, success:  int8 = 1, features byte array, node id UUID
 *                   refusal:  int8 = 0, version int16 × 3, message string, status int32
 */
export function readHandshake(body: Buffer, server: string): Welcome {
  const reader = new Reader(body)
  if (reader.bool()) {
    expectCode(reader, code.bytes)
    const mask = reader.bytes(reader.i32())
    expectCode(reader, code.uuid)
    const features = new Set(Array.from({ length: mask.length * 8 }, (_, bit) => bit).filter(bit => ((mask[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0))
    return { nodeId: readUuid(reader), features }
  }
  const version = [reader.i16(), reader.i16(), reader.i16()].join('.')
  const message = reader.string()
  const refused = reader.at + 4 <= body.length ? reader.i32() : status.failed
  const hint = refused === status.authFailed ? ' Check user and password.' : ` The server speaks protocol ${version}, this client ${protocolVersion.join('.')}.`
  throw new HubError('UPSTREAM_REJECTED', `Ignite at ${server} refused the connection: ${message ?? 'without a reason'}.${hint}`, { engine: 'ignite', status: refused })
}

function expectCode(reader: Reader, wanted: number): void {
  const found = reader.u8()
  if (found !== wanted) throw new HubError('UPSTREAM_REJECTED', `The answer to the handshake has type code ${found} where ${wanted} was expected: this does not look like an Ignite server's client port.`)
}
