import type { Capabilities } from '@lettergate/providers/provider'
import { type Carried, cannotCarry, carriedOfStored, goesRaw } from '../routing/index.ts'
import type { LoadedMessage, LoadedRecipient } from './sql/load-claimed.ts'

type Stored = Pick<LoadedMessage, 'document' | 'recipients'>

/** The content of a call to these recipients. */
export function carriedOf({ document, recipients }: Stored, carried: readonly LoadedRecipient[]): Carried {
  const stored = carriedOfStored(document)
  if (!stored.mime) return stored
  const isPart = recipients.some((one) => one.kind !== 'bcc' && !carried.includes(one))
  return { ...stored, mime: { ...stored.mime, isPart } }
}

/** Whether a call to these recipients sends the mail as its client wrote it; `incompatibility`: the provider takes it neither so nor by fields. */
export function formOfCall(
  message: Stored,
  carried: readonly LoadedRecipient[],
  capabilities: Capabilities,
): { takesRaw: boolean } | { incompatibility: string } {
  if (!message.document.mime) return { takesRaw: false }
  const whole = carriedOf(message, carried)
  const incompatibility = cannotCarry(capabilities, whole)
  return incompatibility
    ? { incompatibility: incompatibility.detail }
    : { takesRaw: goesRaw(capabilities, whole) }
}
