import { expect, test } from 'vitest'
import { toTable } from './print-table.ts'

test('a table has its titles, aligned columns, numbers to the right, and no colour outside of a terminal', () => {
  const rows = [
    { name: 'acme', sent: 12_345, state: 'ok' },
    { name: 'a long name', sent: 7, state: null },
  ]
  const table = toTable(
    [
      { title: 'Tenant', value: (row) => row.name },
      { title: 'Sent', value: (row) => row.sent },
      { title: 'State', value: (row) => row.state, colour: () => 'green' },
    ],
    rows,
    Object.assign(Object.create(process.stdout), { isTTY: false }),
  )
  expect(table.split('\n')).toEqual([
    'Tenant         Sent  State',
    'acme         12,345  ok',
    'a long name       7  –',
    '',
  ])
})
