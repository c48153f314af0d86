import type { Hub } from '../hub.ts'
import type { Route } from '../http/routes.ts'
import { alertRoutes } from './alerts.ts'
import { definitionRoutes } from './definitions.ts'
import { draftRoutes } from './drafts.ts'
import { endpointRoutes } from './endpoints.ts'
import { entryRoutes } from './entries.ts'
import { healthRoutes } from './health.ts'
import { openApiRoute } from './openapi.ts'
import { pipelineRoutes } from './pipelines.ts'
import { queryRoutes } from './query.ts'
import { regionRoutes } from './regions.ts'
import { sqlRoutes } from './sql.ts'
import { topicRoutes } from './streams.ts'
import { transactionRoutes } from './transactions.ts'
import { viewRoutes } from './views.ts'

/** The routes of the five systems. Each is an operation of the graph in a route's clothes, so that whoever may not do the one may not do the other. */
export function restRoutes(hub: Hub): readonly Route[] {
  const routes = [...regionRoutes(hub), ...entryRoutes(hub), ...transactionRoutes(hub), ...sqlRoutes(hub), ...healthRoutes(hub), ...queryRoutes(hub), ...viewRoutes(hub), ...endpointRoutes(hub), ...topicRoutes(hub), ...pipelineRoutes(hub), ...definitionRoutes(hub), ...draftRoutes(hub), ...alertRoutes(hub)]
  return [...routes, openApiRoute(hub, routes)]
}
