import type { SesSettings } from './account.ts'

/** Domains of each partition: https://docs.aws.amazon.com/general/latest/gr/ses.html; a test compares them with the SDK's. */
const partitions: { region: RegExp; domain: string; dualStackDomain: string }[] = [
  { region: /^cn-/, domain: 'amazonaws.com.cn', dualStackDomain: 'api.amazonwebservices.com.cn' },
  { region: /^/, domain: 'amazonaws.com', dualStackDomain: 'api.aws' },
]

/** The address of the SES API v2 that these settings lead to. */
export function sesEndpoint(settings: SesSettings): string {
  const { region, endpoint, endpoint_id, base_url } = settings
  if (base_url !== undefined) return base_url
  if (endpoint_id === undefined) return serviceUrl('email', settings)
  const scope = region.startsWith('us-gov-') ? 'us-gov.' : endpoint === 'dual-stack' ? 'global.' : ''
  return `https://${endpoint_id}.endpoints.email.${scope}${domainOf(settings)}`
}

/** The address of the Security Token Service beside it. */
export function stsEndpoint(settings: SesSettings): string {
  return settings.sts_url ?? serviceUrl('sts', settings)
}

/** The address of the Simple Notification Service, which carries the events. */
export function snsEndpoint(settings: SesSettings): string {
  return settings.sns_url ?? serviceUrl('sns', settings)
}

function serviceUrl(service: string, settings: SesSettings): string {
  const fips = settings.endpoint.startsWith('fips') ? '-fips' : ''
  return `https://${service}${fips}.${settings.region}.${domainOf(settings)}`
}

function domainOf({ region, endpoint }: SesSettings): string {
  const partition = partitions.find((candidate) => candidate.region.test(region))
  return (endpoint.endsWith('dual-stack') ? partition?.dualStackDomain : partition?.domain) ?? ''
}
