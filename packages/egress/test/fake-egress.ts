import type { Egress, TenantEgress } from '../src/egress.ts'

const permitted = { ok: true, rule: 'public-internet' } as const
const noNetwork = () => Promise.reject(new Error('no network in this test'))

/** An egress that opens no socket and permits everything, the same for every tenant. */
export function createFakeEgress(
  change: Partial<TenantEgress> = {},
): TenantEgress & Pick<Egress, 'forTenant'> {
  const egress: TenantEgress = {
    connect: noNetwork,
    request: noNetwork,
    checkTarget: async () => permitted,
    checkResolvedTarget: async () => permitted,
    ...change,
  }
  return { ...egress, forTenant: () => egress }
}
