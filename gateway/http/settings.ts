import { z } from 'zod'
import { limitsSettings, persistedSettings } from '../limits/settings.ts'
import { responseCacheSettings } from './response-cache/settings.ts'

export const subscriptionSettings = z.object({
  maxPerCaller: z.number().int().positive().default(1_000).describe('Subscriptions one caller may have open, over all connections.'),
  maxPerConnection: z.number().int().positive().default(200).describe('Operations one WebSocket may have open.'),
  maxLifetimeMs: z.number().int().positive().max(2_000_000_000).default(24 * 60 * 60 * 1000).describe('Longest life of one subscription; it ends with TIMEOUT and its cursor.'),
  maxMessageBytes: z.number().int().positive().default(256 * 1024).describe('Largest WebSocket message a client may send.'),
  maxBufferedBytes: z.number().int().positive().default(1024 * 1024).describe('Bytes waiting in one connection above which it is given no more events, and nothing more is read from a WebSocket.'),
  coalesceMs: z.number().int().min(0).max(1_000).default(5).describe('Events of one connection that come within so many milliseconds of each other leave in one write, but the first after a rest leaves at once; 0 writes each by itself.'),
  initTimeoutMs: z.number().int().positive().default(5_000).describe('How long a WebSocket may wait before it sends connection_init.'),
  pingIntervalMs: z.number().int().positive().default(15_000).describe('Time between two keep-alives; a WebSocket that shows no life in two of them is cut.'),
})

/** How the hub listens, and what it takes from those who call. */
export const frontSettings = z.object({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  port: z.number().int().min(0).max(65_535).default(8080).describe('Port to listen on; 0 takes a free one.'),
  allowedHosts: z.array(z.string().min(1)).default([]).describe('Names, beside those of the loopback, under which an open hub may be called.'),
  corsOrigins: z.array(z.string().min(1)).default([]).describe('Origins whose pages may call, as https://app.example; "*" allows every one. None by default.'),
  maxBodyBytes: z.number().int().positive().default(1024 * 1024).describe('Largest request body.'),
  maxHeaderBytes: z.number().int().min(1_024).default(16 * 1024).describe('Largest request head.'),
  maxConnections: z.number().int().positive().default(10_000).describe('Connections open at a time; more are closed at once.'),
  headersTimeoutMs: z.number().int().positive().default(10_000).describe('How long the head of a request may take to arrive.'),
  bodyTimeoutMs: z.number().int().positive().default(30_000).describe('How long a whole request may take to arrive.'),
  keepAliveTimeoutMs: z.number().int().positive().default(65_000).describe('How long an idle connection stays open.'),
  requestTimeoutMs: z.number().int().positive().max(2_000_000_000).default(30_000).describe('How long one request may wait for its answer.'),
  healthTimeoutMs: z.number().int().positive().default(2_000).describe('How long a health check may take.'),
  drainTimeoutMs: z.number().int().positive().default(10_000).describe('How long requests under way may take to end when the hub stops.'),
  fastPath: z.boolean().default(true).describe('Whether a document that passed the whole pipeline once goes straight to its execution from then on. The answers are the same.'),
  introspection: z.boolean().default(true).describe('Whether clients may read the schema.'),
  explorer: z.boolean().default(true).describe('Whether browsers get GraphiQL.'),
  limits: limitsSettings.prefault({}),
  persisted: persistedSettings.prefault({}),
  responseCache: responseCacheSettings.prefault({}),
  subscriptions: subscriptionSettings.prefault({}),
})
export type FrontSettings = z.output<typeof frontSettings>
