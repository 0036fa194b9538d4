import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Waits for half a minute on any machine. */
const WAITS_LONG = /\/slow-clients\.db\.test\.ts$/
const NEEDS_DATABASE = /\.db\.test\.ts$/

function rankOf({ moduleId, project }: TestSpecification): number {
  if (project.name !== 'tests' || WAITS_LONG.test(moduleId)) return 0
  return NEEDS_DATABASE.test(moduleId) ? 1 : 2
}

/** Files that need a database first: they take longest, and the short ones fill the end of the run on all cores. */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((one, other) => rankOf(one) - rankOf(other))
  }
}
