import { Decoder, Encoder, protocolError, type Request } from './client.ts'

const topicResource = 2
const set = 0

/**
 * IncrementalAlterConfigs request, version 0 (api key 44), which kafkajs has only the older whole-or-nothing form of:
 *   resources : int32 count, each
 *     type    : int8      2 = topic
 *     name    : string
 *     configs : int32 count, each
 *       name      : string
 *       operation : int8  0 = set
 *       value     : nullable string
 *   validate only : boolean
 *
 * The response:
 *   throttle time : int32, ms
 *   responses     : int32 count, each
 *     error code, error message, type, name : int16, nullable string, int8, string
 */
export function alterConfigsRequest(topic: string, configs: Readonly<Record<string, string>>): Request<number> {
  return {
    request: {
      apiKey: 44,
      apiVersion: 0,
      apiName: 'IncrementalAlterConfigs',
      async encode() {
        const entries = Object.entries(configs)
        const encoder = new Encoder().writeInt32(1).writeInt8(topicResource).writeString(topic).writeInt32(entries.length)
        for (const [name, value] of entries) encoder.writeString(name).writeInt8(set).writeString(value)
        return encoder.writeBoolean(false)
      },
    },
    response: {
      async decode(payload) {
        const decoder = new Decoder(payload)
        decoder.readInt32()
        decoder.readInt32()
        return decoder.readInt16()
      },
      async parse(code) {
        if (code !== 0) throw protocolError(code)
        return code
      },
    },
  }
}
