/** For messages without a URL of their own. */
export const noCallbacks = { refusal: async () => null, prepare: async () => {} }
