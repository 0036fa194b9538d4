import { parentPort } from 'node:worker_threads'
import { decodeMimeHere } from '../raw-mime/decode-mime.ts'
import { asBuffer, type EncodeAnswer, type EncodeTask, type Task } from './encode-large.ts'
import { textOf } from './json-body.ts'
import { buildMimeHere } from './mime.ts'

/** Runs in a thread of its own: see `encode-large.ts`. */
parentPort?.on('message', async (task: Task) => {
  parentPort?.postMessage(await answer(task))
})

async function answer(task: Task): Promise<EncodeAnswer> {
  try {
    if (task.kind === 'decode') return { content: await decodeMimeHere(asBuffer(task.raw)) }
    return { bytes: encode(task) }
  } catch (error) {
    return { error: String(error) }
  }
}

function encode(task: EncodeTask): Uint8Array {
  switch (task.kind) {
    case 'mime':
      return share(buildMimeHere(withBuffers(task.message)))
    case 'json':
      return shareText(JSON.stringify(task.value, (_key, value: unknown) => textOf(value) ?? value))
    case 'base64':
      return shareText(asBuffer(task.bytes).toString('base64'))
  }
}

/** Restores the class of values from another thread. */
function withBuffers(message: Extract<EncodeTask, { kind: 'mime' }>['message']) {
  const attachments = message.attachments.map((file) => ({ ...file, content: asBuffer(file.content) }))
  return { ...message, attachments }
}

/** Into memory that the other thread reads without a copy. */
function share(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.byteLength))
  shared.set(bytes)
  return shared
}

function shareText(text: string): Uint8Array {
  const shared = Buffer.from(new SharedArrayBuffer(Buffer.byteLength(text)))
  shared.write(text)
  return shared
}
