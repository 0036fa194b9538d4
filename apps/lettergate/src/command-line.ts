import { ConfigError } from '@lettergate/config/config'
import { Problem } from '@lettergate/contracts/problems/problems'
import { Command, CommanderError } from 'commander'
import { CliError, errorCode } from './cli-error.ts'
import { addAuditCommand } from './commands/audit.ts'
import { addDataCommands } from './commands/data.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addInfoCommand } from './commands/info.ts'
import { addKeyCommands } from './commands/key.ts'
import { addListenCommand } from './commands/listen.ts'
import { addMigrateCommand } from './commands/migrate.ts'
import { addPlanCommands } from './commands/plan.ts'
import { addPoolCommands } from './commands/pool.ts'
import { addStartCommand } from './commands/start.ts'
import { addTenantCommands } from './commands/tenant.ts'
import { addUsageCommand } from './commands/usage.ts'

function buildProgram(): Command {
  const program = new Command('lettergate')
  program.description('Lettergate, a multi-tenant email API gateway').exitOverride().showHelpAfterError()
  addStartCommand(program)
  addMigrateCommand(program)
  addTenantCommands(program)
  addPlanCommands(program)
  addKeyCommands(program)
  addUsageCommand(program)
  addAuditCommand(program)
  addDoctorCommand(program)
  addDataCommands(program)
  addPoolCommands(program)
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
  if (error instanceof Problem)
    return [
      error.code === 'not-found'
        ? 'there is no such thing; check the id or the name'
        : (error.detail ?? error.code),
    ]
  if (errorCode(error) === '42P01') return ['the database has no tables yet; run "npm run migrate" first']
  if (errorCode(error) === 'ECONNREFUSED') return ['the database does not answer']
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)]
}
