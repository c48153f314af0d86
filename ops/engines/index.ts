import { cassandra } from './cassandra.ts'
import { elasticsearch } from './elasticsearch.ts'
import type { Engine } from './engine.ts'
import { ignite } from './ignite.ts'
import { kafka } from './kafka.ts'
import { mysql } from './mysql.ts'
import { postgres } from './postgres.ts'
import { redis } from './redis.ts'
import { s3 } from './s3.ts'
import { trino } from './trino.ts'

export const engines: readonly Engine[] = [ignite, trino, kafka, postgres, mysql, redis, cassandra, elasticsearch, s3]
