import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultRule } from '../src/provider-fault.ts'
import type { Random } from '../src/seed.ts'
import type { SoakStack } from './soak-stack.ts'

/** A fault that lasts, or a momentary one. */
export type SoakFault = {
  kind: string
  begin(stack: SoakStack, random: Random): Promise<void>
  /** How long it lasts. */
  holdMs: number
  /** Restores what no supervisor would. */
  end?(stack: SoakStack, random: Random): Promise<void>
  /** Whether Lettergate must recover during the fault, or after the service that it depends on is back. */
  recoverFrom: 'begin' | 'end'
  /** Whether mail in progress may become unknown. */
  mayLeaveUnknown: boolean
  needsRedis?: boolean
}

const TERMINATE_ALL = `
  select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend' and application_name <> 'faults'`

function pick<T>(items: readonly T[], random: Random): T {
  const item = items[random.below(items.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

/** Some of the provider's answers go wrong for a few seconds; without `every`, all of them. */
function providerFault(kind: string, rules: FaultRule[], mayLeaveUnknown: boolean): SoakFault {
  return {
    kind,
    holdMs: 5_000,
    recoverFrom: 'end',
    mayLeaveUnknown,
    begin: (stack) => stack.provider.script({ rules }),
    end: (stack) => stack.provider.script({ rules: [] }),
  }
}

let frozen: number | undefined

/** Every kind that the soak knows. */
export const soakFaults: readonly SoakFault[] = [
  {
    kind: 'worker killed',
    holdMs: 0,
    recoverFrom: 'begin',
    mayLeaveUnknown: true,
    begin: async (stack, random) => void pick(stack.workers, random).current().kill('SIGKILL'),
  },
  {
    kind: 'api killed',
    holdMs: 0,
    recoverFrom: 'begin',
    mayLeaveUnknown: false,
    begin: async (stack) => void stack.api.current().kill('SIGKILL'),
  },
  {
    kind: 'worker frozen for 15 s',
    holdMs: 15_000,
    recoverFrom: 'begin',
    mayLeaveUnknown: true,
    begin: async (stack, random) => {
      frozen = pick(stack.workers, random).current().pid
      process.kill(frozen, 'SIGSTOP')
    },
    end: async () => {
      if (frozen !== undefined) process.kill(frozen, 'SIGCONT')
    },
  },
  {
    kind: 'Redis emptied',
    holdMs: 0,
    recoverFrom: 'begin',
    mayLeaveUnknown: false,
    needsRedis: true,
    begin: async (stack) => void (await stack.redis?.command('FLUSHALL')),
  },
  {
    kind: 'Redis killed for 3 s',
    holdMs: 3_000,
    recoverFrom: 'end',
    mayLeaveUnknown: false,
    needsRedis: true,
    begin: async (stack) => void (await stack.redis?.kill()),
    end: async (stack) => void (await stack.redis?.start()),
  },
  {
    kind: 'Postgres stopped immediately',
    holdMs: 1_000,
    recoverFrom: 'end',
    mayLeaveUnknown: true,
    begin: (stack) => stack.cluster.stopImmediately(),
    end: (stack) => stack.cluster.start(),
  },
  {
    kind: 'all database connections cut, three times',
    holdMs: 0,
    recoverFrom: 'begin',
    mayLeaveUnknown: true,
    begin: async (stack, random) => {
      for (let round = 0; round < 3; round++) {
        await stack.pool.query({ text: TERMINATE_ALL })
        await sleep(200 + random.below(800))
      }
    },
  },
  providerFault(
    'provider answers 429 to a third, 5 s',
    [{ every: 3, fault: { kind: 'status', status: 429, headers: { 'retry-after': '2' } } }],
    false,
  ),
  providerFault(
    'provider answers 503 or 500, 5 s',
    [
      { every: 3, fault: { kind: 'status', status: 503 } },
      { every: 40, fault: { kind: 'status', status: 500 } },
    ],
    true,
  ),
  providerFault(
    'provider does not answer a fiftieth, 5 s',
    [
      { every: 100, fault: { kind: 'no-answer', taken: true } },
      { every: 99, fault: { kind: 'no-answer', taken: false } },
    ],
    true,
  ),
  providerFault(
    'provider resets a tenth, 5 s',
    [
      { every: 10, fault: { kind: 'reset-before-body' } },
      { every: 30, fault: { kind: 'reset-after-body', taken: true } },
      { every: 31, fault: { kind: 'reset-after-body', taken: false } },
    ],
    true,
  ),
]

/** The order of the faults: shuffled by the seed, each kind once before any is repeated. */
export function* drawFaults(random: Random, hasRedis: boolean): Generator<SoakFault> {
  const possible = soakFaults.filter(({ needsRedis }) => hasRedis || !needsRedis)
  for (;;) {
    const bag = [...possible]
    while (bag.length > 0) yield* bag.splice(random.below(bag.length), 1)
  }
}
