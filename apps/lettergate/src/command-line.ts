import { ConfigError } from '@lettergate/config/config'
import { Command, CommanderError } from 'commander'
import { CliError, errorCode } from './cli-error.ts'
import { addInfoCommand } from './commands/info.ts'
import { addKeyCommands } from './commands/key.ts'
import { addListenCommand } from './commands/listen.ts'
import { addMigrateCommand } from './commands/migrate.ts'
import { addStartCommand } from './commands/start.ts'
import { addTenantCommands } from './commands/tenant.ts'

function buildProgram(): Command {
  const program = new Command('lettergate')
  program.description('Lettergate, a multi-tenant email API gateway').exitOverride().showHelpAfterError()
  addStartCommand(program)
  addMigrateCommand(program)
  addTenantCommands(program)
  addKeyCommands(program)
  addListenCommand(program)
  addInfoCommand(program)
  return program
}

/** Runs one command; faults that the user can put right are one line each on stderr. Returns the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  try {
    await buildProgram().parseAsync([...args], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    for (const line of describe(error)) process.stderr.write(`lettergate: ${line}\n`)
    return 1
  }
}

function describe(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.issues
  if (error instanceof CliError) return [error.message]
  if (errorCode(error) === '42P01') return ['the database has no tables yet; run "npm run migrate" first']
  if (errorCode(error) === 'ECONNREFUSED') return ['the database does not answer']
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)]
}
