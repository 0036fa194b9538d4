import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ProviderEvent, Reading } from '../src/lib/provider-event.ts'
import type { Hook, HookVerdict, Io, Provider } from '../src/provider.ts'
import { slowMs, slowStepMs } from './cpu.ts'
import { testTime } from './io.ts'

const docs = new URL('../../../docs/providers/', import.meta.url)

/** How an event was signed or sent: which of two secrets, and when. */
export type Signing = { secret: 0 | 1; at: Date }

/** The parts of a test that differ from provider to provider. */
export type OwnEvents<C, S> = {
  create(): Provider<C, S>
  /** Two secrets as they are stored. */
  secrets: readonly [unknown, unknown]
  /** A body as the provider posts it, signed or accompanied as it does. */
  sign(body: Buffer, signing: Signing): Hook
  /** The body around one fixture. */
  wrap(payload: unknown): Buffer
  /** The body around many. */
  wrapAll?(payloads: readonly unknown[]): Buffer
  /** By name; the folder of the provider holds them. */
  fixtures: Record<string, unknown>
  /** Fields of the head that the proof needs; absent: all that there are. */
  signatureFields?: readonly string[]
  /** How old a signature may be; absent: it has no time. */
  ageMsMax?: number
  /** Whether the proof covers the body. */
  coversBody: boolean
  /** Fetches certificates; absent: a request is an error. */
  io?: Pick<Io, 'request' | 'now'>
}

/** Payloads by name, from `src/<id>/test/events.json`. */
export function readFixtures(id: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`../src/${id}/test/events.json`, import.meta.url), 'utf8'))
}

const noIo = { request: () => Promise.reject(new Error('nothing may be asked')), now: () => testTime }
const later = (ms: number) => new Date(testTime.getTime() + ms)

/** All that the steps of reading a body found. */
export function toOne(readings: Iterable<Reading>): Reading {
  const all = [...readings]
  const unread = all.reduce((sum, reading) => sum + reading.unread, 0)
  return { events: all.flatMap(({ events }) => events), unread }
}

