import type { Head } from '@lettergate/providers/raw-mime/head'

/** Why no machine may answer a mail: https://www.rfc-editor.org/rfc/rfc3834 and what servers did before it. */
export type AutoKind = 'bounce' | 'auto-reply' | 'list' | 'bulk'

type Rule = { kind: AutoKind; field: string; value?: RegExp }

/** The first that applies decides. A field without a value applies by being there. */
const RULES: readonly Rule[] = [
  { kind: 'auto-reply', field: 'auto-submitted', value: /^(?!no\b)\s*\S/i },
  { kind: 'auto-reply', field: 'x-autoreply' },
  { kind: 'auto-reply', field: 'x-autorespond' },
  { kind: 'auto-reply', field: 'x-auto-response-suppress' },
  { kind: 'auto-reply', field: 'precedence', value: /^auto[_-]?reply/i },
  { kind: 'list', field: 'list-id' },
  { kind: 'list', field: 'list-unsubscribe' },
  { kind: 'list', field: 'precedence', value: /^list\b/i },
  { kind: 'bulk', field: 'precedence', value: /^(?:bulk|junk)\b/i },
]

/** Whether a mail was sent by a machine; looks at fields and the envelope, never at the subject. */
export function autoKindOf(head: Pick<Head, 'fields'>, sender: string): AutoKind | null {
  if (sender === '' || /^(?:mailer-daemon|postmaster)@/i.test(sender)) return 'bounce'
  const found = RULES.find(({ field, value }) =>
    head.fields.some((one) => one.name === field && (value === undefined || value.test(one.value))),
  )
  return found?.kind ?? null
}
