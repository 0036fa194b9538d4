import type { RouteGroup } from '../../http/add-routes.ts'
import { createKeyRoute } from './create-key.ts'
import { getKeyRoute } from './get-key.ts'
import { listKeysRoute } from './list-keys.ts'
import { revokeKeyRoute } from './revoke-key.ts'
import { rotateKeyRoute } from './rotate-key.ts'

const BYTES_MAX = 64 * 1024

export const keyRoutes: RouteGroup = {
  tag: 'Keys',
  body: { jsonBytesMax: BYTES_MAX },
  routes: [createKeyRoute, listKeysRoute, getKeyRoute, rotateKeyRoute, revokeKeyRoute],
}
