import type { Framing } from './outlet.ts'

/**
 * A WebSocket message of the server in one frame (RFC 6455, section 5.2), for connections without extensions:
 *
 *   uint8             0x81: the last frame of a text
 *   uint8             its length, up to 125
 *     or 126, uint16  up to 65,535
 *     or 127, uint64
 *   bytes             the text: the head, the body, and the "}" that closes what the head opened
 */
export const textFrames: Framing = {
  size(head, body) {
    const length = head.length + body.length + 1
    return length + (length > 65_535 ? 10 : length > 125 ? 4 : 2)
  },
  put(into, start, head, body) {
    const length = head.length + body.length + 1
    let at = start
    into[at++] = 0x81
    if (length <= 125) into[at++] = length
    else if (length <= 65_535) {
      into[at++] = 126
      at = into.writeUInt16BE(length, at)
    } else {
      into[at++] = 127
      at = into.writeBigUInt64BE(BigInt(length), at)
    }
    at += head.copy(into, at)
    at += body.copy(into, at)
    into[at++] = 0x7d
    return at
  },
}
