import { closeSync, openSync, writeSync } from 'node:fs'

/** One mail that the provider took responsibility for. */
export type ProviderEntry = {
  /** Milliseconds since the epoch. */
  at: number
  /** The gateway's public message id; undefined when the request carried none. */
  messageId: string | undefined
  bodyHash: string
}

export type ProviderLedger = {
  append(entry: ProviderEntry): void
  count(): number
  entries(): readonly ProviderEntry[]
  close(): void
}

/** Append-only; with a file, written before the answer goes out, so that it survives the provider's own death. */
export function createProviderLedger(file?: string): ProviderLedger {
  const entries: ProviderEntry[] = []
  const descriptor = file === undefined ? undefined : openSync(file, 'a')
  return {
    append(entry) {
      entries.push(entry)
      if (descriptor !== undefined) writeSync(descriptor, `${JSON.stringify(entry)}\n`)
    },
    count: () => entries.length,
    entries: () => entries,
    close() {
      if (descriptor !== undefined) closeSync(descriptor)
    },
  }
}
