import { type ChildProcess, fork } from 'node:child_process'
import type { Server } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { BACKLOG, type Door, openDoor } from './door.ts'

/** What the api tells the refuser. */
export type ToRefuser =
  /** With the server, once for each handle of it: take its new connections. */
  | { kind: 'listen' }
  /** So many sends may be passed on. */
  | { kind: 'room'; sends: number }
  /** Give the server back, and refuse nothing any more. */
  | { kind: 'rest' }

/** What the refuser tells the api. */
export type FromRefuser =
  | { kind: 'ready' }
  /** It takes the new connections now. */
  | { kind: 'listening' }
  /** With the server: it takes them no longer. */
  | { kind: 'rests' }
  /** Since it told last, ten times a second while it has the server; 0 says that it is alive. */
  | { kind: 'refused'; sends: number }

export type Refuser = {
  /** Told when there are so many connections that there may be too many sends. */
  prepare(): void
  /** Told of every send that the api refused itself. */
  onRefused(): void
  /** Whether a connection may end here, because another process takes new ones: one in a millisecond. */
  mayEnd(): boolean
  /** Whether a connection came by way of another process that is no longer needed, and should end with its answer. */
  isDetour(socket: Socket): boolean
  /** Resolves when the listening socket is here, or in two seconds. */
  settle(): Promise<void>
  /** Ends the other process once it has passed on the last answers. */
  stop(): Promise<void>
}

/** Refusals within a second from which another process is worth it: they cost the api 40 µs each. */
const REFUSED_MIN = 100
/** Nothing refused for so long: it is over. */
const QUIET_MS = 5_000
/** Heard nothing of it for so long: it hangs. */
const SILENT_MS = 10_000
/** After one that ended without being told to. */
const RESTART_MS = 5_000
const LOOK_MS = 20
/**
 * Handles of the listening socket that the other process gets. Node takes one connection for each and for each round of its loop
 * (https://github.com/libuv/libuv/pull/3696), which under load is 30 ms: with one, new connections waited for up to 8 s.
 */
const HANDLES = 16
/** Between two connections that end here: they come anew, and must not come faster than they are taken. */
const END_EVERY_MS = 1
/** Looks in a row that must see room, since all that waited may have been stored just now. */
const LOOKS = 5
/** Sends that are to wait at least, so that the api never runs dry: one batch. */
const WAITING_MIN = 250
const LISTEN_AGAIN_MS = 100
const SETTLE_MS = 2_000
const STOP_MS = 1_000

/**
 * Has the sends that are too many refused by another process. Under overload what a refusal costs is taken from what is accepted, by
 * the one thread that does both; measured, that left a third of the capacity at three times the load (decision 0014). The other is
 * lent the listening socket, and passes on every connection that wants something else than a send, and as many sends as there is
 * room for. Should it die or hang, its connections break, and the api listens and goes on alone.
 */
