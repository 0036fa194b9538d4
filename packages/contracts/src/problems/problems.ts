type ProblemKind = {
  status: number
  /** Short and the same every time, for people. */
  title: string
  /** One sentence for the reference: when this is answered. */
  summary: string
}

/** Every error answer there is (RFC 9457). Each code has a page in docs/problems; a test keeps both equal. */
export const problems = {
  'malformed-request': {
    status: 400,
    title: 'Malformed HTTP request',
    summary: 'The received bytes are not a valid HTTP request.',
  },
  'malformed-json': {
    status: 400,
    title: 'Malformed JSON',
    summary: 'The body is empty, is not JSON, or has a key that is not allowed.',
  },
  'idempotency-key-invalid': {
    status: 400,
    title: 'Idempotency-Key not valid',
    summary: 'The Idempotency-Key is empty, too long, repeated, or has characters that are not allowed.',
  },
  'cursor-invalid': {
    status: 400,
    title: 'Cursor not valid',
    summary: 'The cursor does not belong to this list.',
  },
  unauthorized: {
    status: 401,
    title: 'Unauthorized',
    summary: 'The request has no valid API key.',
  },
  'insufficient-scope': {
    status: 403,
    title: 'Insufficient scope',
    summary: 'The API key is valid, but does not allow this request.',
  },
  'tenant-suspended': {
    status: 403,
    title: 'Tenant suspended',
    summary: 'The operator has suspended this tenant.',
  },
  'not-found': {
    status: 404,
    title: 'Not found',
    summary: 'There is no such resource, or it is not yours.',
  },
  'cursor-expired': {
    status: 410,
    title: 'Cursor expired',
    summary: 'The cursor is older than the events that are kept. Events after it may be gone.',
  },
  'content-expired': {
    status: 410,
    title: 'Content expired',
    summary: 'The content of the message is deleted; its records are still there.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'Method not allowed',
    summary: 'This address does not support the HTTP method.',
  },
  'not-acceptable': {
    status: 406,
    title: 'Not acceptable',
    summary: 'This address cannot answer in a format that the Accept field allows.',
  },
  'request-timeout': {
    status: 408,
    title: 'Request timeout',
    summary: 'The request did not arrive completely in time.',
  },
  'wrong-state': {
    status: 409,
    title: 'Wrong state',
    summary: 'The present state of the resource does not allow this request.',
  },
  'limit-reached': {
    status: 409,
    title: 'Limit reached',
    summary: 'You have as many of this resource as your plan or the gateway allows.',
  },
  'idempotency-key-in-progress': {
    status: 409,
    title: 'Idempotency-Key in progress',
    summary: 'A request with the same Idempotency-Key is still in progress.',
  },
  'domain-taken': {
    status: 409,
    title: 'Domain taken',
    summary: 'Another tenant has proved that it owns this domain.',
  },
  'payload-too-large': {
    status: 413,
    title: 'Payload too large',
    summary: 'The body or its attachments are too large.',
  },
  'uri-too-long': {
    status: 414,
    title: 'URI too long',
    summary: 'The URL of the request is too long.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'Unsupported media type',
    summary: 'The body is not UTF-8 JSON with the type application/json.',
  },
  'validation-failed': {
    status: 422,
    title: 'Validation failed',
    summary: 'Some values of the request are missing or not allowed.',
  },
  'idempotency-key-reused': {
    status: 422,
    title: 'Idempotency-Key reused',
    summary: 'The Idempotency-Key was used before with a different body.',
  },
  'attachment-rejected': {
    status: 422,
    title: 'Attachment rejected',
    summary: 'An attachment has content, a name or a type that is not allowed.',
  },
  'header-not-allowed': {
    status: 422,
    title: 'Header not allowed',
    summary: 'A custom header has a name that only the gateway sets, or that your provider does not accept.',
  },
  'sender-not-allowed': {
    status: 422,
    title: 'Sender not allowed',
    summary: 'Your tenant has not verified the domain of the from address.',
  },
  'utf8-not-supported': {
    status: 422,
    title: 'UTF-8 address not supported',
    summary: 'An address has non-ASCII characters before the @.',
  },
  'field-not-supported': {
    status: 422,
    title: 'Field not supported',
    summary: 'This gateway or your provider does not support the field.',
  },
  'connection-not-found': {
    status: 422,
    title: 'Connection not found',
    summary: 'The request names a connection that does not exist or is not yours.',
  },
  'url-not-allowed': {
    status: 422,
    title: 'URL not allowed',
    summary: 'This gateway is not permitted to connect to this host, port or URL.',
  },
  'template-error': {
    status: 422,
    title: 'Template error',
    summary: 'The template could not be rendered.',
  },
  'rate-limited': {
    status: 429,
    title: 'Rate limited',
    summary: 'Too many requests arrived in too short a time.',
  },
  'quota-exceeded': {
    status: 429,
    title: 'Quota exceeded',
    summary: 'The request needs more than a limit of your plan has left today or this month.',
  },
  'provider-required': {
    status: 429,
    title: 'Provider required',
    summary: 'The daily share of the common pool is used up, and you have no connection of your own.',
  },
  'headers-too-large': {
    status: 431,
    title: 'Headers too large',
    summary: 'The header fields of the request are too large.',
  },
  'internal-error': {
    status: 500,
    title: 'Internal error',
    summary: 'The gateway failed because of an error of its own.',
  },
  'storage-unavailable': {
    status: 503,
    title: 'Storage unavailable',
    summary: 'The database did not answer in time, or accepts no requests now.',
  },
  overloaded: {
    status: 503,
    title: 'Overloaded',
    summary: 'The gateway is overloaded; nothing was accepted.',
  },
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof problems

/** All codes, in the order of the table. */
export const problemCodes = Object.keys(problems).filter(isProblemCode)

/** One fault of a request: where (RFC 6901 pointer as URI fragment) and what. */
export type ValidationIssue = {
  pointer: string
  detail: string
  /** Only where it differs from the code of the whole answer. */
  code?: ProblemCode | undefined
}

export type ProblemOptions = {
  /** Public: shown to the client as it is. */
  detail?: string | undefined
  errors?: ValidationIssue[] | undefined
  /** Fields of the answer, such as Retry-After. */
  headers?: Record<string, string> | undefined
  /** For the log only. */
  cause?: unknown
}

/** An error that has an answer: thrown anywhere below the api, written by the api alone. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly errors: ValidationIssue[] | undefined
  readonly headers: Record<string, string> | undefined

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    const kind = problems[code]
    super(`${code}: ${options.detail ?? kind.summary}`, { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.status = kind.status
    this.title = kind.title
    this.detail = options.detail ?? kind.summary
    this.errors = options.errors
    this.headers = options.headers
  }
}

/** The `type` of a problem: a reference to its page, relative to the API's own address. */
export function problemType(code: ProblemCode): string {
  return `/problems/${code}`
}

/** Narrows a text, such as one read back from the database, to a code of the table. */
export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(problems, text)
}
