import { type Head, lenientRules, readHead } from '@lettergate/providers/raw-mime/head'

/** The header block of a received mail; one without fields where it cannot be read. */
export function headOf(raw: Buffer): Head {
  const head = readHead(raw, 0, raw.length, lenientRules)
  return 'problem' in head ? { fields: [], bodyStart: 0 } : head
}
