export type SealedConnection = {
  id: string
  provider: string
  settings: unknown
  sealedCredentials: Buffer
  dataKeyVersion: number
  /** Changes when a person stores other credentials, and not when the provider replaced a secret of them. */
  credentialsSince: string
  limits: ConnectionLimits | null
}

/** Limits that the tenant set for a connection; they count recipients. */
export type ConnectionLimits = { per_second?: number; per_day?: number; concurrency?: number }
