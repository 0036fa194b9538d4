import { loadConfig } from '@lettergate/config/config'
import { type Finding, inspectGateway } from '@lettergate/core/domains'
import { createDns } from '@lettergate/egress/dns'
import type { Command } from 'commander'
import { z } from 'zod'
import { CliError } from '../cli-error.ts'
import { type Column, printRows } from '../lib/print-table.ts'
import { parseOptions } from './parse-options.ts'

/** Nobody waits for a form here, and slow name servers are part of the answer. */
const QUESTIONS_MS = 15_000

const Options = z.object({ dkim: z.array(z.string()).default([]), json: z.boolean().default(false) })

const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red', unknown: 'yellow' } as const
const COLUMNS: Column<Finding>[] = [
  { title: 'Result', value: ({ result }) => result, colour: ({ result }) => COLOURS[result] },
  { title: 'Check', value: ({ check }) => check },
  { title: 'Of', value: ({ subject }) => subject },
  { title: 'Found', value: ({ detail }) => detail },
]

/** `lettergate doctor dns`. */
export function addDoctorDnsCommand(doctor: Command): void {
  doctor
    .command('dns')
    .description('check the names and addresses that receivers judge your mail by; exit code 1 if one fails')
    .option('--dkim <name...>', 'whole names of DKIM records to check')
    .option('--json', 'print one JSON array')
    .action(async (given: unknown) => {
      const { dkim, json } = parseOptions(Options, given)
      const config = loadConfig()
      const facts = {
        addresses: config.sendingAddresses,
        heloName: config.heloName ?? null,
        spfInclude: config.spfInclude ?? null,
        returnPathDomain: config.returnPathDomain ?? null,
        dkimNames: dkim,
      }
      const dns = createDns({ allow: config.egressAllow })
      const findings = await dns.within((asker) => inspectGateway(asker, facts), QUESTIONS_MS)
      if (findings.length === 0)
        throw new CliError(
          'there is nothing to check: set LETTERGATE_HELO_NAME, LETTERGATE_ADDRESSES, LETTERGATE_SPF_INCLUDE or LETTERGATE_RETURN_PATH_DOMAIN',
        )
      printRows(COLUMNS, findings, { json })
      const failed = findings.filter(({ result }) => result === 'fail').length
      if (failed > 0) throw new CliError(`${failed} of ${findings.length} checks failed`)
    })
}