export function createRefuser(
  server: Server,
  deps: {
    /** Sends that wait to be stored or are being stored. */
    waiting(): number
    stopping: { readonly isDraining: boolean; readonly isClosing: boolean }
    countRefused(sends: number): void
    logger: Pick<Logger, 'info' | 'warn'>
  },
  { quietMs = QUIET_MS, restartMs = RESTART_MS, silentMs = SILENT_MS } = {},
): Refuser {
  let child: ChildProcess | undefined
  let door: Door | undefined
  /** Connections of clients that the other process passes on. */
  const joined = new WeakSet<Socket>()
  /** Where the listening socket is, and is on its way to. */
  let listener: 'here' | 'leaving' | 'lent' | 'coming' = 'here'
  let address: { host: string; port: number } | undefined
  let startedAt = Number.NEGATIVE_INFINITY
  let heardAt = Number.NEGATIVE_INFINITY
  let refusedAt = Number.NEGATIVE_INFINITY
  let secondBegan = Number.NEGATIVE_INFINITY
  let refusedInSecond = 0
  let taken = 0
  let endedAt = 0
  let isReady = false
  let isStopped = false
  let looking: NodeJS.Timeout | undefined
  let room = 0
  const seen: number[] = []

  function tell(message: ToRefuser, handle?: Server): void {
    if (child?.connected) child.send(message, handle)
  }

  function look(): void {
    seen.push(deps.waiting())
    if (seen.length > LOOKS) seen.shift()
    // A part at a time: what was let in is seen to wait a few looks later.
    const sends = seen.length < LOOKS ? 0 : Math.ceil(Math.max(0, WAITING_MIN - Math.max(...seen)) / LOOKS)
    // Also when it is the same again: what it gave is used up.
    if (sends > 0 || room > 0) tell({ kind: 'room', sends })
    room = sends
    // Nobody takes new connections: its end is the cure.
    if (performance.now() - heardAt > silentMs) setImmediate(killSilent)
    if (listener === 'lent' && (deps.stopping.isDraining || performance.now() - refusedAt > quietMs)) {
      listener = 'coming'
      tell({ kind: 'rest' })
    }
  }

  /** What it said while this process stood still is read before. */
  function killSilent(): void {
    if (performance.now() - heardAt > silentMs) child?.kill('SIGKILL')
  }

  function endLooking(): void {
    clearInterval(looking)
    seen.length = 0
    room = 0
  }

  function lend(): void {
    if (!isReady || listener !== 'here' || deps.stopping.isDraining) return
    const bound = server.address()
    if (bound === null || typeof bound === 'string') return
    address = { host: bound.address, port: bound.port }
    listener = 'leaving'
    heardAt = performance.now()
    taken = 0
    for (let handle = 0; handle < HANDLES; handle++) tell({ kind: 'listen' }, server)
    looking = setInterval(look, LOOK_MS)
  }

  function lent(): void {
    listener = 'lent'
    // Ours alone: the socket itself goes on listening, and the connections that we have are left alone.
    NetServer.prototype.close.call(server)
    deps.logger.warn('overloaded: a separate process refuses sends on new connections')
  }

  function takeBack(handle: unknown): void {
    if (!(handle instanceof NetServer)) {
      listenAgain()
      return
    }
    listener = 'here'
    taken = 0
    endLooking()
    if (deps.stopping.isClosing) handle.close()
    else server.listen(handle, BACKLOG)
    deps.logger.info('no longer overloaded')
  }

  /** Where the listening socket went down with the process that had it. */
  function listenAgain(): void {
    if (deps.stopping.isClosing || isStopped || address === undefined) return
    if (server.listening) return
    const onError = (error: Error) => {
      server.off('listening', onListening)
      deps.logger.warn({ err: error }, 'cannot listen again')
      setTimeout(listenAgain, LISTEN_AGAIN_MS)
    }
    const onListening = () => {
      server.off('error', onError)
      endLooking()
      listener = 'here'
    }
    server.once('error', onError).once('listening', onListening)
    server.listen({ ...address, backlog: BACKLOG })
  }

  function onMessage(message: FromRefuser, handle: unknown): void {
    switch (message.kind) {
      case 'ready':
        isReady = true
        return
      case 'listening':
        // What it said before it ended may be read after its end.
        if (listener === 'leaving' && ++taken === HANDLES) lent()
        return
      case 'rests':
        if (listener === 'coming') takeBack(handle)
        return
      case 'refused':
        heardAt = performance.now()
        if (message.sends === 0) return
        refusedAt = heardAt
        deps.countRefused(message.sends)
    }
  }

  async function start(): Promise<void> {
    startedAt = performance.now()
    door ??= await openDoor(server, (socket) => joined.add(socket))
    // Nothing of the environment, which has secrets.
    child = fork(fileURLToPath(new URL('./refuser-main.ts', import.meta.url)), [door.path], {
      env: {},
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child.on('message', onMessage)
    child.on('error', (error) => {
      onFailure(error)
      // One that could not be started has no end either.
      if (child?.pid === undefined) child = undefined
    })
    child.once('exit', onExit)
  }

  function onFailure(error: unknown): void {
    deps.logger.warn({ err: error }, 'the process for refusals failed')
  }

  function onExit(code: number | null, signal: NodeJS.Signals | null): void {
    taken = 0
    endLooking()
    child = undefined
    isReady = false
    if (isStopped) return
    deps.logger.warn({ code, signal }, 'the process for refusals ended unexpectedly')
    if (listener === 'here') return
    if (listener === 'leaving') listener = 'here'
    else listenAgain()
  }

  return {
    prepare() {
      if (child || isStopped || deps.stopping.isDraining || performance.now() - startedAt < restartMs) return
      start().catch(onFailure)
    },
    onRefused() {
      const now = performance.now()
      refusedAt = now
      if (now - secondBegan > 1_000) {
        secondBegan = now
        refusedInSecond = 0
      }
      if (++refusedInSecond >= REFUSED_MIN) lend()
    },
    mayEnd() {
      const now = performance.now()
      if (taken === 0 || now - endedAt < END_EVERY_MS) return false
      endedAt = now
      return true
    },
    isDetour: (socket) => listener === 'here' && joined.has(socket),
    async settle() {
      const until = performance.now() + SETTLE_MS
      while (listener !== 'here' && performance.now() < until) await sleep(LOOK_MS)
    },
    async stop() {
      isStopped = true
      const ending = child
      if (ending) {
        const exited = new Promise((resolve) => ending.once('exit', resolve))
        if (ending.connected) ending.disconnect()
        const timer = setTimeout(() => ending.kill('SIGKILL'), STOP_MS)
        await exited
        clearTimeout(timer)
      }
      await door?.close()
    },
  }
}
