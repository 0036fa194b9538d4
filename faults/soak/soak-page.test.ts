import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { recordOf } from './soak-page.ts'
import type { SoakResult } from './soak-verdict.ts'

const injectFault = { kind: 'worker killed', from: 1, to: 2, awayMs: 0, mayLeaveUnknown: true }
const ok: SoakResult = {
  minutes: 20,
  seed: 7,
  about: { commit: 'abc1234' },
  perSecond: 60,
  rateNote: '',
  offered: 1,
  statuses: {},

  capacity: { perSecond: 100, lowest: 90, highest: 110 },
  unexpected: [],
  injected: [],
  verdict: {
    lost: [],
    repeated: [],
    unknown: [],
    stuck: [],
    overQuota: [],
    early: [],

    messages: 1_000,
    recipients: 1_000,
    handOffs: 1_000,
    latestMs: 0,
  },

  unknowns: { reasons: {}, unexplained: [] },
  unexpectedDeaths: 0,
  slowest: [],
  unsettled: 0,

  memory: { api: { start: 100, end: 101, growth: 1, seconds: 600 } },
  queueAge: null,

  quietQueueAgeP99Ms: 20,
  quietCpu: 0.5,
  stolen: 0,
  clockBackMs: 0,
  settledAfterMs: 1,
  judgedAfterMs: 1,
  samples: [],
}

test('the page begins with the verdict and its commit, then the requirements and the measurements', () => {
  const record = recordOf(ok, [], false)
  expect(record).toMatch(/^\*\*Passed\.\*\* 20 minutes, commit abc1234\.\n/)
  expect(record).toContain('| messages lost | 0 | 0 of 1,000 |')
  expect(record).toContain('| memory growth of api | ≤ 32 MB | 1 MB in 10 min |')
})

test('a failed soak names the violated requirement, and a fault without recovery never counts as over', () => {
  const lost = { ...ok.verdict, lost: ['msg_1: promised, not stored'] }
  const record = recordOf(
    { ...ok, verdict: lost, injected: [{ ...injectFault, recoveryMs: null }] },
    ['1 lost: msg_1'],
    true,
  )
  expect(record).toMatch(/^\*\*Failed\*\*: 1 lost: msg_1\./)
  expect(record).toContain('| messages lost | 0 | 1 of 1,000 |')
  expect(record).toContain('| worker killed | 1 | – | never |')
})

test('docs/soak.md shows a soak that passed', () => {
  expect(readFileSync(new URL('../../docs/soak.md', import.meta.url), 'utf8')).toContain('\n**Passed.** ')
})
