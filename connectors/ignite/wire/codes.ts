/** Operations of Ignite's binary client protocol, version 1.7, as far as this client speaks it. */
export const op = {
  resourceClose: 0, heartbeat: 1, getIdleTimeout: 2,
  get: 1000, put: 1001, putIfAbsent: 1002, getAll: 1003, putAll: 1004, getAndPut: 1005, getAndReplace: 1006, getAndRemove: 1007, getAndPutIfAbsent: 1008,
  replace: 1009, replaceIfEquals: 1010, containsKey: 1011, containsKeys: 1012, clear: 1013, clearKeys: 1015, removeKey: 1016, removeIfEquals: 1017, removeKeys: 1018,
  removeAll: 1019, size: 1020,
  cacheNames: 1050, createCache: 1053, getOrCreateCache: 1054, getConfiguration: 1055, destroyCache: 1056, partitions: 1101,
  scan: 2000, scanPage: 2001, sql: 2004, sqlPage: 2005, continuousQuery: 2006, continuousEvent: 2007,
  getType: 3002, putType: 3003, binaryConfiguration: 3004,
  txStart: 4000, txEnd: 4001,
} as const
export type OpName = keyof typeof op

/** The byte in front of every value. */
export const code = {
  byte: 1, short: 2, int: 3, long: 4, float: 5, double: 6, char: 7, boolean: 8, string: 9, uuid: 10, javaDate: 11, bytes: 12,
  binaryObjectWrapped: 27, decimal: 30, timestamp: 33, time: 36, null: 101, binaryObject: 103, optimizedObject: 254,
} as const

/** Bits of an answer's flags. */
export const answerFlag = { error: 1, topologyChanged: 2, notification: 4 } as const

/** Bits of the flags in front of a cache operation. */
export const cacheFlag = { keepBinary: 1, transaction: 2, expiry: 4 } as const

/** Bits of a binary object's flags. */
export const objectFlag = { userType: 1, hasSchema: 2, hasRawData: 4, offsetOneByte: 8, offsetTwoBytes: 16, compactFooter: 32 } as const

/** Bits of the feature mask in the handshake. A set bit changes layouts, so only what this client reads is asked for. */
export const feature = { userAttributes: 0, binaryConfiguration: 8, heartbeat: 11, allAffinityMappings: 13 } as const

export const status = {
  failed: 1, invalidOpCode: 2, invalidNodeState: 10, nodeInRecoveryMode: 11, functionalityDisabled: 100, cacheDoesNotExist: 1000, cacheExists: 1001,
  cacheConfigInvalid: 1002, tooManyCursors: 1010, resourceDoesNotExist: 1011, securityViolation: 1012, txLimitExceeded: 1020, txNotFound: 1021, authFailed: 2000,
} as const
