/** Names of this gateway in the DNS, as its operator set them. */
export type GatewayNames = {
  /** The name that `include:` of tenants' SPF records names; null: none. */
  spfInclude: string | null
  /** Bounces come back to addresses of this domain, and tenants' `bounce.` names lead to it; null: none. */
  returnPathDomain: string | null
  /** Whether several tenants may prove the same domain. */
  mayShare: boolean
}
