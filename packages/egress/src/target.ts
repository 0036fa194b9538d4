export type Scheme = 'https' | 'http' | 'smtp' | 'smtp-plain'
/** Without a scheme a target may use the ports of every encrypted one. */
export type Target = { host: string; port: number; scheme?: Scheme }
