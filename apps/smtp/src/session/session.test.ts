import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { openListener } from '../../test/listener.ts'
import { connectRaw, type RawClient } from '../../test/raw-client.ts'
import { createCaps } from './caps.ts'
import { createMemory } from './memory.ts'
import { reply } from './reply.ts'
import { defaultLimits } from './session-options.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

async function open(change: Parameters<typeof openListener>[0] = {}) {
  const opened = await openListener(change)
  cleanups.push(() => opened.listener.drain(0))
  return opened
}

async function greet(port: number, options?: Parameters<typeof connectRaw>[1]): Promise<RawClient> {
  const client = await connectRaw(port, options)
  cleanups.push(() => client.destroy())
  expect(await client.read()).toBe('220 mx.test ESMTP')
  return client
}

const base64 = (text: string) => Buffer.from(text).toString('base64')
const plainToken = (password = 'secret') => base64(`\0ann\0${password}`)
const limits = { ...defaultLimits, bytesMax: 100_000, recipientsMax: 3 }

async function secure(port: number): Promise<RawClient> {
  const client = await greet(port)
  await client.ask('EHLO a')
  expect(await client.ask('STARTTLS')).toMatch(/^220/)
  await client.upgrade()
  return client
}

/** A session that may send. */
async function ready(port: number): Promise<RawClient> {
  const client = await secure(port)
  await client.ask('EHLO a')
  expect(await client.ask(`AUTH PLAIN ${plainToken()}`)).toMatch(/^235/)
  return client
}

async function openData(client: RawClient): Promise<void> {
  expect(await client.ask('MAIL FROM:<ann@acme.example>')).toMatch(/^250 2\.1\.0/)
  expect(await client.ask('RCPT TO:<bob@example.net>')).toMatch(/^250 2\.1\.5/)
  expect(await client.ask('DATA')).toMatch(/^354/)
}

describe('AUTH goes by the state of TLS', () => {
  test('before TLS only CRAM-MD5 is offered, after it passwords too', async () => {
    const { port } = await open()
    const client = await greet(port)
    expect(await client.ask('EHLO a')).toMatch(/AUTH CRAM-MD5\r\n/)
    await client.ask('STARTTLS')
    await client.upgrade()
    expect(await client.ask('EHLO a')).toMatch(/AUTH PLAIN LOGIN CRAM-MD5\r\n/)
  })

  test('a password before TLS is refused, with the way to do it', async () => {
    const { port } = await open()
    const client = await greet(port)
    await client.ask('EHLO a')
    expect(await client.ask(`AUTH PLAIN ${plainToken()}`)).toMatch(/^538 5\.7\.11 .*STARTTLS/)
    expect(await client.ask('AUTH XOAUTH2 abc')).toMatch(/^504 5\.5\.4/)
  })

  test('CRAM-MD5 works without TLS, LOGIN and PLAIN within it', async () => {
    const { port } = await open()
    const client = await greet(port)
    await client.ask('EHLO a')
    const challenge = Buffer.from((await client.ask('AUTH CRAM-MD5')).slice(4), 'base64').toString()
    const digest = createHmac('md5', 'secret').update(challenge).digest('hex')
    expect(await client.ask(base64(`ann ${digest}`))).toMatch(/^235/)
    const login = await secure(port)
    await login.ask('EHLO a')
    await login.ask('AUTH LOGIN')
    await login.ask(base64('ann'))
    expect(await login.ask(base64('secret'))).toMatch(/^235/)
    await ready(port)
  })

  test('nothing is taken before it, and three wrong attempts end the session', async () => {
    const { port } = await open()
    const client = await secure(port)
    await client.ask('EHLO a')
    expect(await client.ask('MAIL FROM:<ann@acme.example>')).toMatch(/^530 5\.7\.0/)
    for (let i = 0; i < 3; i++)
      expect(await client.ask(`AUTH PLAIN ${plainToken('x')}`)).toMatch(/^535 5\.7\.8/)
    expect(await client.ask(`AUTH PLAIN ${plainToken()}`)).toMatch(/^421/)
    await client.rest()
  })

  test('junk in base64, and a token without end, are refused', async () => {
    const { port } = await open()
    const client = await secure(port)
    await client.ask('EHLO a')
    expect(await client.ask('AUTH PLAIN !!!!')).toMatch(/^501/)
    expect(await client.ask(`AUTH PLAIN ${'A'.repeat(13_000)}`)).toMatch(/^421 4\.5\.2/)
  })

  test('commands that came before TLS are forgotten', async () => {
    const { port, kept } = await open()
    const client = await greet(port)
    await client.ask('EHLO a')
    client.write('STARTTLS\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n')
    expect(await client.read()).toMatch(/^220/)
    await client.upgrade()
    expect(await client.ask('NOOP')).toMatch(/^250/)
    expect(await client.ask('MAIL FROM:<a@b.example>')).toMatch(/^503/)
    expect(kept).toEqual([])
  })

  test('a port with TLS from the first byte offers passwords at once', async () => {
    const { port } = await open({ tls: 'implicit' })
    const client = await greet(port, { tls: {} })
    const features = await client.ask('EHLO a')
    expect(features).toMatch(/AUTH PLAIN LOGIN CRAM-MD5/)
    expect(features).not.toContain('STARTTLS')
  })
})

