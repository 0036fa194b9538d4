import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, ConfigError } from './config.ts'

/**
 * The root key: LETTERGATE_SECRET, or in development the one kept in the data folder (made on first use, mode 0600).
 * Every process of one data folder gets the same key, in any order of their starts.
 */
export function rootSecret(config: Config): KeyObject {
  if (config.secret !== undefined) return config.secret
  const path = join(config.dataDir, 'secret')
  const kept = readIfThere(path) ?? makeSecret(config.dataDir, path)
  if (Buffer.byteLength(kept) < 32)
    throw new ConfigError([`LETTERGATE_SECRET: ${path} holds fewer than 32 bytes`])
  return createSecretKey(Buffer.from(kept))
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function makeSecret(folder: string, path: string): string {
  mkdirSync(folder, { recursive: true })
  const own = `${path}.${randomBytes(6).toString('hex')}`
  writeFileSync(own, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    // A link appears whole or not at all, and fails if another process was first.
    linkSync(own, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(own)
  }
  return readFileSync(path, 'utf8').trim()
}
