import type { Capabilities } from '@lettergate/providers/provider'
import { createProviders } from '@lettergate/providers/registry'
import { expect, test } from 'vitest'
import { cannotCarry } from './cannot-carry.ts'

const { microsoft365, brevo } = createProviders()
const judge = (document: object, contentBytes: number, { capabilities }: { capabilities: Capabilities }) =>
  cannotCarry({ document }, contentBytes, capabilities)

test('a message on its way is kept from a provider that takes less of the whole, or of its texts', () => {
  const half = 'é'.repeat(750_000)
  expect(judge({ text: half, html: half }, 3_000_000, microsoft365)).toBeNull()
  expect(judge({ text: half, html: `${half}x` }, 3_000_001, microsoft365)).toMatch(/3000000 bytes of text/)
  expect(judge({ text: half, html: `${half}x` }, 3_000_001, brevo)).toBeNull()
  expect(judge({}, 25_000_000, microsoft365)).toBeNull()
  expect(judge({}, 26_000_000, microsoft365)).toMatch(/35000000 bytes/)
})

test('it is kept from one that cannot say its headers or its Reply-To', () => {
  const two = [{ address: 'a@example.net' }, { address: 'b@example.net' }]
  expect(judge({ reply_to: two }, 0, brevo)).toMatch(/1 reply-to/)
  expect(judge({ headers: { 'Idempotency-Key': 'x' } }, 0, brevo)).toMatch(/Idempotency-Key/)
})
