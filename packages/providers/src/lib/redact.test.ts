import { describe, expect, test } from 'vitest'
import { reportWithoutSecrets, withoutSecrets } from './redact.ts'
import { Secret } from './secret.ts'

const credentials = { username: new Secret('relay@acme.example'), password: new Secret('correct horse+9/x') }
const base64 = (text: string) => Buffer.from(text).toString('base64')
const reasonOf = (reason: string) =>
  withoutSecrets({ kind: 'deferred', code: 'provider-unavailable', reason }, credentials)

describe('the reason of a refusal', () => {
  test.each([
    ['in plain text', '535 no such password: correct horse+9/x', '535 no such password: ***'],
    [
      'as in AUTH PLAIN',
      `500 ? AUTH PLAIN ${base64('\0relay@acme.example\0correct horse+9/x')}`,
      '500 ? AUTH PLAIN ***',
    ],
    ['as in AUTH LOGIN', `500 ? ${base64('correct horse+9/x')}`, '500 ? ***'],
    ['behind one other byte', `500 ? ${base64('.correct horse+9/x')} !`, '500 ? *** !'],
    ['in base64url', `500 ? ${Buffer.from('..correct horse+9/x?').toString('base64url')}`, '500 ? ***'],
  ])('shows no credential %s', (_, said, shown) => {
    expect(reasonOf(said)).toEqual({ kind: 'deferred', code: 'provider-unavailable', reason: shown })
  })

  test.each([
    ['in plain text', '535 no such password: correct ho', '535 no such password: ***'],
    ['but for its last character', '535 correct horse+9/', '535 ***'],
    ['in base64', `500 ? ${base64('correct horse+9/x').slice(0, 12)}`, '500 ? ***'],
    ['in base64, behind the name', `500 ? ${base64('\0x\0correct horse+9/x').slice(0, 13)}`, '500 ? ***'],
  ])('shows no credential that was cut, %s', (_, said, shown) => {
    expect(reasonOf(said)).toEqual({ kind: 'deferred', code: 'provider-unavailable', reason: shown })
  })

  test('is otherwise unchanged', () => {
    const reason = '550 5.1.1 <somebody.with.a.long.name@example.net> mailbox_unavailable'
    expect(reasonOf(reason)).toEqual({ kind: 'deferred', code: 'provider-unavailable', reason })
    const accepted = { kind: 'accepted', providerMessageId: 'correct horse+9/x' } as const
    expect(withoutSecrets(accepted, credentials)).toBe(accepted)
    expect(withoutSecrets({ kind: 'unknown', code: 'outcome-unknown', reason }, null)).toEqual({
      kind: 'unknown',
      code: 'outcome-unknown',
      reason,
    })
  })

  test('shows no credential that lies deeper', () => {
    const deep = {
      oauth2: { refresh_token: new Secret('a refresh token') },
      dkim: [{ key: new Secret('a key') }],
    }
    const outcome = { kind: 'unknown', code: 'outcome-unknown', reason: 'a key, a refresh token' } as const
    expect(withoutSecrets(outcome, deep)).toEqual({ ...outcome, reason: '***, ***' })
  })

  test('shows no credential in the reasons of single recipients', () => {
    const refused = [
      {
        address: 'a@example.net',
        kind: 'rejected' as const,
        code: 'recipient-refused' as const,
        reason: '550 correct horse+9/x',
      },
    ]
    const outcome = {
      kind: 'deferred',
      code: 'provider-unavailable',
      reason: 'correct horse+9/x',
      refused,
    } as const
    expect(withoutSecrets({ ...outcome, refused: [...refused] }, credentials)).toEqual({
      kind: 'deferred',
      code: 'provider-unavailable',
      reason: '***',
      refused: [{ address: 'a@example.net', kind: 'rejected', code: 'recipient-refused', reason: '550 ***' }],
    })
  })

  test('shows no credential that lies deeper', () => {
    const nested = { oauth: { clients: [{ id: 'public-id', secret: new Secret('correct horse+9/x') }] } }
    const outcome = {
      kind: 'deferred',
      code: 'provider-unavailable',
      reason: 'no correct horse+9/x',
    } as const
    expect(withoutSecrets(outcome, nested)).toEqual({ ...outcome, reason: 'no ***' })
  })

  test('shows no credential in notes about the account', () => {
    const problem = {
      code: 'provider-credentials-refused' as const,
      reason: '535 correct horse+9/x',
      advice: ['Do not use correct horse+9/x.'],
    }
    expect(reportWithoutSecrets({ problem, notes: ['correct horse+9/x'] }, { deep: [credentials] })).toEqual({
      problem: { code: problem.code, reason: '535 ***', advice: ['Do not use ***.'] },
      notes: ['***'],
    })
  })
})
