import type { z } from 'zod'
import type { AccountProblem, HttpRequest, HttpResponse, Io } from '../provider.ts'
import { parseJson } from './answer.ts'
import { answerBytesMax } from './http.ts'
import { toAccountProblem, toRefusedFault, unreachableFault } from './http-check.ts'
import { isNetworkFailure } from './network-failure.ts'
import type { ProviderError, Rule } from './rules.ts'

/** How the API of one provider answers. */
export type Api = {
  name: string
  rules: readonly Rule[]
  toProviderError(response: HttpResponse): ProviderError
}

export type Called<T> =
  | { kind: 'answered'; data: T }
  /** `status` is absent when no answer came. */
  | { kind: 'failed'; problem: AccountProblem; status?: number }

/** A request of an account's API, with a body of JSON or none. */
export function jsonRequest(
  method: HttpRequest['method'],
  url: string,
  headers: Record<string, string>,
  body?: object,
): HttpRequest {
  if (!body) return { method, url, headers }
  return {
    method,
    url,
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  }
}

/** One call that lists or changes something of an account. An answer that is no success is judged by the provider's table. */
export async function callApi<T>(
  io: Io,
  request: HttpRequest,
  api: Api,
  answer: z.ZodType<T>,
): Promise<Called<T>> {
  const response = await ask(io, request)
  if ('reason' in response) return { kind: 'failed', problem: response }
  const { status, body } = response
  if (status < 200 || status >= 300)
    return { kind: 'failed', status, problem: toRefusedFault(api.rules, api.toProviderError(response)) }
  const { data, success } = answer.safeParse(parseJson(body) ?? {})
  if (success) return { kind: 'answered', data }
  const problem = toAccountProblem('provider-settings-wrong', `the answer is not one of ${api.name}`)
  return { kind: 'failed', status, problem }
}

/** Removes what an earlier call made; null when it is gone, or was gone before. */
export async function callToRemove(io: Io, request: HttpRequest, api: Api): Promise<AccountProblem | null> {
  const response = await ask(io, request)
  if ('reason' in response) return response
  const { status } = response
  if ((status >= 200 && status < 300) || status === 404) return null
  return toRefusedFault(api.rules, api.toProviderError(response))
}

async function ask(io: Io, request: HttpRequest): Promise<HttpResponse | AccountProblem> {
  try {
    return await io.request({ answerBytesMax, ...request })
  } catch (error) {
    if (!isNetworkFailure(error)) throw error
    return unreachableFault(error)
  }
}
