export type TlsMode = 'implicit' | 'starttls' | 'opportunistic' | 'none'
