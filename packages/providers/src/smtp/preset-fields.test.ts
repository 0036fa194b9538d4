import { afterEach, describe, expect, test } from 'vitest'
import { buildOutboundMessage, createTestIo } from '../../test/io.ts'
import { richMessage } from '../../test/rich-message.ts'
import { playSmtp } from '../../test/smtp-peer.ts'
import { buildMime } from '../lib/mime.ts'
import type { OutboundMessage } from '../provider.ts'
import { withFields } from './header-fields.ts'
import { createSmtp } from './index.ts'
import { type PresetName, presetNames } from './presets.ts'

const { id } = richMessage

const cleanups: (() => Promise<void> | undefined)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** The lines before the mail that `/raw` shows, as a server receives them. */
async function arrivedBefore(preset: PresetName | undefined, message: OutboundMessage): Promise<string> {
  const peer = await playSmtp()
  const smtp = createSmtp()
  cleanups.push(
    () => smtp.close?.(),
    () => peer.close(),
  )
  const settings = { preset, host: '127.0.0.1', port: peer.port, tls: 'none', allow_insecure: true }
  const connection = {
    id: 'con_1',
    credentials: smtp.credentials.parse({}),
    settings: smtp.settings.parse(settings),
  }
  expect(await smtp.send(message, connection, createTestIo())).toMatchObject({ kind: 'accepted' })
  const arrived = (peer.messages[0] ?? '').replace(/^\.\./gm, '.')
  const shown = (await buildMime(message)).toString('latin1')
  expect(arrived.endsWith(shown)).toBe(true)
  return arrived.slice(0, -shown.length)
}

const linesOf = (text: string) => text.split('\r\n').slice(0, -1)
const unfolded = (text: string) => linesOf(text.replace(/\r\n(?= )/g, ''))
const jsonOf = (text: string) => JSON.parse(unfolded(text)[0]?.replace(/^[\w-]+: /, '') ?? '')

const sparkpost = [
  'X-MSYS-API: { "campaign_id": "welcome", "metadata": {',
  ` "lg_id": "${id}", "lg_tags": "receipt" } }`,
]
const mailgun = ['X-Mailgun-Tag: welcome', 'X-Mailgun-Tag: receipt']

const carried: Record<PresetName, string[]> = {
  ses: [`X-SES-MESSAGE-TAGS: lg_id=${id}, lg_tag_1=welcome, lg_tag_2=receipt`],
  sendgrid: [
    'X-SMTPAPI: { "unique_args": {',
    ` "lg_id": "${id}", "lg_m_order": "7",`,
    ' "lg_m__note": "gr\\u00f6\\u00dfe \\"x\\"" }, "category": [ "welcome",',
    ' "receipt" ] }',
  ],
  mailgun,
  'mailgun-eu': mailgun,
  mandrill: [`X-MC-Metadata: {"lg_id":"${id}"}`, 'X-MC-Tags: welcome,receipt'],
  sparkpost,
  'sparkpost-eu': sparkpost,
  postmark: ['X-PM-Tag: welcome', `X-PM-Metadata-lg_id: ${id}`, 'X-PM-Metadata-lg_tags: receipt'],
  resend: ['Resend-Idempotency-Key: attempt-1'],
  brevo: [`X-Mailin-custom: lg_id=${id}`, 'X-Mailin-Tag: welcome'],
  gmail: [],
  microsoft365: [],
}

describe('header fields for the provider of a preset', () => {
  test.each(presetNames)('%s gets its own fields, once, before the unchanged mail', async (preset) => {
    expect(linesOf(await arrivedBefore(preset, richMessage))).toEqual(carried[preset])
  })

  test('a server without a preset gets only the mail, byte for byte', async () => {
    expect(await arrivedBefore(undefined, richMessage)).toBe('')
  })

  const ownField =
    /^(?:X-SES-MESSAGE-TAGS|X-SMTPAPI|X-Mailgun-Tag|X-MC-(?:Metadata|Tags)|X-MSYS-API|X-PM-(?:Tag|Metadata-lg_\w+)|Resend-Idempotency-Key|X-Mailin-(?:custom|Tag)|X-LG-Metadata-\d+): \S/
  const hostile = [
    'a\r\nX-Evil: 1',
    'b\nX-Evil: 1\n\nbody',
    '\u2028ж',
    ' x ',
    '=?utf-8?Q?=0D=0AX-Evil:_1?=',
    '',
  ]
  const nasty = buildOutboundMessage({
    tags: Array.from({ length: 10 }, (_, at) => `${at}`.repeat(64)),
    metadata: Object.fromEntries([
      ...hostile.map((value, at) => [`h.${at}`, value]),
      ['X-Evil:', '1'],
      ...Array.from({ length: 9 }, (_, at) => [`k${at}`, 'ж'.repeat(512)]),
    ]),
  })
  test.each(presetNames)('%s: no value can start a line, and no line is longer than 998', async (preset) => {
    const before = await arrivedBefore(preset, nasty)
    expect(before).toMatch(/^[\x20-\x7e\r\n]*$/)
    expect(linesOf(before).filter((line) => /[\r\n]/.test(line) || line.length > 998)).toEqual([])
    expect(unfolded(before).filter((line) => !ownField.test(line))).toEqual([])
  })

  test('sendgrid reads every value unchanged', async () => {
    const { unique_args } = jsonOf(await arrivedBefore('sendgrid', nasty))
    for (const [at, value] of hostile.entries()) expect(unique_args[`lg_m_h.${at}`]).toBe(value)
    // Entries that fit no line are counted, like entries beyond the limit of the API.
    expect(unique_args).toMatchObject({ lg_id: nasty.id, lg_left_out: '9' })
  })

  test('an unencoded value cannot add a line either', () => {
    const mime = Buffer.from('Subject: x\r\n\r\n')
    expect(withFields(mime, [['X-A', 'b\r\nX-Evil: ж', 'c\0']]).toString()).toBe(
      'X-A: b__X-Evil: _ c_\r\nSubject: x\r\n\r\n',
    )
  })
})
