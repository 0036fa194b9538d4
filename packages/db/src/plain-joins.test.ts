import pg from 'pg'
import { expect, test } from 'vitest'
import { usePlainJoins } from './plain-joins.ts'

const BY_ARRAY =
  "select from a join b on b.id = any (array_append('{}'::uuid[], a.id)) and b.message_id = any (array_append('{}'::uuid[], $1))"
const PLAIN = 'select from a join b on b.id = a.id and b.message_id = $1'

/** What reaches a server of this version. */
function sentTo(version: string): string {
  const texts: string[] = []
  const connection = new pg.Connection()
  connection.parse = ({ text }) => void texts.push(text)
  usePlainJoins(connection)
  connection.emit('parameterStatus', { parameterName: 'server_version', parameterValue: version })
  connection.parse({ name: '', text: BY_ARRAY, types: [] }, false)
  return texts.join()
}

test.each([
  ['15.20 (Debian 15.20-0+deb12u1)', PLAIN],
  ['17.5', PLAIN],
  ['18.4', BY_ARRAY],
  ['19beta1', BY_ARRAY],
])('Postgres %s gets the join that it does right', (version, text) => {
  expect(sentTo(version)).toBe(text)
})