/** The set-up of a provider's tests about events, and what every provider guarantees of them. */
export function describeEvents<C, S>(id: string, own: OwnEvents<C, S>) {
  const { events } = own.create()
  if (!events) throw new Error(`${id} has no events`)
  const io = own.io ?? noIo
  const secretOf = (which: 0 | 1) => events.secrets.parse(own.secrets[which])
  const verify = async (hook: Hook, ...which: (0 | 1)[]): Promise<HookVerdict> =>
    events.verify(hook, which.map(secretOf), io)
  const signNow = (body: Buffer, secret: 0 | 1 = 0) => own.sign(body, { secret, at: testTime })
  const names = Object.keys(own.fixtures)
  const bodyOf = (name: string) => own.wrap(own.fixtures[name])
  const readAt = (body: Buffer, at: Date) => toOne(events.parse(signNow(body), at))
  const read = (body: Buffer) => readAt(body, testTime)
  const first = bodyOf(names[0] ?? '')
  const refused: HookVerdict = { kind: 'refused', reason: expect.any(String) }

  describe(`events of ${id}: verification`, () => {
    test.each(names)('%s is verified with its own secret, and with no other', async (name) => {
      expect(await verify(signNow(bodyOf(name)), 0)).toEqual({ kind: 'verified' })
      expect(await verify(signNow(bodyOf(name)), 1)).toEqual(refused)
      expect(await verify(signNow(bodyOf(name)))).toEqual(refused)
    })

    test('both the old and the new secret verify', async () => {
      expect(await verify(signNow(first, 0), 0, 1)).toEqual({ kind: 'verified' })
      expect(await verify(signNow(first, 1), 0, 1)).toEqual({ kind: 'verified' })
    })

    test('a request without its header fields, or with one of them twice or empty, is refused', async () => {
      const hook = signNow(first)
      if (own.coversBody || events.proof === 'password')
        expect(await verify({ ...hook, headers: {} }, 0)).toEqual(refused)
      for (const name of own.signatureFields ?? Object.keys(hook.headers)) {
        const value = hook.headers[name]
        for (const odd of ['', 'x', [String(value), String(value)], 'x'.repeat(100_000)])
          expect(await verify({ ...hook, headers: { ...hook.headers, [name]: odd } }, 0)).toEqual(refused)
      }
    })

    if (own.coversBody)
      test('a body with any altered byte is refused', async () => {
        const hook = signNow(first)
        for (let at = 0; at < first.length; at += Math.ceil(first.length / 50)) {
          const body = Buffer.from(first)
          body[at] = (body[at] ?? 0) ^ 1
          expect(await verify({ ...hook, body }, 0)).toEqual(refused)
        }
        expect(await verify({ ...hook, body: Buffer.concat([first, Buffer.from('\n')]) }, 0)).toEqual(refused)
      })

    if (own.ageMsMax)
      test('a signature that is too old, or of the future, is refused', async () => {
        const at = (ms: number) => verify(own.sign(first, { secret: 0, at: later(ms) }), 0)
        const ageMs = own.ageMsMax ?? 0
        expect(await at(-ageMs + 1000)).toEqual({ kind: 'verified' })
        expect(await at(-ageMs - 1000)).toEqual(refused)
        expect(await at(301_000)).toEqual(refused)
      })

    test('a body that is no event never throws', async () => {
      for (const body of oddBodies) expect(await verify({ ...signNow(first), body }, 0)).toBeDefined()
    })
  })

  describe(`events of ${id}: content`, () => {
    test('the fixtures have all kinds that the provider lists, and no other', () => {
      const kinds = names.flatMap((name) => read(bodyOf(name)).events.map(({ kind }) => kind))
      expect([...new Set(kinds)].sort()).toEqual([...events.kinds].sort())
    })

    test('a repeat has the same ids, also later; different events have different ids', () => {
      const again = (name: string) => readAt(bodyOf(name), later(3_600_000)).events
      for (const name of names) expect(again(name)).toEqual(read(bodyOf(name)).events)
      const keys = names.flatMap((name) => read(bodyOf(name)).events.map(keyOf))
      expect(new Set(keys).size).toBe(keys.length)
    })

    test('an unreadable event is counted, and the others are read', () => {
      for (const body of oddBodies) expect(read(body).events).toEqual([])
      const { wrapAll } = own
      if (!wrapAll) return
      const fixtures = Object.values(own.fixtures)
      const good = fixtures.flatMap((payload) => read(own.wrap(payload)).events)
      const odd = [1, 'x', null, [], {}, Array(3_000).fill(1)]
      const reading = read(wrapAll([...odd, ...fixtures, ...odd]))
      expect(reading.events).toEqual(good)
      expect(reading.unread).toBeGreaterThan(2)
    })

    test('values of any type and length are read or left out, within limits', () => {
      const odd = fc.oneof(fc.jsonValue(), fc.constant('a@'.repeat(4_000)), fc.constant('<'.repeat(9_000)))
      fc.assert(
        fc.property(fc.constantFrom(...names), fc.nat(), odd, (name, at, value) => {
          const { events: found } = read(own.wrap(replaceLeaf(own.fixtures[name], at, value)))
          for (const event of found) expect(isBounded(event)).toBe(true)
        }),
        { numRuns: 300 },
      )
    })

    test('S1: no odd body blocks the thread for 50 ms', {
      timeout: 120_000,
    }, async () => {
      const slow: string[] = []
      for (const [name, body] of hostile(events.bodyBytesMax, own)) {
        const signed = signNow(body)
        const hooks = signed.body === body ? [signed] : [signed, { ...signed, body }]
        for (const hook of hooks) {
          const verifyMs = await slowMs(() => events.verify(hook, [secretOf(0), secretOf(1)], io))
          const parseMs = await slowStepMs(() => events.parse(hook, testTime))
          if (verifyMs !== null || parseMs !== null) slow.push(`${name}: ${verifyMs} and ${parseMs} ms`)
        }
      }
      expect(slow).toEqual([])
    })

    test('no odd header field blocks the thread for 50 ms, with the secrets of a day full of rotations', async () => {
      const hook = signNow(first)
      const secrets = ([0, 1, 0, 1, 0, 1, 0, 1] as const).map(secretOf)
      const slow: string[] = []
      for (const name of own.signatureFields ?? Object.keys(hook.headers)) {
        for (const unit of [' ', 'a ', 'a', 'v1,a ', '=']) {
          const odd = { ...hook, headers: { ...hook.headers, [name]: unit.repeat(8_192 / unit.length) } }
          const ms = await slowMs(() => events.verify(odd, secrets, io))
          if (ms !== null) slow.push(`${name}: ${JSON.stringify(unit)} ${ms} ms`)
        }
      }
      expect(slow).toEqual([])
    })

    test(`docs/providers/${id}.md names the events`, () => {
      const page = readFileSync(new URL(`${id}.md`, docs), 'utf8')
      const section = page.split('\n## ').find((part) => part.startsWith('Events\n')) ?? ''
      expect(events.kinds.filter((kind) => !section.includes(`\`${kind}\``))).toEqual([])
    })
  })

  return {
    verify,
    signNow,
    read,
    /** The events of one fixture. */
    readFixture: (name: string) => read(bodyOf(name)).events,
    /** The body of one fixture, changed. */
    readChanged: (name: string, changes: object) =>
      read(own.wrap({ ...Object(own.fixtures[name]), ...changes })).events,
  }
}

