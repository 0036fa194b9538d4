import type { ApiDocument, Operation } from './document.ts'
import { escapeHtml, inlineMarkdown, renderMarkdown } from './markdown.ts'
import { renderParameter, renderSchema, type Schemas } from './render-schema.ts'

type Call = { verb: string; path: string; operation: Operation }

function callsOf(document: ApiDocument): Call[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([verb, operation]) => ({ verb: verb.toUpperCase(), path, operation })),
  )
}

function renderNavigation(document: ApiDocument, calls: Call[]): string {
  const groups = document.tags.map(({ name }) => {
    const links = calls
      .filter(({ operation }) => operation.tags.includes(name))
      .map(
        ({ verb, operation }) =>
          `<a href="#${operation.operationId}"><span class="verb">${verb}</span>${escapeHtml(operation.summary)}</a>`,
      )
    return `<h2>${escapeHtml(name)}</h2>${links.join('')}`
  })
  return `<nav aria-label="Calls"><b>${escapeHtml(document.info.title)}</b> ${escapeHtml(document.info.version)}${groups.join('')}</nav>`
}

function renderAnswers(operation: Operation, schemas: Schemas): string {
  return Object.entries(operation.responses)
    .map(([status, answer]) => {
      const content = Object.entries(answer.content ?? {})[0]
      const isProblem = content?.[0] === 'application/problem+json'
      const fields = content && !isProblem ? renderSchema(content[1].schema, schemas) : ''
      const nested = fields === '' ? '' : `<details><summary>fields</summary>${fields}</details>`
      return `<dt><b>${status}</b></dt><dd>${inlineMarkdown(answer.description)}${nested}</dd>`
    })
    .join('')
}

function renderCall({ verb, path, operation }: Call, schemas: Schemas): string {
  const parameters = operation.parameters.map((parameter) => renderParameter(parameter, schemas)).join('')
  const body = Object.values(operation.requestBody?.content ?? {})[0]
  return (
    `<section id="${operation.operationId}"><h3>${escapeHtml(operation.summary)}</h3>` +
    `<p class="path"><span class="verb">${verb}</span> ${escapeHtml(path)}</p>${renderMarkdown(operation.description)}` +
    (parameters === '' ? '' : `<h4>Parameters</h4><dl>${parameters}</dl>`) +
    (body ? `<h4>Body</h4>${renderSchema(body.schema, schemas)}` : '') +
    `<h4>Answers</h4><dl>${renderAnswers(operation, schemas)}</dl></section>`
  )
}

/** The whole API on one page that needs no script and no network. */
export function renderReference(document: ApiDocument): string {
  const calls = callsOf(document)
  const { schemas } = document.components
  const sections = document.tags.map(({ name, description }) => {
    const ofTag = calls.filter(({ operation }) => operation.tags.includes(name))
    return `<h2>${escapeHtml(name)}</h2><p>${inlineMarkdown(description)}</p>${ofTag.map((call) => renderCall(call, schemas)).join('')}`
  })
  return (
    `<div class="wide">${renderNavigation(document, calls)}<main><h1>${escapeHtml(document.info.title)}</h1>` +
    `${renderMarkdown(document.info.description)}<p><a href="/openapi.json">openapi.json</a></p>${sections.join('')}</main></div>`
  )
}
