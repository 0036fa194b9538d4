import type { z } from 'zod'
import type { AccountProblem, AccountReport, HttpRequest, HttpResponse, Io } from '../provider.ts'
import { toAccountProblem, toRefusedFault, unreachableFault } from './account-problem.ts'
import { parseJson } from './answer.ts'
import { answerBytesMax, isNetworkFailure } from './http.ts'
import type { ProviderError, Rule } from './rules.ts'

/** An account at the API of a provider. */
export type Account = {
  /** Of the provider, for people. */
  name: string
  /** How its refusals are read and judged. */
  rules: readonly Rule[]
  toProviderError(response: HttpResponse): ProviderError
  /** Where the API is; the paths of calls follow. */
  url: string
  /** Of every request. */
  headers: Record<string, string>
}

export type Call = { method: HttpRequest['method']; path: string; body?: object }

export type Called<T> =
  | { kind: 'answered'; data: T }
  /** `status` is absent when no answer came. */
  | { kind: 'failed'; problem: AccountProblem; status?: number }

/** A POST of JSON that is written already, such as a message. */
export function postJson({ url, headers }: Account, path: string, body: string | Buffer): HttpRequest {
  return {
    method: 'POST',
    url: url + path,
    headers: { ...headers, 'Content-Type': 'application/json' },
    body,
  }
}

function toRequest(account: Account, { method, path, body }: Call): HttpRequest {
  if (body) return { ...postJson(account, path, JSON.stringify(body)), method }
  return { method, url: account.url + path, headers: account.headers }
}

/** One call that lists or changes something of an account. An answer that is no success is judged by the provider's table. */
export function callApi<T>(io: Io, account: Account, call: Call, answer: z.ZodType<T>): Promise<Called<T>> {
  return requestApi(io, account, toRequest(account, call), answer)
}

/** The same by a request that has another body than JSON. */
export async function requestApi<T>(
  io: Io,
  account: Account,
  request: HttpRequest,
  answer: z.ZodType<T>,
): Promise<Called<T>> {
  const response = await ask(io, request)
  if ('reason' in response) return { kind: 'failed', problem: response }
  const { status, body } = response
  if (!isSuccess(response)) return { kind: 'failed', status, problem: toProblem(account, response) }
  const { data, success } = answer.safeParse(parseJson(body) ?? {})
  if (success) return { kind: 'answered', data }
  const problem = toAccountProblem('provider-settings-wrong', `the answer is not one of ${account.name}`)
  return { kind: 'failed', status, problem }
}

/** Asks about an account, and reports what the answer says. */
export async function inquire<T>(
  io: Io,
  account: Account,
  path: string,
  answer: z.ZodType<T>,
  toReport: (data: T) => AccountReport,
): Promise<AccountReport> {
  return reportOn(await callApi(io, account, { method: 'GET', path }, answer), toReport)
}

/** The report of a call about an account. */
export function reportOn<T>(called: Called<T>, toReport: (data: T) => AccountReport): AccountReport {
  return called.kind === 'failed' ? { problem: called.problem, notes: [] } : toReport(called.data)
}

/** Removes what an earlier call made; null when it is gone, or was gone before. */
export async function callToRemove(io: Io, account: Account, path: string): Promise<AccountProblem | null> {
  const response = await ask(io, toRequest(account, { method: 'DELETE', path }))
  if ('reason' in response) return response
  return isSuccess(response) || response.status === 404 ? null : toProblem(account, response)
}

function isSuccess({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300
}

function toProblem({ rules, toProviderError }: Account, response: HttpResponse): AccountProblem {
  return toRefusedFault(rules, toProviderError(response))
}

async function ask(io: Io, request: HttpRequest): Promise<HttpResponse | AccountProblem> {
  try {
    return await io.request({ answerBytesMax, ...request })
  } catch (error) {
    if (!isNetworkFailure(error)) throw error
    return unreachableFault(error)
  }
}
