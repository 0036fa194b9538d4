import { describe, expect, test } from 'vitest'
import { describeProvider } from '../../test/conformance.ts'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { createCapture } from './index.ts'

const at = (name: string) => `${name}@sandbox.lettergate.dev`
const send = (envelopeTo: string[]) =>
  createCapture().send(
    buildOutboundMessage({ envelopeTo }),
    { id: 'con_1', credentials: {}, settings: {} },
    createTestIo(),
  )
const accepted = { kind: 'accepted', providerMessageId: 'capture-msg_01k9z8y7x6w5v4t3s2r1q0pnmk' }
const rejection = {
  address: at('rejected'),
  kind: 'rejected',
  code: 'recipient-refused',
  reason: expect.stringContaining('550'),
}
const deferral = {
  address: at('deferred'),
  kind: 'deferred',
  code: 'recipient-deferred',
  reason: expect.stringContaining('451'),
}

describe('capture', () => {
  test.each(['anyone@example.org', at('delivered'), at('bounced'), at('complained')])(
    '%s is accepted at once',
    async (address) => {
      expect(await send([address])).toEqual(accepted)
    },
  )
  test('rejected@ and deferred@ decide the outcome when they are alone', async () => {
    expect(await send([at('rejected')])).toMatchObject({ kind: 'rejected', scope: 'message' })
    expect(await send([at('Deferred').toUpperCase()])).toMatchObject({ kind: 'deferred' })
  })
  test('among others they are refused by name', async () => {
    const outcome = await send(['anyone@example.org', at('rejected'), at('deferred')])
    expect(outcome).toEqual({ ...accepted, refused: [rejection, deferral] })
  })
  test('together they leave only the deferred one to try again', async () => {
    expect(await send([at('rejected'), at('deferred')])).toMatchObject({
      kind: 'deferred',
      refused: [rejection],
    })
  })
})

describeProvider('capture', createCapture)
