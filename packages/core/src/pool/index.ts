/** Pool: the connections that the operator shares with all tenants: its settings, who may use it, and the rule against abuse. */
export { forgetReputation } from './sql/forget-reputation.ts'
export { readPoolSetting, updatePoolSetting } from './sql/pool-setting.ts'
export {
  countPool,
  listPoolTenants,
  type PoolTenant,
  readPoolTenant,
  setPoolCeiling,
} from './sql/pool-tenants.ts'
export { setPoolState } from './sql/set-pool-state.ts'
export { createPoolWatch, type PoolCounts } from './watch-pool.ts'
