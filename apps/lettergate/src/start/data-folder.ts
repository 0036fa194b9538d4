import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError, errorCode } from '../cli-error.ts'
import { commandLineOf, isAlive } from '../processes.ts'

const FAULTS: Record<string, string> = {
  EACCES: 'this account may not write there',
  EPERM: 'this account may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of that path is a file, not a folder',
  EEXIST: 'there is a file of that name',
}

/** Makes the data folder and proves that it can be written; a `CliError` says why not. */
export function openDataFolder(path: string): void {
  try {
    mkdirSync(join(path, 'log'), { recursive: true, mode: 0o700 })
    const probe = join(path, `.probe-${process.pid}`)
    writeFileSync(probe, '')
    rmSync(probe)
  } catch (cause) {
    const why = FAULTS[errorCode(cause) ?? ''] ?? String(cause)
    throw new CliError(`cannot use the data folder ${path}: ${why}; set LETTERGATE_DATA_DIR to another`, {
      cause,
    })
  }
}

/** Writes a file that only its owner may read, whole or not at all. */
export function writePrivateFile(path: string, content: string): void {
  const aside = `${path}.${process.pid}`
  writeFileSync(aside, content, { mode: 0o600, flush: true })
  renameSync(aside, path)
}

/** The password of the folder's own Postgres, made on first use. */
export function postgresPassword(folder: string): string {
  const path = join(folder, 'postgres-password')
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    const password = randomBytes(24).toString('base64url')
    writePrivateFile(path, `${password}\n`)
    return password
  }
}

export type FolderLock = {
  /** The holder before us was killed: what it started may still be ending. */
  tookOver: boolean
  release(): void
}

/** One start at a time on a folder: two Postgres on the same files would destroy them. */
export function lockDataFolder(folder: string): FolderLock {
  const path = join(folder, 'start.pid')
  const own = `${path}.${process.pid}`
  writeFileSync(own, `${process.pid}\n`, { mode: 0o600 })
  let tookOver = false
  try {
    for (;;) {
      try {
        linkSync(own, path)
        return { tookOver, release: () => rmSync(path, { force: true }) }
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') throw error
      }
      const holder = readHolder(path)
      if (
        holder !== null &&
        holder !== process.pid &&
        isAlive(holder) &&
        /\bmain\.ts start\b/.test(commandLineOf(holder))
      ) {
        throw new CliError(`Lettergate already runs on ${folder} (process ${holder})`)
      }
      rmSync(path, { force: true })
      tookOver = true
    }
  } finally {
    rmSync(own, { force: true })
  }
}

function readHolder(path: string): number | null {
  try {
    return Number(readFileSync(path, 'utf8')) || null
  } catch {
    return null
  }
}
