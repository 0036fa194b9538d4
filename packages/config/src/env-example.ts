import { settings } from './settings.ts'

/** The text of `.env.example`: every setting with its sentence and its default, all commented out. */
export function envExample(): string {
  const rows = Object.entries(settings.shape).map(([name, schema]) => {
    const { description, example } = schema.meta() ?? {}
    return `# ${description}\n#${name}=${example}\n`
  })
  const head =
    '# Settings of Lettergate, generated from packages/config/src/settings.ts by "npm run env-example".'
  return `${head}\n\n${rows.join('\n')}`
}