const keyOf = ({ id, recipient }: ProviderEvent) => `${id} ${recipient}`

const oddBodies = ['', ' ', '{', '[', 'null', '1', '"x"', '[[]]', '[1]', '{"a":', '\u0000', '[{}', '%', '=&=']
  .map((text) => Buffer.from(text))
  .concat(Buffer.from([0xff, 0xfe, 0x00]))

function isBounded(event: ProviderEvent): boolean {
  const texts = Object.values(event).filter((value) => typeof value === 'string')
  return (
    event.id !== '' &&
    !Number.isNaN(event.at.getTime()) &&
    texts.every((text) => text.length <= 2_048 && !/\p{Cc}/u.test(text))
  )
}

type Tree = { [key: string]: unknown } | unknown[]
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null

/** A copy in which one leaf or branch, chosen by a number, is another value. */
function replaceLeaf(payload: unknown, choice: number, value: unknown): unknown {
  const copy: unknown = structuredClone(payload)
  const places: (() => void)[] = []
  const visit = (tree: Tree) => {
    for (const [key, child] of Object.entries(tree)) {
      places.push(() => Object.assign(tree, { [key]: value }))
      if (isTree(child)) visit(child)
    }
  }
  if (isTree(copy)) visit(copy)
  places[choice % Math.max(places.length, 1)]?.()
  return copy
}

/** Copies of a fixture in which every text is a long one. */
function withTexts(payload: unknown, text: string): unknown {
  if (typeof payload === 'string') return text
  if (Array.isArray(payload)) return payload.map((item) => withTexts(item, text))
  if (!isTree(payload)) return payload
  return Object.fromEntries(Object.entries(payload).map(([key, value]) => [key, withTexts(value, text)]))
}

const units = ['a', ' ', '@', 'a@', '<', '.', '5.1.1 ', 'mailbox ', '\\', '"', '\n', '4.', 'spam', '%']

function hostile<C, S>(
  bytes: number,
  { wrap, wrapAll, fixtures }: OwnEvents<C, S>,
): (readonly [string, Buffer])[] {
  const payloads = Object.values(fixtures)
  const [payload] = payloads
  const cut = ([name, body]: readonly [string, Buffer]) => [name, body.subarray(0, bytes)] as const
  const repeat = (item: string) =>
    `[${Array(Math.floor(bytes / (item.length + 1)))
      .fill(item)
      .join(',')}]`
  const members = Array.from({ length: bytes / 12 }, (_, at) => `"k${at}":1`).join(',')
  const plain: (readonly [string, string])[] = [
    ['lists in lists', '['.repeat(bytes)],
    ['objects in objects', '{"a":'.repeat(bytes / 5)],
    ['many members', `{${members}}`],
    ['many small objects', repeat('{"event":"x"}')],
    ['many different objects', `[${members.replaceAll('"k', '{"k').replaceAll(':1', ':1}')}]`],
    ['many numbers', repeat('1')],
    ['nothing but quotes', '"'.repeat(bytes)],
    ['nothing but backslashes', `["${'\\'.repeat(bytes)}`],
    ['nothing but escapes', '%22'.repeat(bytes / 3)],
  ]
  const texts = units.map((unit) => {
    const long = unit.repeat(bytes / 20 / unit.length)
    return [`texts of ${JSON.stringify(unit)}`, wrap(withTexts(payload, long))] as const
  })
  const many = wrapAll?.(Array.from({ length: 20_000 }, (_, at) => payloads[at % payloads.length]))
  return [
    ...plain.map(([name, text]) => [name, Buffer.from(text)] as const),
    ...texts,
    ...(many ? ([['many events', many]] as const) : []),
  ].map(cut)
}
