/** The part of the official client that a test calls; the package has no types of its own. */
declare module '@mailchimp/mailchimp_transactional' {
  function create(apiKey: string): {
    basePath: string
    messages: { sendRaw(body: Record<string, unknown>): Promise<unknown> }
  }
  export = create
}
