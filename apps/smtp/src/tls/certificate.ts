import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, unwatchFile, watchFile, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { type Certificate, makeSelfSigned } from './self-signed.ts'

export type CertificateFiles = { cert: string; key: string }

const LOOK_MS = 5_000

/** Reads both files; throws if they do not fit each other. */
export function readCertificate({ cert, key }: CertificateFiles): Certificate {
  const read = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  createSecureContext(read)
  return read
}

/** Calls back with the certificate whenever a file has changed and both fit; until then the one before it stays in use. */
export function watchCertificate(
  files: CertificateFiles,
  on: { change(certificate: Certificate): void; error(error: unknown): void; lookMs?: number },
): () => void {
  const look = (): void => {
    try {
      on.change(readCertificate(files))
    } catch (error) {
      on.error(error)
    }
  }
  const paths = [files.cert, files.key]
  for (const path of paths) watchFile(path, { interval: on.lookMs ?? LOOK_MS, persistent: false }, look)
  return () => {
    for (const path of paths) unwatchFile(path, look)
  }
}

/** The certificate of a development gateway, made at first use and kept in its data folder. */
export function developmentCertificate(folder: string, names: readonly string[]): CertificateFiles {
  const path = join(folder, 'smtp-certificate.pem')
  const files = { cert: path, key: path }
  try {
    readCertificate(files)
    return files
  } catch {
    mkdirSync(folder, { recursive: true })
    const { key, cert } = makeSelfSigned(
      [...new Set([...names, 'localhost', hostname(), '127.0.0.1'])],
      new Date(),
    )
    const own = `${path}.${randomBytes(6).toString('hex')}`
    // Key and certificate in one file, which appears whole: two processes never mix theirs.
    writeFileSync(own, cert + key, { mode: 0o600, flag: 'wx' })
    try {
      linkSync(own, path)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    } finally {
      rmSync(own)
    }
    return files
  }
}
