import { ConfigError } from '@lettergate/config/config'
import { Problem } from '@lettergate/contracts/problems/problems'
import { Command, CommanderError } from 'commander'
import { CliError, errorCode } from './cli-error.ts'

/** Each command is loaded when it is named: a whole gateway of modules takes a second to start. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  start: async () => (await import('./commands/start.ts')).addStartCommand,
  migrate: async () => (await import('./commands/migrate.ts')).addMigrateCommand,
  tenant: async () => (await import('./commands/tenant.ts')).addTenantCommands,
  plan: async () => (await import('./commands/plan.ts')).addPlanCommands,
  key: async () => (await import('./commands/key.ts')).addKeyCommands,
  usage: async () => (await import('./commands/usage.ts')).addUsageCommand,
  audit: async () => (await import('./commands/audit.ts')).addAuditCommand,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctorCommand,
  data: async () => (await import('./commands/data.ts')).addDataCommands,
  pool: async () => (await import('./commands/pool.ts')).addPoolCommands,
  listen: async () => (await import('./commands/listen.ts')).addListenCommand,
  info: async () => (await import('./commands/info.ts')).addInfoCommand,
}

async function buildProgram([name = '']: readonly string[]): Promise<Command> {
  const program = new Command('lettergate')
  program.description('Lettergate, a multi-tenant email API gateway').exitOverride().showHelpAfterError()
  const named = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  for (const load of named ? [named] : Object.values(COMMANDS)) (await load())(program)
  return program
}

/** Runs one command; faults that the user can put right are one line each on stderr. Returns the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  try {
    await (await buildProgram(args)).parseAsync([...args], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    for (const line of describe(error)) process.stderr.write(`lettergate: ${line}\n`)
    return 1
  }
}

const NO_ANSWER = 'the database does not answer; check DATABASE_URL, and that Postgres runs'
/** Of the network, of Prisma Client, and of a server that starts or stops. */
const NO_ANSWER_CODE =
  /^(ECONN(REFUSED|RESET)|E(HOST|NET)UNREACH|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|P1\d{3}|P2024|P2028|57P\d\d)$/

function describeDatabase(error: unknown): string | undefined {
  const code = errorCode(error)
  if (code === undefined) return undefined
  if (code === '42P01') return 'the database has no tables yet; run "npm run migrate" first'
  // A wrong password, no right to connect, no such database.
  if (/^(28|3D)/.test(code) && error instanceof Error)
    return `the database refuses the connection: ${error.message}; check DATABASE_URL`
  return NO_ANSWER_CODE.test(code) ? NO_ANSWER : undefined
}

function describe(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.issues
  if (error instanceof CliError) return [error.message]
  if (error instanceof Problem && error.code === 'storage-unavailable') return [NO_ANSWER]
  if (error instanceof Problem)
    return [
      error.code === 'not-found'
        ? 'there is no such thing; check the id or the name'
        : (error.detail ?? error.code),
    ]
  const aboutDatabase = describeDatabase(error)
  if (aboutDatabase !== undefined) return [aboutDatabase]
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)]
}
