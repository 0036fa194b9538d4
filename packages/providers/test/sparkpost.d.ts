/** The part of the official client that a test calls; the package has no types of its own. */
declare module 'sparkpost' {
  class SparkPost {
    constructor(apiKey: string, options: { origin: string })
    transmissions: { send(transmission: Record<string, unknown>): Promise<unknown> }
  }
  export = SparkPost
}
