import { SESv2Client } from '@aws-sdk/client-sesv2'
import { STSClient } from '@aws-sdk/client-sts'
import { expect, test } from 'vitest'
import type { SesSettings } from './account.ts'
import { sesEndpoint, stsEndpoint } from './endpoint.ts'

const regions = ['us-east-1', 'eu-west-1', 'ap-southeast-3', 'us-gov-west-1', 'cn-north-1']
const kinds: SesSettings['endpoint'][] = ['standard', 'fips', 'dual-stack', 'fips-dual-stack']
const cases = regions.flatMap((region) => kinds.map((endpoint) => ({ region, endpoint })))

const origin = (url: URL) => url.href.replace(/\/$/, '')

test.each(cases)('$endpoint of $region is the address that the SDK uses', ({ region, endpoint }) => {
  const asked = { UseFIPS: endpoint.startsWith('fips'), UseDualStack: endpoint.endsWith('dual-stack') }
  const ses = new SESv2Client({ region }).config.endpointProvider({ Region: region, ...asked })
  const sts = new STSClient({ region }).config.endpointProvider({
    Region: region,
    UseGlobalEndpoint: false,
    ...asked,
  })
  expect(sesEndpoint({ region, endpoint })).toBe(origin(ses.url))
  // AWS has no FIPS host of STS in GovCloud: its usual one is validated, and the SDK knows that.
  if (!region.startsWith('us-gov')) expect(stsEndpoint({ region, endpoint })).toBe(origin(sts.url))
})

test.each(cases.filter(({ endpoint }) => !endpoint.startsWith('fips')))(
  'a multi-region endpoint, $endpoint of $region, is the address that the SDK uses',
  ({ region, endpoint }) => {
    const { url } = new SESv2Client({ region }).config.endpointProvider({
      Region: region,
      EndpointId: 'abc123.xyz',
      UseFIPS: false,
      UseDualStack: endpoint === 'dual-stack',
    })
    expect(sesEndpoint({ region, endpoint, endpoint_id: 'abc123.xyz' })).toBe(origin(url))
  },
)

test('a custom address replaces both', () => {
  const settings = { region: 'eu-west-1', endpoint: 'fips' } as const
  expect(sesEndpoint({ ...settings, base_url: 'https://ses.internal.example' })).toBe(
    'https://ses.internal.example',
  )
  expect(stsEndpoint({ ...settings, sts_url: 'https://sts.internal.example' })).toBe(
    'https://sts.internal.example',
  )
})
