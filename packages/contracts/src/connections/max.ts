/** Of one tenant: workers keep something of each that is used, in stores that all tenants share, and read all of them for a message. */
export const CONNECTIONS_MAX = 50
