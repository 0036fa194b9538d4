import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createConnectGate } from './connect-gate.ts'

type End = (isOpen: boolean) => void

/** Asks for the gate this number of times together; `begun` are the askers it let begin, in order, and how their handshakes can end. */
function ask(gate: ReturnType<typeof createConnectGate>, count: number) {
  const begun: { index: number; end: End }[] = []
  const refused: unknown[] = []
  const givenUp: number[] = []
  const ended = Promise.all(
    Array.from({ length: count }, (_, index) =>
      gate
        .pass(() => void givenUp.push(index))
        .then(
          (end) => void begun.push({ index, end }),
          (error: unknown) => void refused.push(error),
        ),
    ),
  )
  return { begun, refused, givenUp, ended, indexes: () => begun.map(({ index }) => index) }
}

const patient = { atOnce: 1, spacingMs: 60_000, waitMs: 60_000 }

test('one handshake runs first, and all waiting ones begin when it is answered', async () => {
  const asked = ask(createConnectGate(patient), 4)
  await expect.poll(asked.indexes).toEqual([0])
  asked.begun[0]?.end(true)
  await asked.ended
  expect(asked.indexes()).toEqual([0, 1, 2, 3])
})

test('a few handshakes may run concurrently, the others wait for an answer or a refusal', async () => {
  const asked = ask(createConnectGate({ ...patient, atOnce: 2 }), 5)
  await expect.poll(asked.indexes).toEqual([0, 1])
  asked.begun[0]?.end(false)
  await expect.poll(asked.indexes).toEqual([0, 1, 2])
  asked.begun[2]?.end(true)
  await asked.ended
  expect(asked.indexes()).toEqual([0, 1, 2, 3, 4])
})

test('after an answered handshake, the next begins immediately', async () => {
  const gate = createConnectGate(patient)
  const end = await gate.pass(() => undefined)
  end(true)
  await gate.pass(() => undefined)
})

test('while none is answered, one handshake begins per interval, in the order of arrival', async () => {
  const gate = createConnectGate({ atOnce: 1, spacingMs: 100, waitMs: 60_000 })
  const startedAt = performance.now()
  const asked = ask(gate, 4)
  await asked.ended
  expect(asked.indexes()).toEqual([0, 1, 2, 3])
  expect(performance.now() - startedAt).toBeGreaterThan(3 * 100 - 10)
})

test('while a handshake is not answered, the next one waits for its time', async () => {
  const gate = createConnectGate({ atOnce: 1, spacingMs: 60_000, waitMs: 50 })
  await gate.pass(() => undefined)
  const asked = ask(gate, 2)
  await asked.ended
  expect(asked.begun).toEqual([])
  expect(asked.refused).toHaveLength(2)
})

test('after a handshake without an answer, the next waits for its interval', async () => {
  const gate = createConnectGate({ atOnce: 1, spacingMs: 100, waitMs: 60_000 })
  const first = ask(gate, 2)
  await first.ended
  const startedAt = performance.now()
  await sleep(150)
  first.begun[0]?.end(false)
  first.begun[1]?.end(false)
  const next = ask(gate, 2)
  await next.ended
  expect(performance.now() - startedAt).toBeGreaterThan(200)
})

test('after a refusal the next handshake begins immediately', async () => {
  const asked = ask(createConnectGate(patient), 3)
  for (const index of [0, 1, 2]) {
    await expect.poll(asked.indexes).toEqual([0, 1, 2].slice(0, index + 1))
    asked.begun[index]?.end(false)
  }
})

test('a handshake that could not begin in time does not use the turn of another', async () => {
  const gate = createConnectGate({ atOnce: 1, spacingMs: 1_000, waitMs: 50 })
  await gate.pass(() => undefined)
  const late = ask(gate, 1)
  await late.ended
  expect(late.refused).toHaveLength(1)
  await sleep(1_000)
  const next = ask(gate, 1)
  await next.ended
  expect(next.indexes()).toEqual([0])
})

test('earlier handshakes than an answered one are given up an interval later, if they have no answer by then; their end has no effect', async () => {
  const gate = createConnectGate({ atOnce: 1, spacingMs: 50, waitMs: 60_000 })
  const asked = ask(gate, 3)
  await asked.ended
  asked.begun[2]?.end(true)
  expect(asked.givenUp).toEqual([])
  // Merely slow.
  asked.begun[0]?.end(true)
  await expect.poll(() => asked.givenUp).toEqual([1])
  asked.begun[1]?.end(false)
  const next = ask(createConnectGate(patient), 1)
  await next.ended
  await gate.pass(() => undefined)
})
