export type ConnectionKey = { tenantId: string; connectionId: string }
