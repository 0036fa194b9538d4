import { type OverloadPlan, overload } from './overload-client.ts'

/* A process of its own, so that it can run on another core than what it measures. Argument: the plans as JSON, applied together. */
const plans: OverloadPlan[] = JSON.parse(process.argv[2] ?? '[]')
const results = await Promise.all(plans.map(overload))
process.send?.(results, () => process.exit(0))
