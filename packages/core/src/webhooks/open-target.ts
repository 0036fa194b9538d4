import { LRUCache } from 'lru-cache'
import { unsealDefaultSecret } from './default-secret.ts'
import { EndpointSecrets } from './endpoint-secrets.ts'
import type { Owner } from './endpoints.ts'
import { readDefaultSecretRow } from './sql/default-secret.ts'
import { type EndpointToCall, readEndpointToCall } from './sql/read-endpoint.ts'
import type { WebhookDeps } from './webhook-deps.ts'

/** An endpoint as it is now, opened. */
export type OpenEndpoint = Omit<EndpointToCall, 'sealed_secrets' | 'data_key_version'> & {
  content: EndpointSecrets
}

export type Targets = {
  /** Null: it was deleted. */
  endpoint(tenantId: string, id: string): Promise<OpenEndpoint | null>
  /** What calls to messages' own URLs are signed with; null: there is none yet. */
  ownUrls(owner: Owner): Promise<EndpointSecrets | null>
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

  async function openSecret(owner: Owner): Promise<EndpointSecrets | null> {
    const row = await readDefaultSecretRow(tenants.forTenant(owner.tenantId), owner)
    return row && unsealDefaultSecret({ sealer }, owner, row)
  }

  return {
    async endpoint(tenantId, id) {
      const known = endpoints.get(id)
      if (known) return known.found
      const found = await openEndpoint(tenantId, id)
      endpoints.set(id, { found })
      return found
    },
    async ownUrls(owner) {
      const key = `${owner.tenantId} ${owner.mode}`
      const known = secrets.get(key)
      if (known) return known.found
      const found = await openSecret(owner)
      secrets.set(key, { found })
      return found
    },
    forget() {
      endpoints.clear()
      secrets.clear()
    },
  }
}
