import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { eventually } from '../../test/build-message.ts'
import { mailOf, useInboundBed } from '../../test/inbound-bed.ts'

const WORKER = fileURLToPath(new URL('../../test/inbound-worker.ts', import.meta.url))
const MAILS = 30

const { db, receive, startProcessor, playReceiver, begin } = useInboundBed()

test.each(['after_inbound_read', 'after_inbound_act_before_record', 'after_inbound_record'])(
  'workers that are killed at %s lose no mail, and act on none twice',
  async (place) => {
    const receiver = await playReceiver()
    const { tenantId, address } = await begin([
      { type: 'post', url: receiver.url, format: 'standard' },
      { type: 'forward', to: ['team@example.net'] },
    ])
    await Promise.all(
      Array.from({ length: MAILS }, (_, at) =>
        receive([address], mailOf('From: a@acme.example', '', `mail ${at}`)),
      ),
    )
    const worker = spawn(process.execPath, [WORKER, db().url, `${place}:kill9:1/10;seed=3`], {
      stdio: 'inherit',
    })
    const [, signal] = await once(worker, 'exit')
    expect(signal).toBe('SIGKILL')
    // Its leases end, as they would in a minute.
    await db().pool.query({
      text: 'update inbound_due set lease_until = null, due_at = now() where tenant_id = $1',
      values: [tenantId],
    })
    startProcessor()
    await eventually(async () => {
      const left = await db().pool.query({
        text: 'select from inbound_due where tenant_id = $1',
        values: [tenantId],
      })
      return left.rowCount === 0 ? true : undefined
    })
    const counted = await db().pool.query({
      text: `select (select count(*)::int4 from inbound_message where tenant_id = $1 and state = 'done') as done,
                    (select count(distinct message_id)::int4 from delivery where tenant_id = $1) as called,
                    (select count(*)::int4 from delivery where tenant_id = $1) as calls,
                    (select count(*)::int4 from message where tenant_id = $1) as forwarded`,
      values: [tenantId],
    })
    expect(counted.rows).toEqual([{ done: MAILS, called: MAILS, calls: MAILS, forwarded: MAILS }])
  },
  60_000,
)
