import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import * as connectionRequests from '../connections/requests.ts'
import * as connectionResponses from '../connections/responses.ts'
import { problemCodes } from '../problems/problems.ts'
import { parseBody } from '../problems/schema-issues.ts'
import { toPointer, ValidationIssues } from '../problems/validation-issues.ts'
import { CreateRouteRequest, Route, RouteList, UpdateRouteRequest } from '../routes/routes.ts'
import { ExplainReason, Explanation } from './explain.ts'
import * as requests from './requests.ts'
import * as responses from './responses.ts'
import { SendBatchRequest, SendRequest } from './send-request.ts'

const schemas = Object.entries({
  SendRequest,
  SendBatchRequest,
  ...requests,
  ...responses,
  ...connectionRequests,
  ...connectionResponses,
  ExplainReason,
  Explanation,
  CreateRouteRequest,
  UpdateRouteRequest,
  Route,
  RouteList,
})

/** Paths of properties that say nothing of themselves, and of objects of ours that take anything. */
function undescribed(node: unknown, path: string): string[] {
  if (typeof node !== 'object' || node === null) return []
  const properties =
    'properties' in node && typeof node.properties === 'object' ? (node.properties ?? {}) : {}
  const silent = Object.entries(properties).filter(
    ([, property]) => !('description' in property) && !('$ref' in property),
  )
  const deeper = Object.entries(node).flatMap(([key, child]) => undescribed(child, `${path}/${key}`))
  return [...silent.map(([key]) => `${path}/properties/${key}`), ...deeper]
}

describe('the reference', () => {
  test.each(schemas)('every field of %s is described', (name, schema) => {
    expect(undescribed(z.toJSONSchema(schema, { io: 'input' }), name)).toEqual([])
  })

  test('lists every problem code', () => {
    expect(z.toJSONSchema(responses.ProblemDetails)).toHaveProperty(
      '$defs.ProblemDetails.properties.code.enum',
      problemCodes,
    )
  })

  test('refuses unknown fields in every request', () => {
    for (const schema of [
      SendRequest,
      SendBatchRequest,
      ...Object.values({ ...requests, ...connectionRequests }),
    ]) {
      expect(JSON.stringify(z.toJSONSchema(schema, { io: 'input' }))).toContain(
        '"additionalProperties":false',
      )
    }
  })
})

const refusedQueries: [name: string, query: object, pointer: string][] = [
  ['limit −1', { limit: '-1' }, '#/limit'],
  ['limit 0', { limit: '0' }, '#/limit'],
  ['limit 101', { limit: '101' }, '#/limit'],
  ['limit 1e9', { limit: '1e9' }, '#/limit'],
  ['limit given twice', { limit: ['1', '2'] }, '#/limit'],
  ['limit in words', { limit: 'ten' }, '#/limit'],
  ['a half limit', { limit: '1.5' }, '#/limit'],
  ['unknown status', { status: 'gone' }, '#/status'],
  ['an address without @', { to: 'a' }, '#/to'],
  ['a tag with a space', { tag: 'a b' }, '#/tag'],
  ['since without offset', { since: '2026-11-20T00:00:00' }, '#/since'],
  ['until in words', { until: 'yesterday' }, '#/until'],
  ['unknown column', { sort: 'subject' }, '#/sort'],
]

describe('GET /v1/messages', () => {
  test.each(refusedQueries)('%s is refused', (_, query, pointer) => {
    expect(() => parseBody(requests.ListMessagesQuery, query)).toThrow(
      expect.objectContaining({
        code: 'validation-failed',
        errors: [{ pointer, detail: expect.any(String) }],
      }),
    )
  })

  test('converts texts to values', () => {
    const query = { limit: '5', since: '2026-11-20T01:00:00+01:00', to: 'Ann@EXAMPLE.net' }
    expect(parseBody(requests.ListMessagesQuery, query)).toEqual({
      limit: 5,
      since: new Date('2026-11-20T00:00:00Z'),
      to: 'Ann@example.net',
    })
    expect(parseBody(requests.ListMessagesQuery, {})).toEqual({ limit: 20 })
  })
})

describe('parseBody', () => {
  test.each([
    ['more ids than allowed', { ids: new Array(1_001).fill('x') }, '#/ids'],
    ['millions of ids', { ids: new Array(5_000_000) }, '#/ids'],
    ['no ids', { ids: [] }, '#/ids'],
    ['a number among ids', { ids: ['x', 5] }, '#/ids/1'],
    ['__proto__', JSON.parse('{"ids":["x"],"__proto__":1}'), '#/__proto__'],
  ])('%s: one fault with its pointer', (_, body, pointer) => {
    expect(() => parseBody(requests.MessageStatusRequest, body)).toThrow(
      expect.objectContaining({ errors: [{ pointer, detail: expect.any(String) }] }),
    )
  })

  test('a credential is not repeated in the answer', () => {
    const body = { provider: 'smtp', name: 'a\nb', credentials: 'hunter2', secret: 'hunter2' }
    expect(() => parseBody(connectionRequests.CreateConnectionRequest, body)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    )
  })

  test('a connection gets the defaults of missing fields', () => {
    expect(parseBody(connectionRequests.CreateConnectionRequest, { provider: 'capture', name: 'x' })).toEqual(
      {
        provider: 'capture',
        name: 'x',
        priority: 100,
        settings: {},
        credentials: {},
      },
    )
  })
})

describe('pointers', () => {
  test.each([
    [['a/b', 'c~d', 0], '/a~1b/c~0d/0'],
    [['é "'], '/%C3%A9%20%22'],
    [['\ud800'], '/%EF%BF%BD'],
    [[''], '/'],
    [[], ''],
  ])('%j is %s', (path, pointer) => {
    expect(toPointer(path)).toBe(pointer)
  })

  test('start at the position of the value in the body', () => {
    const issues = new ValidationIssues('#/messages/3')
    issues.add(['to', 0], 'x')
    expect(issues.toProblem().errors).toEqual([{ pointer: '#/messages/3/to/0', detail: 'x' }])
  })
})
