import { createEgress } from '@lettergate/egress/egress'
import type { HttpLimits } from '@lettergate/egress/request'
import { createFakeEgress } from '@lettergate/egress/test/fake-egress'
import { createCapture } from '@lettergate/providers/capture/index'
import { Secret } from '@lettergate/providers/lib/secret'
import type { HttpRequest } from '@lettergate/providers/provider'
import { buildFile, startSending, withFiles } from '@lettergate/providers/test/fake-graph'
import { respond } from '@lettergate/providers/test/http-peer'
import { expect, test } from 'vitest'
import { noSecrets } from '../../test/build-message.ts'
import { createIo } from './provider-io.ts'
import type { SecretOwner } from './renew-credentials.ts'

function setUp(owner: SecretOwner | null = null, deadlineMs = 25_000) {
  const asked: [HttpRequest, HttpLimits | undefined][] = []
  const kept: SecretOwner[] = []
  const { signal } = new AbortController()
  const egress = createFakeEgress({
    request: async (request: HttpRequest, limits?: HttpLimits) => {
      asked.push([request, limits])
      return { status: 200, headers: {}, body: Buffer.alloc(0) }
    },
  })
  const secrets = { renew: (one: SecretOwner) => void kept.push(one) }
  const io = createIo({ egress, secrets, now: () => 0 }, { signal }, { owner, deadlineMs })
  return { io, asked, kept, signal }
}
const request = { method: 'GET', url: 'https://api.example.com/', headers: {} } as const

test('a request has the deadline of the call and the usual limit of an answer, unless it sets others', async () => {
  const { io, asked, signal } = setUp()
  await io.request(request)
  await io.request({ ...request, timeoutMs: 500, answerBytesMax: 7 })
  expect(asked).toEqual([
    [request, { signal, timeoutMs: 25_000 }],
    [request, { signal, timeoutMs: 500, answerBytesMax: 7 }],
  ])
})

test('the remaining time of a call decreases', async () => {
  const { io } = setUp(null, 50)
  expect(io.msLeft()).toBeGreaterThan(0)
  await expect.poll(() => io.msLeft()).toBeLessThanOrEqual(0)
})

test('a new secret is stored for the connection that is called, and not for the gateway’s own calls', () => {
  const owner = { tenantId: 't', connectionId: 'c', provider: createCapture() }
  for (const one of [owner, null]) {
    const { io, kept } = setUp(one)
    io.replaceSecret(new Secret('old'), new Secret('fresh'))
    expect(kept).toEqual(one ? [owner] : [])
  }
})

test.each([
  ['is sent to the address from Graph', undefined, { kind: 'accepted' }],
  [
    'is not sent to an address that the guard refuses',
    'http://127.0.0.2:9/x',
    { code: 'provider-egress-refused' },
  ],
])('an upload in pieces %s', async (_, uploadUrl, outcome) => {
  const egress = createEgress({ allow: ['127.0.0.1'] })
  const { signal } = new AbortController()
  const deps = { egress, secrets: noSecrets, now: Date.now }
  const { graph, send, close } = await startSending({
    io: createIo(deps, { signal }, { owner: null, deadlineMs: 25_000 }),
    answer: ({ path }) =>
      uploadUrl !== undefined && path.endsWith('/createUploadSession')
        ? respond(201, JSON.stringify({ uploadUrl }))
        : undefined,
  })
  expect(await send(withFiles(buildFile('a.pdf', 5_000_000), buildFile('b.pdf', 2_500_000)))).toMatchObject(
    outcome,
  )
  expect(graph.left()).toBe(0)
  await egress.close()
  await close()
})
