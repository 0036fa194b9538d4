/**
 * Loaded into every child before its own code (node --import): a child must not outlive `lettergate start`, even one that was
 * killed without a message. The channel to it closes with it.
 */
const GRACE_MS = 8_000
let postgresPid: number | undefined

process.on('message', (message) => {
  if (typeof message === 'object' && message !== null && 'postgresPid' in message) {
    postgresPid = Number(message.postgresPid)
  }
})
// The channel alone must not keep the child running; listening for messages made it do so.
process.channel?.unref()

process.once('disconnect', () => {
  process.once('exit', () => {
    try {
      if (postgresPid !== undefined) process.kill(postgresPid, 'SIGINT')
    } catch {
      // It has already ended.
    }
  })
  setTimeout(() => process.exit(1), GRACE_MS).unref()
  process.kill(process.pid, 'SIGTERM')
})
