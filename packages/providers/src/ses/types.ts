import type { Secret } from '../lib/secret.ts'
import type { ProviderConnection } from '../provider.ts'

/** A role to assume before each call, and the id that its trust policy asks for. */
type AssumedRole = { role_arn?: string | undefined; external_id?: string | undefined }

export type SesCredentials = AssumedRole &
  (
    | {
        access_key_id: Secret
        secret_access_key: Secret
        session_token?: Secret | undefined
      }
    /** The AWS identity of this process, where the operator permits it. */
    | { access_key_id?: undefined }
  )

export type SesSettings = {
  region: string
  endpoint: 'standard' | 'fips' | 'dual-stack' | 'fips-dual-stack'
  endpoint_id?: string | undefined
  base_url?: string | undefined
  sts_url?: string | undefined
  sns_url?: string | undefined
  configuration_set?: string | undefined
}

export type SesConnection = ProviderConnection<SesCredentials, SesSettings>
