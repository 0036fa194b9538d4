import { readFile } from 'node:fs/promises'

/** Resident memory of a process in MB; 0 when it is gone. */
export async function residentMb(pid: number): Promise<number> {
  return fieldMb(await status(pid), 'VmRSS')
}

/** The private memory of the processes of a Postgres, in MB: its shared buffers would be counted once for each of them. */
export async function postgresPrivateMb(postmaster: number): Promise<number> {
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').catch(() => '')
  const pids = [postmaster, ...children.trim().split(' ').filter(Boolean).map(Number)]
  const sizes = await Promise.all(pids.map(async (pid) => fieldMb(await status(pid), 'RssAnon')))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/**
 * Processor time of the whole machine since it started: how much was busy between two readings is a difference. Stolen, a part of busy, is
 * what its host gave to others.
 */
export async function readCpu(): Promise<{ busy: number; stolen: number; total: number }> {
  const line = (await readFile('/proc/stat', 'utf8').catch(() => '')).split('\n')[0] ?? ''
  const times = line.trim().split(/\s+/).slice(1, 9).map(Number)
  const total = times.reduce((sum, time) => sum + time, 0)
  const [idle = 0, waiting = 0] = times.slice(3)
  return { busy: total - idle - waiting, stolen: times[7] ?? 0, total }
}

function status(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
}

function fieldMb(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1_024
}
