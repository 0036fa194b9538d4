import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { CliError } from '../cli-error.ts'

/** How to start a program of Postgres' on this machine. */
export type RunAs = {
  /** Owner of the data; undefined: the present user. */
  owner: { uid: number; gid: number } | undefined
  /** The command line for a program and its arguments. */
  command(
    program: string,
    args: readonly string[],
  ): { file: string; args: string[]; uid?: number; gid?: number }
}

const asOurselves: RunAs = { owner: undefined, command: (file, args) => ({ file, args: [...args] }) }

/** Lowest bits of a capability set in /proc/self/status (capabilities(7)): DAC_OVERRIDE 1, DAC_READ_SEARCH 2. */
const CAPABILITY = { dac_override: 1n << 1n, dac_read_search: 1n << 2n }

function accountOf(name: string): { uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((candidate) => candidate.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}

/** Whether this account may pass through every folder above `path`. */
function mayReach(path: string, account: { uid: number; gid: number }): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder)
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

function findInPath(program: string, searchPath: string): string | undefined {
  return searchPath
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

function passageCapability(): keyof typeof CAPABILITY | undefined {
  const set = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  if (set === undefined) return undefined
  const held = BigInt(`0x${set}`)
  // The weaker one first: it only reads and passes.
  if (held & CAPABILITY.dac_read_search) return 'dac_read_search'
  return held & CAPABILITY.dac_override ? 'dac_override' : undefined
}

/**
 * Postgres refuses to run as root. For root it is started as the owner of the data, or `postgres`, or `nobody`. Such an account
 * cannot enter a private folder (/root, a fresh `mktemp -d`); it then gets the right to pass, and nothing else, by setpriv(1).
 */
export function runAs(programs: readonly string[], clusterDir: string): RunAs {
  if (process.getuid?.() !== 0) return asOurselves
  const there = statSync(clusterDir, { throwIfNoEntry: false })
  const kept = there && there.uid !== 0 ? { uid: there.uid, gid: there.gid } : undefined
  const owner = kept ?? accountOf('postgres') ?? accountOf('nobody')
  if (!owner) throw new CliError('Postgres does not run as root, and there is no account postgres or nobody')
  const { uid, gid } = owner
  if ([...programs, clusterDir].every((path) => mayReach(path, owner))) {
    return { owner, command: (file, args) => ({ file, args: [...args], uid, gid }) }
  }
  const setpriv =
    process.platform === 'linux' ? findInPath('setpriv', '/usr/bin:/bin:/usr/local/bin') : undefined
  const capability = setpriv ? passageCapability() : undefined
  if (!setpriv || !capability) {
    throw new CliError(
      `Postgres does not run as root, and other accounts cannot enter the folders above ${clusterDir} or ${programs[0]}; run as another user`,
    )
  }
  const grant = [
    // Without it access(2) would ignore the capability, and Postgres asks by access(2) where its own program lies.
    '--securebits=+no_setuid_fixup',
    `--inh-caps=-all,+${capability}`,
    `--ambient-caps=-all,+${capability}`,
    `--bounding-set=-all,+${capability}`,
  ]
  return {
    owner,
    command: (file, args) => ({
      file: setpriv,
      args: [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...grant, file, ...args],
    }),
  }
}
