import { z } from 'zod'

/** The part of a path that names a plan. */
export const PlanPath = {
  name: z.string().meta({ description: 'Name of the plan.', examples: ['standard'] }),
}