describe('only CR LF . CR LF ends a mail', () => {
  const smuggled = 'MAIL FROM:<evil@acme.example>\r\nRCPT TO:<eve@example.net>\r\nDATA\r\nFrom: x\r\n'
  test.each([
    ['LF . LF', '\n.\n'],
    ['LF . CRLF', '\n.\r\n'],
    ['CRLF . LF', '\r\n.\n'],
    ['CR . CR', '\r.\r'],
    ['CRLF . CR', '\r\n.\r'],
    ['CR . CRLF', '\r.\r\n'],
    ['CR . LF', '\r.\n'],
    ['LF . CR', '\n.\r'],
    ['CRLF NUL . CRLF', '\r\n\0.\r\n'],
    ['CRLF . CR CRLF', '\r\n.\r\r\n'],
    ['CRLF . NUL CRLF', '\r\n.\0\r\n'],
    ['LF . CR CRLF', '\n.\r\r\n'],
  ])('%s does not, and there is one mail or none', async (_name, ending) => {
    const { port, kept } = await open()
    const client = await ready(port)
    await openData(client)
    client.write(`From: ann@acme.example\r\n\r\nHi${ending}${smuggled}`)
    const answer = await client.ask('\r\n.')
    const isBare = !ending.includes('\0')
    expect(answer).toMatch(isBare ? /^550 5\.6\.11/ : /^250 2\.0\.0 Ok: queued as msg_1/)
    expect(await client.ask('NOOP')).toMatch(/^250/)
    expect(kept.map(({ view }) => view.envelope.recipients)).toEqual(isBare ? [] : [['bob@example.net']])
    if (!isBare) expect(kept[0]?.mail).toContain('MAIL FROM:<evil@acme.example>')
  })

  test('where bare line breaks are taken, the handler knows of them, and they end nothing', async () => {
    const seen: boolean[] = []
    const { port } = await open({
      refusesBareBreaks: false,
      handlers: {
        async message({ hasBareBreak }) {
          seen.push(hasBareBreak)
          return reply(250, '2.0.0', 'Ok')
        },
      },
    })
    for (const text of ['a\n.\nb', 'a\r\nb', 'a\rb']) {
      const client = await ready(port)
      await openData(client)
      expect(await client.ask(`From: a@b.example\r\n\r\n${text}\r\n.`)).toMatch(/^250/)
    }
    expect(seen).toEqual([true, false, true])
  })

  test('an end that comes in pieces is an end, and dots at the start of lines come through', async () => {
    const { port, kept } = await open()
    const client = await ready(port)
    await openData(client)
    for (const piece of ['From: a@b.example\r\n\r\n.', '.one\r\n..', 'two\r', '\n.', '\r']) {
      client.write(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
    client.write('\n')
    expect(await client.read()).toMatch(/^250/)
    expect(kept[0]?.mail).toBe('From: a@b.example\r\n\r\n.one\r\n.two\r\n')
  })
})

describe('commands that are no commands end the session', () => {
  test('a line that ends in LF alone', async () => {
    const { port } = await open()
    const client = await greet(port)
    client.write('EHLO a\n')
    expect(await client.read()).toBe('421 4.5.2 A line does not end in CR LF')
    await client.rest()
  })

  test('a line without end', async () => {
    const { port } = await open({ isOpen: true })
    const client = await greet(port)
    client.write('x'.repeat(17_000))
    expect(await client.read()).toMatch(/^421 4\.5\.2 The line is too long/)
  })

  test('a request of a browser, unknown commands, and commands that lead to no mail', async () => {
    const { port } = await open({ isOpen: true })
    const browser = await greet(port)
    expect(await browser.ask('POST / HTTP/1.1')).toMatch(/^421/)
    const scanner = await greet(port)
    for (let i = 0; i < 9; i++) expect(await scanner.ask('WIZ x')).toMatch(/^500/)
    expect(await scanner.ask('HELP')).toMatch(/^421/)
    const idler = await greet(port)
    for (let i = 0; i < 20; i++) expect(await idler.ask('NOOP')).toMatch(/^250/)
    expect(await idler.ask('VRFY x')).toMatch(/^421 4\.7\.0/)
    await idler.rest()
  })
})

describe('addresses that some server would read differently are refused', () => {
  test.each([
    ['<@relay.example:u@b.example>', /^553 5\.1\.3 Source routes/],
    ['<u%other.example@b.example>', /^553 5\.1\.3/],
    ['<u!v@b.example>', /^553 5\.1\.3/],
    ['<u@[127.0.0.1]>', /^553 5\.1\.3 .*IP address/],
    [`<${'u'.repeat(65)}@b.example>`, /^553 5\.1\.3 .*64/],
    ['<u@localhost>', /^553 5\.1\.3/],
    ['<u@-a.example>', /^553 5\.1\.3/],
    ['<ü@b.example>', /^553 5\.6\.7/],
    ['<postmaster>', /^553 5\.1\.3/],
    ['<"x@evil.example y"@b.example>', /^553 5\.1\.3/],
    ['u@b.example', /^501 5\.1\.3/],
    ['<u@b.example> FOO=BAR', /^555 5\.5\.4/],
    ['<u@b.example> NOTIFY=NEVER,SUCCESS', /^501/],
    ['<>', /^553 5\.1\.3/],
  ])('RCPT TO:%s', async (path, answer) => {
    const { port } = await open()
    const client = await ready(port)
    await client.ask('MAIL FROM:<ann@acme.example>')
    expect(await client.ask(`RCPT TO:${path}`)).toMatch(answer)
  })

  test('a sender may be empty, and gets the same checks', async () => {
    const { port } = await open()
    const client = await ready(port)
    expect(await client.ask('MAIL FROM:<ann@[10.1.2.3]>')).toMatch(/^553 5\.1\.7/)
    expect(await client.ask('MAIL FROM:<a@b.example> HOLDFOR=100')).toMatch(/^555 5\.5\.4/)
    expect(await client.ask('MAIL FROM:<a@b.example> SIZE=100001')).toMatch(/^552 5\.3\.4/)
    expect(await client.ask('MAIL FROM:<>')).toMatch(/^250/)
  })
})

describe('a mail', () => {
  test('has its own answer for each recipient, and goes to those that were taken', async () => {
    const { port, kept } = await open()
    const client = await ready(port)
    client.write(
      'MAIL FROM:<ann@acme.example> RET=HDRS ENVID=e1 BODY=8BITMIME\r\nRCPT TO:<b@EXAMPLE.net> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b@example.net\r\n' +
        'RCPT TO:<no@example.net>\r\nRCPT TO:<c@example.net>\r\nDATA\r\n',
    )
    const answers: string[] = []
    for (let i = 0; i < 5; i++) answers.push((await client.read()).slice(0, 9))
    expect(answers).toEqual(['250 2.1.0', '250 2.1.5', '550 5.7.1', '250 2.1.5', '354 End d'])
    expect(await client.ask('From: a@b.example\r\n\r\nHi\r\n.')).toBe('250 2.0.0 Ok: queued as msg_1')
    expect(kept[0]?.view).toMatchObject({
      user: { name: 'ann' },
      isSecure: true,
      envelope: {
        from: 'ann@acme.example',
        recipients: ['b@example.net', 'c@example.net'],
        dsn: {
          ret: 'HDRS',
          envid: 'e1',
          recipients: { 'b@example.net': { notify: ['FAILURE', 'DELAY'], orcpt: 'rfc822;b@example.net' } },
        },
      },
    })
  })

  test('that is too large is refused, and one that goes on is cut off', async () => {
    const { port, kept } = await open()
    const client = await ready(port)
    await openData(client)
    const line = `${'x'.repeat(70)}\r\n`
    client.write(line.repeat(1_500))
    expect(await client.ask('.')).toMatch(/^552 5\.3\.4/)
    await openData(client)
    client.write(line.repeat(3_500))
    expect(await client.read()).toMatch(/^552 5\.3\.4/)
    await client.rest()
    expect(kept).toEqual([])
  })

  test('of a client that leaves in its middle is not stored, and its memory is free again', async () => {
    const memory = createMemory(1_000_000)
    const { port, kept, errors } = await open({ memory })
    const client = await ready(port)
    await openData(client)
    client.write('From: a@b.example\r\n\r\nHi '.repeat(1_000))
    await expect.poll(() => memory.used()).toBeGreaterThan(10_000)
    client.destroy()
    await expect.poll(() => memory.used()).toBe(0)
    expect(kept).toEqual([])
    expect(errors).toEqual([])
  })

  test('is put off while the memory for mails is used up', async () => {
    const memory = createMemory(50_000)
    const { port } = await open({ memory })
    const client = await ready(port)
    await openData(client)
    client.write('x'.repeat(60_000))
    expect(await client.ask('\r\n.')).toMatch(/^452 4\.3\.1/)
    memory.take('127.0.0.1', 24_000)
    for (const line of ['MAIL FROM:<ann@acme.example>', 'RCPT TO:<bob@example.net>']) await client.ask(line)
    expect(await client.ask('DATA')).toMatch(/^452 4\.3\.1/)
    memory.give('127.0.0.1', 24_000)
    expect(await client.ask('DATA')).toMatch(/^354/)
  })

  test('whose handler fails is put off, and the failure is reported', async () => {
    const { port, errors } = await open({ handlers: { message: () => Promise.reject(new Error('boom')) } })
    const client = await ready(port)
    await openData(client)
    expect(await client.ask('From: a@b.example\r\n\r\nHi\r\n.')).toMatch(/^451 4\.3\.0/)
    expect(errors).toMatchObject([{ message: 'boom' }])
  })
})

describe('bounds', () => {
  test('of connections in all and by address', async () => {
    const { port } = await open({ connections: createCaps(50, 2) })
    await greet(port)
    const second = await greet(port)
    expect(await (await connectRaw(port)).read()).toMatch(/^421 4\.7\.0 Too many connections/)
    second.close()
    await expect.poll(async () => (await connectRaw(port)).read()).toMatch(/^220/)
  })

  test('of silence, of a login that does not come, and of a mail that comes drop by drop', async () => {
    const silent = await greet((await open({ limits: { ...limits, idleMs: 50 } })).port)
    expect(await silent.read()).toMatch(/^421/)
    const { port } = await open({ limits: { ...limits, loginMs: 50 } })
    const stranger = await greet(port)
    expect(await stranger.read()).toMatch(/^421 4\.4\.2 No AUTH in time/)
    const { port: slow, kept } = await open({ limits: { ...limits, slowAfterMs: 50 } })
    const dripper = await ready(slow)
    await openData(dripper)
    dripper.write('From: a')
    const drip = setInterval(() => dripper.write('x'), 100)
    expect(await dripper.read()).toMatch(/^421 4\.4\.2 The mail arrives too slowly/)
    clearInterval(drip)
    expect(kept).toEqual([])
  })
})

test('a trusted proxy names the client, and nobody else can', async () => {
  const { port, kept } = await open({ isProxy: () => true, isOpen: true })
  const client = await connectRaw(port)
  cleanups.push(() => client.destroy())
  client.write('PROXY TCP4 203.0.113.7 192.0.2.1 40000 25\r\n')
  expect(await client.read()).toMatch(/^220/)
  await client.ask('EHLO a')
  await openData(client)
  await client.ask('From: a@b.example\r\n\r\nHi\r\n.')
  expect(kept[0]?.view.remoteAddress).toBe('203.0.113.7')
  const { port: other } = await open({ isOpen: true })
  const liar = await greet(other)
  expect(await liar.ask('PROXY TCP4 203.0.113.7 192.0.2.1 40000 25')).toMatch(/^500/)
})

describe('an end in order', () => {
  test('sends idle clients away, lets a mail under way end, and takes no new one', async () => {
    const { port, listener, kept } = await open()
    const idle = await ready(port)
    const busy = await ready(port)
    await busy.ask('MAIL FROM:<ann@acme.example>')
    const drained = listener.drain(5_000)
    expect(await idle.read()).toMatch(/^421 4\.3\.2/)
    expect(await busy.ask('RCPT TO:<bob@example.net>')).toMatch(/^250/)
    expect(await busy.ask('DATA')).toMatch(/^354/)
    expect(await busy.ask('From: a@b.example\r\n\r\nHi\r\n.')).toMatch(/^250 2\.0\.0 Ok: queued as msg_1/)
    expect(await busy.read()).toMatch(/^421 4\.3\.2/)
    await expect(connectRaw(port)).rejects.toThrow()
    await drained
    expect(kept).toHaveLength(1)
  })

  test('cuts off what has not ended within the grace, without an answer that promises anything', async () => {
    const { port, listener, kept } = await open()
    const client = await ready(port)
    await openData(client)
    client.write('From: a@b.example\r\n')
    await listener.drain(50)
    expect(await client.rest()).not.toMatch(/^250/m)
    expect(kept).toEqual([])
  })
})
