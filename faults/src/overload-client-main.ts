import { type OverloadPlan, overload } from './overload-client.ts'

/* A process of its own, so that it can run on another core than the gateway. Argument: the plan as JSON. */
const plan: OverloadPlan = JSON.parse(process.argv[2] ?? '')
const result = await overload(plan)
process.send?.(result, () => process.exit(0))
