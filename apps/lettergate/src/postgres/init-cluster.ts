import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { spawnOwn } from '../processes.ts'
import type { RunAs } from './run-as.ts'

const MAJOR_VERSION = '18'
export const POSTGRES_USER = 'lettergate'

export type InitOptions = {
  initdb: string
  clusterDir: string
  password: string
  logFile: string
  env: NodeJS.ProcessEnv
  runAs: RunAs
}

/** Makes the cluster unless it is there; built aside and renamed, so a folder that exists is always whole. */
export async function initCluster(options: InitOptions): Promise<void> {
  const { clusterDir } = options
  if (existsSync(clusterDir)) return checkVersion(clusterDir)
  const parent = dirname(clusterDir)
  const aside = `${basename(clusterDir)}.init-`
  for (const name of readdirSync(parent)) {
    if (name.startsWith(aside)) rmSync(join(parent, name), { recursive: true })
  }
  const folder = join(parent, `${aside}${process.pid}`)
  mkdirSync(folder, { mode: 0o700 })
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, options.password, { mode: 0o600 })
  const owner = options.runAs.owner
  if (owner) for (const path of [folder, passwordFile]) chownSync(path, owner.uid, owner.gid)
  await runInitdb(options, join(folder, 'cluster'), passwordFile)
  renameSync(join(folder, 'cluster'), clusterDir)
  rmSync(folder, { recursive: true })
}

async function runInitdb(options: InitOptions, target: string, passwordFile: string): Promise<void> {
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const access = ['--auth=scram-sha-256', `--username=${POSTGRES_USER}`, `--pwfile=${passwordFile}`]
  const command = options.runAs.command(options.initdb, [
    `--pgdata=${target}`,
    ...locale,
    ...access,
    '--no-instructions',
  ])
  const initdb = await spawnOwn({ name: 'initdb', ...command, env: options.env, logFile: options.logFile })
  const { code } = await initdb.exited
  if (code !== 0) {
    throw new CliError(
      `cannot make the database (initdb ended with ${code}): ${initdb.lastLines(1).join('')}`,
    )
  }
}

function checkVersion(clusterDir: string): void {
  const file = join(clusterDir, 'PG_VERSION')
  if (!existsSync(file))
    throw new CliError(`${clusterDir} is not a Postgres folder; move it away and start again`)
  const version = readFileSync(file, 'utf8').trim()
  if (version === MAJOR_VERSION) return
  throw new CliError(
    `${clusterDir} was made by Postgres ${version}, but this Lettergate brings ${MAJOR_VERSION}`,
  )
}
