import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { listen } from '../test/listen.ts'
import { createEgress } from './egress.ts'
import type { HttpLimits } from './request.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** Posts to a server that does this with each socket, and returns how it ended. */
async function post(onSocket: (socket: Socket) => void, limits: HttpLimits = { timeoutMs: 300 }) {
  const server = await listen(onSocket)
  const egress = createEgress({ allow: ['127.0.0.1'] })
  cleanups.push(
    () => egress.close(),
    () => server.close(),
  )
  const send = () =>
    egress.request(
      {
        method: 'POST',
        url: `http://127.0.0.1:${server.port}/send`,
        headers: { 'content-type': 'text/plain' },
        body: 'the body',
      },
      limits,
    )
  return { send, first: await send().catch((error: unknown) => error) }
}
const onceBodyCame = (socket: Socket, act: () => void) => {
  let got = ''
  socket.on('data', (data) => {
    got += data
    if (got.includes('the body')) act()
  })
}
const mayHaveActed = expect.objectContaining({ name: 'NetworkFailure', bodySent: true, refused: false })
const surelyNothing = expect.objectContaining({ name: 'NetworkFailure', bodySent: false, refused: false })

describe('after the body was sent, a missing answer means that the request may have been carried out', () => {
  test('the server takes the body and never answers', async () => {
    expect((await post((socket) => onceBodyCame(socket, () => {}))).first).toEqual(mayHaveActed)
  })
  test('the server resets the connection', async () => {
    expect((await post((socket) => onceBodyCame(socket, () => socket.resetAndDestroy()))).first).toEqual(
      mayHaveActed,
    )
  })
  test('the server closes the connection before an answer', async () => {
    expect((await post((socket) => onceBodyCame(socket, () => socket.end()))).first).toEqual(mayHaveActed)
  })
  test('the server closes the connection in the middle of an answer', async () => {
    const half = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'
    expect((await post((socket) => onceBodyCame(socket, () => socket.end(half)))).first).toEqual(mayHaveActed)
  })
  test('the server answers something that is not HTTP', async () => {
    expect(
      (await post((socket) => onceBodyCame(socket, () => socket.end('220 mail ESMTP\r\n')))).first,
    ).toEqual(mayHaveActed)
  })
  test('the answer drips in one byte at a time: the total deadline applies', async () => {
    const { first } = await post((socket) =>
      onceBodyCame(socket, () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n')
        const drip = setInterval(() => socket.write('x'), 30)
        socket.on('close', () => clearInterval(drip))
      }),
    )
    expect(first).toEqual(mayHaveActed)
  })
  test('the answer is larger than permitted', async () => {
    const { first } = await post(
      (socket) =>
        onceBodyCame(socket, () =>
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n${'x'.repeat(3_000_000)}`),
        ),
      { timeoutMs: 10_000 },
    )
    expect(first).toEqual(mayHaveActed)
    expect(String(first)).toContain('longer than')
  })
  test('the answer is not HTTP', async () => {
    const { first } = await post((socket) => onceBodyCame(socket, () => socket.end('hello\r\n\r\n')))
    expect(first).toEqual(mayHaveActed)
    expect(String(first)).toContain('not valid HTTP')
  })
  test('a reused connection is reset', async () => {
    const { send, first } = await post((socket) => {
      let requests = 0
      onceBodyCame(socket, () => {
        if (++requests > 1) socket.resetAndDestroy()
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
    })
    expect(first).toMatchObject({ status: 200 })
    // The pool may open a second connection before it comes back to the first.
    const sendMore = async () => {
      for (let round = 0; round < 5; round++) await send()
    }
    await expect(sendMore()).rejects.toEqual(mayHaveActed)
  })
})

describe('before anything was sent, a retry is safe', () => {
  const request = (url: string, options: { signal?: AbortSignal; timeoutMs?: number } = {}) => {
    const egress = createEgress({ allow: ['127.0.0.1'], resolve: async () => [] })
    cleanups.push(() => egress.close())
    return egress
      .request({ method: 'POST', url, headers: {}, body: 'x' }, options)
      .catch((error: unknown) => error)
  }
  const unusedPort = async () => {
    const server = await listen(() => {})
    await server.close()
    return server.port
  }

  test('no server listens there', async () => {
    expect(await request(`http://127.0.0.1:${await unusedPort()}/`)).toEqual(surelyNothing)
  })
  test('the name does not resolve', async () => {
    expect(await request('https://gone.example.com/')).toEqual(surelyNothing)
  })
  test('the signal has already fired', async () => {
    expect(await request('https://gone.example.com/', { signal: AbortSignal.abort() })).toEqual(surelyNothing)
  })
  test('the other side never finishes the TLS handshake', async () => {
    const server = await listen(() => {})
    cleanups.push(() => server.close())
    expect(await request(`https://127.0.0.1:${server.port}/`, { timeoutMs: 100 })).toEqual(surelyNothing)
  })
  test('the other side resets the connection during the TLS handshake', async () => {
    const server = await listen((socket) => socket.on('data', () => socket.resetAndDestroy()))
    cleanups.push(() => server.close())
    expect(await request(`https://127.0.0.1:${server.port}/`)).toEqual(surelyNothing)
  })
})

test('an answer that may be cut has its status and its beginning, and the rest is not read', async () => {
  let isClosed: (() => void) | undefined
  const closed = new Promise<void>((resolve) => {
    isClosed = resolve
  })
  const { first } = await post(
    (socket) => {
      socket.on('close', () => isClosed?.())
      onceBodyCame(socket, () =>
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\nstart${'x'.repeat(200_000)}`),
      )
    },
    { timeoutMs: 10_000, answerBytesMax: 100_000, isCutAllowed: true },
  )
  expect(first).toMatchObject({ status: 200 })
  expect(first instanceof Object && 'body' in first && String(first.body)).toMatch(/^startx+$/)
  await closed
})

test('a signal that fires during the wait for the answer ends the request', async () => {
  const controller = new AbortController()
  const server = await listen((socket) => onceBodyCame(socket, () => controller.abort()))
  const egress = createEgress({ allow: ['127.0.0.1'] })
  cleanups.push(
    () => egress.close(),
    () => server.close(),
  )
  const url = `http://127.0.0.1:${server.port}/`
  const sent = egress.request(
    { method: 'POST', url, headers: {}, body: 'the body' },
    { signal: controller.signal },
  )
  await expect(sent).rejects.toEqual(mayHaveActed)
})
