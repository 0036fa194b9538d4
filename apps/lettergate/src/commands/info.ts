import { loadConfig } from '@lettergate/config/config'
import { programSettings, programs } from '@lettergate/contracts/smtp-credentials/program-settings'
import type { Command } from 'commander'
import { CliError } from '../cli-error.ts'
import { readDevFile } from '../start/dev-file.ts'

/** Adds `info`: how to reach the gateway that runs here, and the settings of programs that send by SMTP. */
export function addInfoCommand(program: Command): void {
  program
    .command('info')
    .description(
      'show addresses, keys and the SMTP login of the gateway of this folder, and settings for programs',
    )
    .option(
      '--program <name>',
      `only the settings of one program: ${programs.map(({ id }) => id).join(', ')}`,
    )
    .option('--json', 'print one JSON object')
    .action((options: { program?: string; json?: true }) => {
      process.stdout.write(infoText(options))
    })
}

function infoText({ program, json }: { program?: string; json?: true }): string {
  const config = loadConfig()
  const file = readDevFile(config.dataDir)
  if (!file) throw new CliError(`no Lettergate has run on ${config.dataDir}; start it by "npm start"`)
  const { smtp_host: host = '127.0.0.1', smtp_username: username = '', smtp_password: password = '' } = file
  const all = programSettings({
    host,
    starttlsPort: file.smtp_port,
    tlsPort: file.smtp_tls_port,
    username,
    password,
  })
  const chosen = program === undefined ? all : all.filter((one) => one.program === program)
  if (chosen.length === 0)
    throw new CliError(
      `there are no settings for "${program}"; choose one of ${programs.map(({ id }) => id).join(', ')}`,
    )
  if (json) return `${JSON.stringify({ ...file, programs: chosen }, null, 2)}\n`
  const settings = chosen.map(
    ({ title, file: where, text }) => `${title} (${where})\n\n${text.replaceAll(/^(?=.)/gm, '  ')}\n`,
  )
  if (program !== undefined) return `${settings.join('\n')}`
  const width = Math.max(...Object.keys(file).map((name) => name.length))
  const rows = Object.entries(file).map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
  return `${rows.join('\n')}\n\n${settings.join('\n')}`
}
