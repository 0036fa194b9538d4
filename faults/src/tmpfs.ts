import { execFile } from 'node:child_process'
import { mkdtemp, open, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A file system of its own, so small that it can be filled. */
export type SmallDisk = AsyncDisposable & {
  /** Empty, to be used and owned by anybody. */
  folder: string
  /** Takes all the room that is left. */
  fill(): Promise<void>
  /** Gives that room back. */
  free(): Promise<void>
}

const PIECE = Buffer.alloc(64 * 1024)

/** Mounts one in memory; needs root. Every process that uses it must end before it is disposed of. */
export async function mountSmallDisk(megabytes: number): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'lettergate-disk-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=1777`, 'lettergate-faults', folder])
  } catch (error) {
    await rmdir(folder)
    throw error
  }
  const ballast = join(folder, 'ballast')
  return {
    folder,
    async fill() {
      const file = await open(ballast, 'a')
      try {
        for (const piece of [PIECE, PIECE.subarray(0, 4096)]) await writeUntilFull(file, piece)
      } finally {
        await file.close()
      }
    },
    free: () => rm(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      // Lazily: even if a process still has a file open there, nothing stays mounted.
      await run('umount', ['-l', folder])
      await rmdir(folder)
    },
  }
}

async function writeUntilFull(file: Awaited<ReturnType<typeof open>>, piece: Buffer): Promise<void> {
  for (;;) {
    try {
      await file.write(piece)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return
      throw error
    }
  }
}

/** Why this machine cannot mount one, or null. */
export async function noSmallDisk(): Promise<string | null> {
  try {
    await using _disk = await mountSmallDisk(1)
    return null
  } catch {
    return 'mount -t tmpfs is not permitted here: it needs root'
  }
}
