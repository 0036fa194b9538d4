import { settings } from './settings.ts'

/** The text of `.env.example`: every setting with its sentence and its default, all commented out. */
export function envExample(): string {
  const defaults: Record<string, unknown> = settings.parse({})
  const rows = Object.entries(settings.shape).map(
    ([name, { description }]) => `# ${description}\n#${name}=${defaults[name] ?? ''}\n`,
  )
  const head =
    '# Settings of Lettergate, generated from packages/config/src/settings.ts by "npm run env-example".'
  return `${head}\n\n${rows.join('\n')}`
}
