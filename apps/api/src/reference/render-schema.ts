import type { Schema } from './document.ts'
import { escapeHtml, inlineMarkdown, renderMarkdown } from './markdown.ts'

export type Schemas = Record<string, Schema>

const DEPTH_MAX = 6

/** The schema itself behind a reference; what the reference adds of its own stays. */
function resolve(schema: Schema, schemas: Schemas): Schema {
  const { $ref, allOf, ...own } = schema
  if (allOf?.length === 1 && allOf[0]) return { ...resolve(allOf[0], schemas), ...own }
  const target = $ref === undefined ? undefined : schemas[$ref.slice($ref.lastIndexOf('/') + 1)]
  return target ? { ...resolve(target, schemas), ...own } : schema
}

function typeName(schema: Schema, schemas: Schemas): string {
  const found = resolve(schema, schemas)
  const variants = found.anyOf ?? found.oneOf
  if (variants) return [...new Set(variants.map((variant) => typeName(variant, schemas)))].join(' or ')
  if (found.items) return `array of ${typeName(found.items, schemas)}`
  if (found.const !== undefined) return JSON.stringify(found.const)
  const types = [found.type ?? 'any'].flat().join(' or ')
  return found.format ? `${types}, ${found.format}` : types
}

/** The objects inside a schema whose fields are to be shown: through lists and choices. */
function objectsIn(schema: Schema, schemas: Schemas): Schema[] {
  const found = resolve(schema, schemas)
  if (found.properties) return [found]
  if (found.items) return objectsIn(found.items, schemas)
  const variants = (found.anyOf ?? found.oneOf ?? []).flatMap((variant) => objectsIn(variant, schemas))
  // One alone or a list of it: the same fields, to be told once.
  return [...new Map(variants.map((variant) => [JSON.stringify(variant), variant])).values()]
}

function renderField(
  name: string,
  field: Schema,
  isRequired: boolean,
  schemas: Schemas,
  depth: number,
): string {
  const found = resolve(field, schemas)
  const facts = [
    typeName(field, schemas),
    ...(isRequired ? ['required'] : []),
    ...(found.default === undefined ? [] : [`default ${JSON.stringify(found.default)}`]),
  ]
  const values = found.enum
    ? `<p>One of ${inlineMarkdown(found.enum.map((value) => `\`${value}\``).join(', '))}.</p>`
    : ''
  const inner = objectsIn(field, schemas)
  const nested =
    inner.length > 0 && depth < DEPTH_MAX
      ? `<details><summary>fields</summary>${inner.map((schema) => renderFields(schema, schemas, depth + 1)).join('<p>or</p>')}</details>`
      : ''
  return (
    `<dt><b>${escapeHtml(name)}</b><span>${escapeHtml(facts.join(' · '))}</span></dt>` +
    `<dd>${renderMarkdown(found.description ?? '')}${values}${nested}</dd>`
  )
}

function renderFields(schema: Schema, schemas: Schemas, depth: number): string {
  const fields = Object.entries(schema.properties ?? {}).map(([name, field]) =>
    renderField(name, field, schema.required?.includes(name) === true, schemas, depth),
  )
  return `<dl>${fields.join('')}</dl>`
}

/** The fields of a body, each with its type and meaning; deeper ones folded away. */
export function renderSchema(schema: Schema, schemas: Schemas): string {
  return objectsIn(schema, schemas)
    .map((found) => renderFields(found, schemas, 0))
    .join('<p>or</p>')
}

/** One parameter of a call, in the same form as a field. */
export function renderParameter(
  parameter: {
    name: string
    in: string
    required?: boolean | undefined
    description?: string | undefined
    schema: Schema
  },
  schemas: Schemas,
): string {
  const schema = { ...parameter.schema, description: parameter.description }
  return renderField(`${parameter.name} (${parameter.in})`, schema, parameter.required === true, schemas, 0)
}
