import type { SesSettings } from './account.ts'

/** Domains of each partition: https://docs.aws.amazon.com/general/latest/gr/ses.html; a test compares them with the SDK's. */
const partitions: { region: RegExp; domain: string; dualStackDomain: string }[] = [
  { region: /^cn-/, domain: 'amazonaws.com.cn', dualStackDomain: 'api.amazonwebservices.com.cn' },
  { region: /^/, domain: 'amazonaws.com', dualStackDomain: 'api.aws' },
]

/** The address of the SES API v2 that these settings lead to. */
export function sesEndpoint({ region, endpoint, endpoint_id, base_url }: SesSettings): string {
  if (base_url !== undefined) return base_url
  const domain = domainOf(region, endpoint.endsWith('dual-stack'))
  if (endpoint_id === undefined)
    return `https://email${endpoint.startsWith('fips') ? '-fips' : ''}.${region}.${domain}`
  const scope = region.startsWith('us-gov-') ? 'us-gov.' : endpoint === 'dual-stack' ? 'global.' : ''
  return `https://${endpoint_id}.endpoints.email.${scope}${domain}`
}

/** The address of the Security Token Service beside it. */
export function stsEndpoint({ region, endpoint, sts_url }: SesSettings): string {
  if (sts_url !== undefined) return sts_url
  const fips = endpoint.startsWith('fips') ? '-fips' : ''
  return `https://sts${fips}.${region}.${domainOf(region, endpoint.endsWith('dual-stack'))}`
}

/** The address of the Simple Notification Service, which carries the events. */
export function snsEndpoint({ region, endpoint, sns_url }: SesSettings): string {
  if (sns_url !== undefined) return sns_url
  const fips = endpoint.startsWith('fips') ? '-fips' : ''
  return `https://sns${fips}.${region}.${domainOf(region, endpoint.endsWith('dual-stack'))}`
}

function domainOf(region: string, isDualStack: boolean): string {
  const partition = partitions.find((candidate) => candidate.region.test(region))
  return (isDualStack ? partition?.dualStackDomain : partition?.domain) ?? ''
}
