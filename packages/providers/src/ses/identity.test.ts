import { expect, test, vi } from 'vitest'
import { setUpAdapter } from '../../test/adapter.ts'
import { checkSignature } from '../../test/check-signature.ts'
import { type Exchange, playHttp, respond } from '../../test/http-peer.ts'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { createSes } from './index.ts'

const keys = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'wJalrXUtnFEMI' }
const role = { role_arn: 'arn:aws:iam::111122223333:role/mail', external_id: 'tenant-7' }
const accepts = respond(200, '{"MessageId":"0100018b5c3c0a4f-000000"}')
const message = buildOutboundMessage()

const adapter = setUpAdapter({
  create: createSes,
  connectionTo: (port: number) => ({
    credentials: keys,
    settings: { region: 'eu-west-1', base_url: `http://127.0.0.1:${port}` },
  }),
  accepts,
  providerMessageId: '0100018b5c3c0a4f-000000',
})

function assumed(expiresInMs: number) {
  const until = new Date(createTestIo().now().getTime() + expiresInMs).toISOString()
  return respond(
    200,
    `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
      <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>roleSecret</SecretAccessKey>
      <SessionToken>roleToken</SessionToken><Expiration>${until}</Expiration>
    </Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    { 'content-type': 'text/xml' },
  )
}

async function withRole(sts: Parameters<typeof playHttp>[0]) {
  const service = await playHttp(sts)
  const { peer, send, check } = await adapter.start(accepts, {
    credentials: { ...keys, ...role },
    settings: { sts_url: `http://127.0.0.1:${service.port}` },
  })
  return { service, peer, send, check }
}

const fieldsOf = (exchange: Exchange | undefined) => Object.fromEntries(new URLSearchParams(exchange?.body))

test('a role is assumed with the keys and the external id, and its own keys sign the message', async () => {
  const { service, peer, send } = await withRole(assumed(3_600_000))
  expect(await send(message)).toMatchObject({ kind: 'accepted' })
  expect(fieldsOf(service.got[0])).toMatchObject({
    Action: 'AssumeRole',
    RoleArn: role.role_arn,
    ExternalId: 'tenant-7',
    RoleSessionName: 'lettergate',
  })
  expect(service.got[0]?.headers.authorization).toMatch(/Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/sts\//)
  expect(checkSignature(service.got[0], 'wJalrXUtnFEMI')).toBe(true)
  expect(peer.got[0]?.headers.authorization).toMatch(/Credential=ASIAROLE\//)
  expect(peer.got[0]?.headers['x-amz-security-token']).toBe('roleToken')
  expect(checkSignature(peer.got[0], 'roleSecret')).toBe(true)
  await service.close()
})

test('concurrent messages assume the role once, and later messages reuse it until it ends', async () => {
  const { service, peer, send } = await withRole(assumed(3_600_000))
  await Promise.all([send(message), send(message), send(message)])
  await send(message)
  expect(service.got).toHaveLength(1)
  expect(peer.got).toHaveLength(4)
  await service.close()
})

test('a role that ends within five minutes is assumed again', async () => {
  const { service, send } = await withRole(assumed(60_000))
  await send(message)
  await send(message)
  expect(service.got).toHaveLength(2)
  await service.close()
})

const stsError = (status: number, code: string) =>
  respond(
    status,
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`,
    { 'content-type': 'text/xml' },
  )

test.each([
  [403, 'AccessDenied', 'rejected', 'provider-permission-missing'],
  [403, 'InvalidClientTokenId', 'rejected', 'provider-credentials-refused'],
  [403, 'ExpiredTokenException', 'rejected', 'provider-credentials-refused'],
  [400, 'Throttling', 'deferred', 'provider-rate-limited'],
  [503, 'ServiceUnavailable', 'deferred', 'provider-unavailable'],
  [500, 'InternalFailure', 'deferred', 'provider-unavailable'],
])('STS answers %d %s: the message was not sent, %s as %s', async (status, code, kind, expected) => {
  const { service, peer, send, check } = await withRole(stsError(status, code))
  expect(await send(message)).toMatchObject({ kind, code: expected })
  expect((await check()).problem).toMatchObject({ code: expected })
  expect(peer.got).toEqual([])
  await service.close()
})

test('an STS that drops the connection leaves no message unknown, and the next message asks again', async () => {
  const { service, peer, send } = await withRole((response) => void response.socket?.destroy())
  expect(await send(message)).toMatchObject({ kind: 'deferred', code: 'provider-unreachable' })
  await send(message)
  expect(service.got).toHaveLength(2)
  expect(peer.got).toEqual([])
  await service.close()
})

test.each([
  ['no keys', {}],
  ['half of the keys', { access_key_id: 'a' }],
  ['a role alone', { role_arn: role.role_arn }],
  ['an external id without a role', { ...keys, external_id: 'x1' }],
  ['a role of another service', { ...keys, role_arn: 'arn:aws:sts::111122223333:assumed-role/mail/x' }],
])('%s are refused, unless the operator allows the identity of the machine', (_what, credentials) => {
  expect(createSes().credentials.safeParse(credentials).success).toBe(false)
})

test('if the operator allows it, a connection without keys signs with the identity of the machine', async () => {
  const environment = vi.fn(async () => ({ accessKeyId: 'AKIDMACHINE', secretAccessKey: 'machineSecret' }))
  const ses = createSes(environment)
  const peer = await playHttp(accepts)
  const io = createTestIo()
  const connection = {
    id: 'con_1',
    credentials: ses.credentials.parse({}),
    settings: ses.settings.parse({ region: 'eu-west-1', base_url: `http://127.0.0.1:${peer.port}` }),
  }
  expect(await ses.send(message, connection, io)).toMatchObject({ kind: 'accepted' })
  expect(checkSignature(peer.got[0], 'machineSecret')).toBe(true)
  environment.mockRejectedValue(new Error('no role'))
  expect(await ses.send(message, connection, io)).toMatchObject({
    kind: 'rejected',
    scope: 'account',
    code: 'provider-credentials-refused',
  })
  await Promise.all([io.close(), peer.close()])
})

test('environment variables do not change the requests of a connection with keys, or their host', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDWRONG')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong')
  vi.stubEnv('AWS_REGION', 'us-west-2')
  vi.stubEnv('AWS_USE_FIPS_ENDPOINT', 'true')
  vi.stubEnv('AWS_USE_DUALSTACK_ENDPOINT', 'true')
  vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1')
  vi.stubEnv('AWS_SDK_UA_APP_ID', 'not-ours')
  const { peer, check } = await adapter.start(respond(200, '{"SendingEnabled":true,"EmailIdentities":[]}'))
  expect((await check()).problem).toBeNull()
  vi.unstubAllEnvs()
  expect(peer.got).toHaveLength(2)
  for (const exchange of peer.got) {
    expect(exchange.headers.authorization).toMatch(/Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/ses\//)
    expect(JSON.stringify(exchange.headers)).not.toContain('not-ours')
  }
})

test('a multi-region endpoint is named in the message, which is signed for every region', async () => {
  const { peer, send } = await adapter.start(accepts, { settings: { endpoint_id: 'abc123.xyz' } })
  expect(await send(message)).toMatchObject({ kind: 'accepted' })
  const [got] = peer.got
  expect(JSON.parse(got?.body ?? '')).toMatchObject({ EndpointId: 'abc123.xyz' })
  expect(got?.headers['x-amz-region-set']).toBe('*')
  expect(got?.headers.authorization).toMatch(
    /^AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/ses\/aws4_request/,
  )
})
