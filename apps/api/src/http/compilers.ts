import { addSchemaIssues, parseBody } from '@lettergate/contracts/problems/schema-issues'
import { ValidationIssues } from '@lettergate/contracts/problems/validation-issues'
import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify'
import { z } from 'zod'

/** Pointer prefix of an issue outside the body. */
const PLACES: Record<string, string> = { params: '#/path', querystring: '#/query' }

type Checked = { value: unknown } | { error: Error }

function checkBody(schema: z.ZodType, value: unknown): Checked {
  try {
    return { value: parseBody(schema, value) }
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }
}

function checkPart(schema: z.ZodType, value: unknown, place: string): Checked {
  const result = schema.safeParse(value)
  if (result.success) return { value: result.data }
  const issues = new ValidationIssues(place)
  addSchemaIssues(result.error.issues, issues)
  return { error: issues.toProblem() }
}

/** Checks a part of a request; reports all issues together, each with a pointer. */
export const validatorCompiler: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) => {
  // Header fields are described in the schema for the reference; the plugins check them.
  if (!(schema instanceof z.ZodType) || httpPart === 'headers') return (value: unknown) => ({ value })
  const place = PLACES[httpPart ?? '']
  if (place === undefined) return (value: unknown) => checkBody(schema, value)
  return (value: unknown) => checkPart(schema, value, place)
}

/** As above, but for the body, which the handler reads itself: its schema is for the reference alone. */
export const bodyPassingCompiler: FastifySchemaCompiler<unknown> = (part) =>
  part.httpPart === 'body' ? (value: unknown) => ({ value }) : validatorCompiler(part)

/** Answers are made by presenters whose types are the schemas' own: nothing is checked again while serving. */
export const serializerCompiler: FastifySerializerCompiler<unknown> = () => (value: unknown) =>
  JSON.stringify(value)

/** As above, and fails on an answer that is not what the reference promises: for tests. */
export const strictSerializerCompiler: FastifySerializerCompiler<unknown> = ({ schema, method, url }) => {
  if (!(schema instanceof z.ZodType)) return (value: unknown) => JSON.stringify(value)
  return (value: unknown) => {
    const text = JSON.stringify(value)
    const result = schema.safeParse(JSON.parse(text))
    if (!result.success)
      throw new Error(`${method} ${url} answers against its schema: ${result.error.message}`)
    return text
  }
}
