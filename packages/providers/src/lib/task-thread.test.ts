import { expect, test } from 'vitest'
import { createTaskThread } from './task-thread.ts'

type Ask = 'twice' | 'throw' | 'exit'

/** A thread that answers two times, or ends. */
const SCRIPT = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads'
    parentPort.on('message', (ask) => {
      if (ask === 'exit') process.exit(1)
      if (ask === 'throw') throw new Error('a fault of the thread')
      parentPort.postMessage('first')
      parentPort.postMessage('last')
    })
  `)}`,
)

function open() {
  const thread = createTaskThread<Ask, string>(SCRIPT, (reason) => new Error(`dropped: ${reason}`))
  const send = (what: Ask) =>
    thread.run<string[]>(({ ask, done }) => {
      const heard: string[] = []
      ask(what)
      return (answer) => {
        heard.push(answer)
        if (answer === 'last') done(heard)
      }
    })
  return { thread, send }
}

test('tasks run one at a time, and each gets its own answers', async () => {
  const { send } = open()
  expect(await Promise.all([send('twice'), send('twice'), send('twice')])).toEqual(
    Array(3).fill(['first', 'last']),
  )
})

test.each([
  ['throw', 'a fault of the thread'],
  ['exit', 'its thread ended'],
] as const)(
  'a task whose thread ends by "%s" fails alone: the next one gets a new thread',
  async (how, why) => {
    const { send } = open()
    const [ended, next] = await Promise.allSettled([send(how), send('twice')])
    expect(ended).toMatchObject({ reason: { message: expect.stringContaining(why) } })
    expect(next).toMatchObject({ value: ['first', 'last'] })
  },
)

test('a task that fails or cannot be sent leaves the thread to the next one', async () => {
  const { thread, send } = open()
  const refused = thread.run<string>(({ ask, fail }) => {
    ask('twice')
    return () => fail(new Error('refused'))
  })
  await expect(refused).rejects.toThrow('refused')
  const unsent = thread.run<string>(() => {
    throw new Error('it cannot be sent')
  })
  await expect(unsent).rejects.toThrow('it cannot be sent')
  expect(await send('twice')).toContain('last')
})
