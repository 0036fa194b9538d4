import type { RouteGroup } from '../../http/add-routes.ts'
import { createConnectionRoute } from './create-connection.ts'
import { deleteConnectionRoute } from './delete-connection.ts'
import { getConnectionRoute } from './get-connection.ts'
import { listConnectionEventsRoute } from './list-connection-events.ts'
import { listConnectionsRoute } from './list-connections.ts'
import { testConnectionRoute } from './test-connection.ts'
import { updateConnectionRoute } from './update-connection.ts'

/** Credentials that are far too long are refused with their pointer, and not as a body that is too large. */
const BYTES_MAX = 2 * 1024 * 1024

export const connectionRoutes: RouteGroup = {
  tag: 'Connections',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [
    createConnectionRoute,
    listConnectionsRoute,
    getConnectionRoute,
    updateConnectionRoute,
    testConnectionRoute,
    listConnectionEventsRoute,
    deleteConnectionRoute,
  ],
}
