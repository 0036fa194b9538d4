import { BaseSequencer, type TestSpecification } from 'vitest/node'

const NEEDS_DATABASE = /\.db\.test\.ts$/

/** Files that need a database first: they take longest, and the short ones fill the end of the run on all cores. */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isShort = ({ moduleId, project }: TestSpecification) =>
      project.name === 'tests' && !NEEDS_DATABASE.test(moduleId)
    return [...sorted.filter((file) => !isShort(file)), ...sorted.filter(isShort)]
  }
}
