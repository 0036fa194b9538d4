/** Plans: the limits of a tenant, and how a change of them comes into force. */
export { applyLateChanges, applyPlanToTenants } from './apply.ts'
export { createLimitsReader, type LimitsReader } from './limits-reader.ts'
export { checkResourceLimit, resourceLimits } from './resource-limit.ts'
export { type Limits, readLimits } from './sql/read-limits.ts'
