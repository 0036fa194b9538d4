import { closeSync, openSync, writeSync } from 'node:fs'

/** One mail that the provider took responsibility for. */
export type ProviderEntry = {
  /** Milliseconds since the epoch. */
  at: number
  /** The gateway's public message id; undefined when the request carried none. */
  messageId: string | undefined
  /** CRC-32 of the request's body: shows whether a repeat had the same body. */
  bodyHash: string
  /** When its sender says that it signed the request (SigV4), as it wrote it. */
  signedAt?: string | undefined
}

/** A request with a fault, whether its mail was accepted or not. */
export type ProviderFaultEntry = { at: number; messageId: string | undefined; fault: string }

export type ProviderLedger = {
  append(entry: ProviderEntry): void
  /** A repeat that was recognised by its key: answered as the first time, and no mail of its own. */
  appendReplay(entry: ProviderEntry): void
  appendFault(entry: ProviderFaultEntry): void
  /** Mails taken. */
  count(): number
  entries(): readonly ProviderEntry[]
  replays(): readonly ProviderEntry[]
  faults(): readonly ProviderFaultEntry[]
  close(): void
}

/** Append-only; with a file, written before the answer is sent, so that it survives the provider's own death. */
export function createProviderLedger(file?: string): ProviderLedger {
  const entries: ProviderEntry[] = []
  const replays: ProviderEntry[] = []
  const faults: ProviderFaultEntry[] = []
  const descriptor = file === undefined ? undefined : openSync(file, 'a')
  const write = (line: object) => {
    if (descriptor !== undefined) writeSync(descriptor, `${JSON.stringify(line)}\n`)
  }
  return {
    append(entry) {
      entries.push(entry)
      write(entry)
    },
    appendReplay(entry) {
      replays.push(entry)
      write({ ...entry, replayed: true })
    },
    appendFault: (entry) => void faults.push(entry),
    count: () => entries.length,
    entries: () => entries,
    replays: () => replays,
    faults: () => faults,
    close() {
      if (descriptor !== undefined) closeSync(descriptor)
    },
  }
}
