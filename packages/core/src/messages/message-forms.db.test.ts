import { parseSendRequest } from '@lettergate/contracts/messages/send-request'
import { createTestDatabase, type TestDatabase } from '@lettergate/db/test/database'
import { createSmtp } from '@lettergate/providers/smtp/index'
import { playSmtp, type SmtpPeer } from '@lettergate/providers/test/smtp-peer'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { accepted, buildFleet, type FakeConnection } from '../../test/fleet.ts'

let db: TestDatabase
let fleet: Awaited<ReturnType<typeof buildFleet>>
let peer: SmtpPeer
const cleanups: (() => Promise<void> | undefined)[] = []
beforeEach(async () => {
  await db?.drop()
  db = await createTestDatabase()
  peer = await playSmtp()
})
afterEach(async () => {
  await fleet.stop()
  for (const cleanup of cleanups.splice(0)) await cleanup()
  await peer.close()
})
afterAll(() => db.drop())

const isEmpty = async () => (await fleet.backlog()).length === 0
const calendar = Buffer.from('BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n').toString('base64')
const invitation = {
  filename: 'invite.ics',
  content: calendar,
  content_type: 'text/calendar; method=REQUEST',
}

/** A real adapter, to a fake server on this machine. */
function bySmtp(): FakeConnection {
  const provider = createSmtp()
  cleanups.push(() => provider.close?.())
  const settings = { host: '127.0.0.1', port: peer.port, tls: 'none', allow_insecure: true }
  const connection = { id: 'c', credentials: {}, settings: provider.settings.parse(settings) }
  return { answer: () => accepted, through: { provider, connection } }
}

async function deliver(body: object, connections: FakeConnection[]): Promise<void> {
  fleet = await buildFleet(db, connections)
  await fleet.acceptAll([parseSendRequest({ from: 'app@acme.example', ...body })])
  await fleet.run(isEmpty)
}

const recipients = () =>
  peer.commands.filter((line) => line.startsWith('RCPT')).map((line) => line.replace('RCPT TO:', ''))

test('22 an invitation skips a connection that cannot express it, and arrives as an alternative part of the message', async () => {
  const cannot: FakeConnection = { answer: () => accepted, capabilities: { alternatives: [] } }
  await deliver({ to: 'user@example.net', subject: 'Lunch', text: 'Lunch?', attachments: [invitation] }, [
    cannot,
    bySmtp(),
  ])
  expect(fleet.sent.map(({ connection }) => connection)).toEqual([1])
  const types = [...(peer.messages[0] ?? '').matchAll(/^Content-Type: ([a-z/]+)/gm)].map(([, type]) => type)
  expect(types).toEqual([
    ...['multipart/mixed', 'multipart/alternative', 'text/plain', 'text/calendar', 'application/ics'],
  ])
})

test('23 blind copies alone arrive together, and none is named', async () => {
  const bcc = ['a@example.net', 'b@example.net']
  await deliver({ bcc, subject: 'Hello', text: 'Hi' }, [bySmtp()])
  expect(await fleet.statuses()).toEqual({ sent: 2 })
  expect(recipients()).toEqual(['<a@example.net>', '<b@example.net>'])
  expect(peer.messages).toHaveLength(1)
  expect(peer.messages[0]).not.toContain('@example.net')
})

test('23 blind copies alone are sent one at a time to a provider that requires To, so that no recipient sees another', async () => {
  const calls: string[][] = []
  const needsTo: FakeConnection = {
    capabilities: { needsTo: true },
    answer: ({ envelopeTo }) => {
      calls.push(envelopeTo)
      return accepted
    },
  }
  await deliver({ to: [], bcc: ['a@example.net', 'b@example.net'], subject: 'Hello', text: 'Hi' }, [needsTo])
  expect(await fleet.statuses()).toEqual({ sent: 2 })
  expect(calls).toEqual([['a@example.net'], ['b@example.net']])
})

test('24 files arrive without a subject and without a text', async () => {
  const attachments = [{ filename: 'scan.pdf', content: 'JVBERg==' }]
  await deliver({ to: 'user@example.net', text: '', attachments }, [bySmtp()])
  expect(await fleet.statuses()).toEqual({ sent: 1 })
  expect(peer.messages[0]).not.toMatch(/^Subject:|text\/plain/m)
  expect(peer.messages[0]).toContain('JVBERg==')
})

test('25 quoted and historic addresses are named as RFC 5321 writes them, each once', async () => {
  const to = [
    '"quoted local"@example.net',
    'a..b@docomo.example',
    '"a..b"@docomo.example',
    '.a.@docomo.example',
  ]
  await deliver({ to, subject: 'Hello', text: 'Hi' }, [bySmtp()])
  expect(await fleet.statuses()).toEqual({ sent: 3 })
  expect(recipients()).toEqual([
    ...['<"quoted local"@example.net>', '<"a..b"@docomo.example>', '<".a."@docomo.example>'],
  ])
})
