import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { Problem } from '@lettergate/contracts/problems/problems'
import { describe, expect, it } from 'vitest'
import { type BodyBudget, createBodyBudget } from './body-budget.ts'
import { readBody } from './read-body.ts'

const KB = 1024

function feed(chunks: Buffer[], budget: BodyBudget, bytesMax = 1024 * KB, announced?: number) {
  const stream = new IncomingMessage(new Socket())
  if (announced !== undefined) stream.headers['content-length'] = String(announced)
  const done = new Promise<{ error: Error | null; bytes: Buffer | null; taken: number }>((resolve) => {
    readBody(stream, { bytesMax, budget }, (error, chunks, taken) =>
      resolve({ error, bytes: chunks && Buffer.concat(chunks), taken }),
    )
  })
  for (const chunk of chunks) stream.push(chunk)
  stream.push(null)
  return done
}
const codeOf = (error: Error | null) => (error instanceof Problem ? error.code : error)

describe('readBody', () => {
  it('returns the bytes unchanged', async () => {
    const { bytes } = await feed([Buffer.from('ab'), Buffer.from('c')], createBodyBudget(0))
    expect(bytes?.toString()).toBe('abc')
  })

  it('takes the bytes beyond 64 kB from the budget, and the caller releases them', async () => {
    const budget = createBodyBudget(100 * KB)
    const { taken } = await feed([Buffer.alloc(60 * KB), Buffer.alloc(60 * KB)], budget)
    expect(taken).toBe(56 * KB)
    expect(budget.used()).toBe(56 * KB)
  })

  it('refuses a large body when the budget is spent, takes nothing for it, and still accepts small bodies', async () => {
    const budget = createBodyBudget(100 * KB)
    budget.take(90 * KB)
    const large = await feed([Buffer.alloc(70 * KB), Buffer.alloc(70 * KB)], budget)
    expect(codeOf(large.error)).toBe('overloaded')
    expect(budget.used()).toBe(90 * KB)
    expect((await feed([Buffer.alloc(64 * KB)], budget)).error).toBeNull()
  })

  it('refuses a body over the limit by its Content-Length, or when it reaches the limit', async () => {
    const budget = createBodyBudget(1024 * KB)
    expect(codeOf((await feed([], budget, 10, 11)).error)).toBe('payload-too-large')
    expect(codeOf((await feed([Buffer.alloc(6), Buffer.alloc(6)], budget, 10)).error)).toBe(
      'payload-too-large',
    )
    expect(budget.used()).toBe(0)
  })
})
