import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { inParallel } from '@lettergate/faults/client'
import type { Tenant } from '@lettergate/faults/gateway'
import { type Figure, memoryFigure } from './figure.ts'
import { residentMb } from './memory-of.ts'
import type { Gateway, TestBed } from './test-bed.ts'

const SESSIONS = 5_000
/** Opened at the same time. */
const WIDTH = 50
const PLAIN_MB_MAX = 300
const TLS_MB_MAX = 450

/** A session that has said EHLO, and waits. */
async function openIdle(port: number, isTls: boolean): Promise<Socket> {
  const socket = isTls
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'data')
  socket.write('EHLO idle.example\r\n')
  await once(socket, 'data')
  return socket
}

/** Memory of the SMTP server while sessions wait, without and with TLS. */
export async function benchIdleSessions(bed: TestBed, gateway: Gateway, tenant: Tenant): Promise<Figure[]> {
  const rows: Figure[] = []
  for (const [name, isTls, atMostMb] of [
    ['SMTP server memory, 5,000 idle sessions', false, PLAIN_MB_MAX],
    ['SMTP server memory, 5,000 idle sessions with TLS', true, TLS_MB_MAX],
  ] as const) {
    await using smtp = await gateway.startSmtp(tenant)
    const before = await residentMb(smtp.process.pid)
    const sockets: Socket[] = []
    const count = bed.count(SESSIONS)
    await inParallel(count, WIDTH, async () => {
      sockets.push(await openIdle(isTls ? smtp.tlsPort : smtp.openPort, isTls))
    })
    const after = await residentMb(smtp.process.pid)
    const alive = sockets.filter((socket) => !socket.destroyed).length
    for (const socket of sockets) socket.destroy()
    if (alive < count) throw new Error(`${count - alive} of ${count} sessions were closed`)
    rows.push(memoryFigure(name, after, atMostMb, `${before.toFixed(0)} MB without sessions`))
  }
  return rows
}
