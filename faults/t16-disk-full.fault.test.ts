import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, test } from 'vitest'
import type { ClientAnswer } from './src/client-ledger.ts'
import { startNaiveStack } from './src/naive-stack.ts'
import { loadDuring, statusesOf } from './src/paced-load.ts'
import type { PostgresCluster } from './src/postgres.ts'
import { reportResult } from './src/report.ts'
import { announceSeed, faultsCount, type Random } from './src/seed.ts'
import { settle } from './src/settle.ts'
import { startStack } from './src/stack.ts'
import { mountSmallDisk, noSmallDisk, type SmallDisk } from './src/tmpfs.ts'

/*
 * T17 (the disk of temporary uploads is full) has no test: nothing that is uploaded touches a disk of ours. Attachments are in
 * memory, within a budget for all requests together (apps/api/src/plugins/body-budget.ts), until they are in Postgres.
 */

const PER_SECOND = 100
/** 5 s; 15 s with FAULTS_N=3000. */
const FULL_MS = faultsCount(1_000) * 5
const DISK_MB = 120
/** Small, so that the disk fills with messages rather than with the log of them. */
const SETTINGS = { max_wal_size: '32MB', min_wal_size: '32MB', wal_keep_size: '0' }

const withoutDisk = await noSmallDisk()
if (withoutDisk) process.stdout.write(`T16: skipped, ${withoutDisk}\n`)

/** As an operator's supervisor: Postgres gives up when it cannot write its log, and is started until it can. */
async function keepRunning(cluster: PostgresCluster, until: () => boolean): Promise<number> {
  let starts = 0
  while (!until()) {
    if (!cluster.running()) {
      starts++
      await cluster.start().catch(() => undefined)
    }
    await sleep(200)
  }
  return starts
}

/** Begins new segments of the log until there is no room for one. */
async function useUpLog(cluster: PostgresCluster): Promise<void> {
  const client = new pg.Client(await cluster.database('postgres'))
  client.on('error', () => undefined)
  await client.connect()
  for (let segment = 0; segment < 20; segment++) {
    const isOver = await client
      .query('select pg_logical_emit_message(false, $1, $1), pg_switch_wal()', [''])
      .then(
        () => false,
        () => true,
      )
    if (isOver) break
  }
  await client.end().catch(() => undefined)
}

async function fillAndFree(cluster: PostgresCluster, disk: SmallDisk, random: Random): Promise<number> {
  await sleep(500 + random.below(500))
  await disk.fill()
  const end = performance.now() + FULL_MS
  // First no table can grow; then the log cannot either, which Postgres does not survive.
  await sleep(FULL_MS / 2)
  await useUpLog(cluster)
  const starts = await keepRunning(cluster, () => performance.now() > end)
  await disk.free()
  const again = await keepRunning(cluster, () => cluster.running())
  await sleep(4_000)
  return starts + again
}

/** Refusals without a reason or without Retry-After. */
function silentRefusals(answers: readonly ClientAnswer[]): ClientAnswer[] {
  const isHonest = ({ status, code, retryAfter }: ClientAnswer) =>
    status === 503 && code === 'storage-unavailable' && Number(retryAfter) > 0
  return answers.filter((answer) => answer.status !== 202 && !isHonest(answer))
}

test.skipIf(withoutDisk !== null)(
  'T16: on a full disk the answer is 503 with Retry-After, and every message that was answered 202 is stored and sent',
  async () => {
    const random = announceSeed('T16')
    await using disk = await mountSmallDisk(DISK_MB)
    await using stack = await startStack({
      dailyLimit: 1_000_000,
      providerLatencyMs: 50,
      settings: SETTINGS,
      postgres: { folder: disk.folder },
    })
    const processes = [stack.api.current().pid, stack.worker.current().pid]
    let starts = 0
    const answers = await loadDuring(stack.client, { perSecond: PER_SECOND, prefix: 't16' }, async () => {
      starts = await fillAndFree(stack.cluster, disk, random)
    })
    const { verdict, waitedMs } = await settle(stack, 90_000)
    const { 202: acked = 0, ...refused } = statusesOf(answers)
    expect([stack.api.current().pid, stack.worker.current().pid]).toEqual(processes)
    expect(Object.keys(refused)).toEqual(['503'])
    expect(silentRefusals(answers.flatMap(({ request }) => request.answers))).toEqual([])
    expect(statusesOf(answers.slice(-PER_SECOND))).toEqual({ 202: PER_SECOND })
    const rest = { lost: [], repeated: [], overQuota: [], stuck: [] }
    expect(starts).toBeGreaterThan(0)
    expect(verdict).toEqual({ ...rest, unknown: verdict.unknown })
    reportResult({
      test: 'T16',
      fault: `the disk of Postgres (${DISK_MB} MB) full for ${FULL_MS / 1_000} s, its log too for the second half, at ${PER_SECOND} requests/s; Postgres started again ${starts} times`,
      n: answers.length,
      result: `${acked} answered 202 = stored = counted = sent but for ${verdict.unknown.length} unknown, ${answers.length - acked} answered 503 with Retry-After; api and worker lived; drained after ${waitedMs} ms`,
      bound: 'only 202 and 503 with Retry-After, 0 lost, 0 repeats, usage = stored, api and worker live',
    })
  },
  240_000,
)

test.skipIf(withoutDisk !== null)(
  'T16 control: a gateway that expects every write to succeed crashes',
  async () => {
    const random = announceSeed('T16 control')
    await using disk = await mountSmallDisk(DISK_MB)
    await using stack = await startNaiveStack({ settings: SETTINGS, postgres: { folder: disk.folder } })
    const answers = await loadDuring(stack.client, { perSecond: PER_SECOND, prefix: 't16' }, () =>
      fillAndFree(stack.cluster, disk, random),
    )
    const unanswered = statusesOf(answers)[0] ?? 0
    expect(stack.gateway.deaths()).toBeGreaterThan(0)
    expect(unanswered).toBeGreaterThan(0)
    reportResult({
      test: 'T16 control',
      fault: 'the disk of Postgres full under a naive gateway',
      n: answers.length,
      result: `died ${stack.gateway.deaths()} times, ${unanswered} requests got no answer`,
      bound: 'must die',
    })
  },
  120_000,
)
