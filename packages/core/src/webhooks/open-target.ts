import { LRUCache } from 'lru-cache'
import { EndpointSecrets } from './endpoint-secrets.ts'
import { type EndpointToCall, readDefaultSecretRow, readEndpointToCall } from './sql/read-endpoint.ts'
import type { WebhookDeps } from './webhook-deps.ts'

/** An endpoint as it is now, opened. */
export type OpenEndpoint = Omit<EndpointToCall, 'sealed_secrets' | 'data_key_version'> & {
  content: EndpointSecrets
}

export type Targets = {
  /** Null: it was deleted. */
  endpoint(tenantId: string, id: string): Promise<OpenEndpoint | null>
  /** What calls to messages' own URLs are signed with; null: there is none yet. */
  ownUrls(tenantId: string, mode: string): Promise<EndpointSecrets | null>
  /** Opens all of them again: something was changed. */
  forget(): void
}

/** A change of an endpoint holds for every call that begins after this time. */
const TTL_MS = 2_000
const MAX = 10_000

/** Opens what calls are made with; kept for two seconds. */
export function createTargets({ tenants, sealer }: Pick<WebhookDeps, 'tenants' | 'sealer'>): Targets {
  const endpoints = new LRUCache<string, { found: OpenEndpoint | null }>({ max: MAX, ttl: TTL_MS })
  const secrets = new LRUCache<string, { found: EndpointSecrets | null }>({ max: MAX, ttl: TTL_MS })

  async function openEndpoint(tenantId: string, id: string): Promise<OpenEndpoint | null> {
    const row = await readEndpointToCall(tenants.forTenant(tenantId), tenantId, id)
    if (!row) return null
    const { sealed_secrets: sealed, data_key_version: dataKeyVersion, ...rest } = row
    const place = { tenantId, table: 'endpoint', id } as const
    return {
      ...rest,
      content: EndpointSecrets.parse(await sealer.unsealJson(place, { sealed, dataKeyVersion })),
    }
  }

  async function openSecret(tenantId: string, mode: string): Promise<EndpointSecrets | null> {
    const row = await readDefaultSecretRow(tenants.forTenant(tenantId), tenantId, mode)
    if (!row) return null
    const place = { tenantId, table: 'default_secret', id: row.id } as const
    const sealed = { sealed: row.sealed_secrets, dataKeyVersion: row.data_key_version }
    return EndpointSecrets.parse(await sealer.unsealJson(place, sealed))
  }

  return {
    async endpoint(tenantId, id) {
      const known = endpoints.get(id)
      if (known) return known.found
      const found = await openEndpoint(tenantId, id)
      endpoints.set(id, { found })
      return found
    },
    async ownUrls(tenantId, mode) {
      const key = `${tenantId} ${mode}`
      const known = secrets.get(key)
      if (known) return known.found
      const found = await openSecret(tenantId, mode)
      secrets.set(key, { found })
      return found
    },
    forget() {
      endpoints.clear()
      secrets.clear()
    },
  }
}
