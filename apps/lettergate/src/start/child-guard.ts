/**
 * Loaded into every child before its own code (node --import): a child must not outlive `lettergate start`, even one that
 * was killed and could say nothing. The channel to it closes with it.
 */
const GRACE_MS = 8_000

process.channel?.unref()
process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM')
  setTimeout(() => process.exit(1), GRACE_MS).unref()
})
