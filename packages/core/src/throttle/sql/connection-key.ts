export type PaceKey = { tenantId: string; connectionId: string }
