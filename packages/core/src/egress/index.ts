/** Egress: what tenants may reach, by their plan and by what the operator added. The guard of `packages/egress` enforces it. */
export { createEgressPolicies, type EgressPolicies } from './policies.ts'
