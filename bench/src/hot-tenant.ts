import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PartResult, perSecond, ratioFigure } from './figure.ts'
import { compareRates } from './in-turns.ts'
import type { TestBed } from './test-bed.ts'

const TENANTS = 1_000
const CONNECTIONS = 32

/** POST /v1/send for one tenant, whose row of usage every statement locks, beside the same spread over many tenants. */
export async function benchHotTenant(bed: TestBed): Promise<PartResult> {
  await using gateway = await bed.startGateway({ worker: false })
  const keys = (await gateway.createTenants(bed.count(TENANTS))).map(({ apiKey }) => apiKey)
  const folder = await mkdtemp(join(tmpdir(), 'lettergate-keys-'))
  try {
    const side = async (name: string, lines: readonly string[]) => {
      const keysFile = join(folder, name)
      await writeFile(keysFile, lines.join('\n'))
      const load = { url: `${gateway.apiUrl}/v1/send`, key: '', connections: CONNECTIONS, keysFile }
      // The first send of a tenant begins its day, and reads its limits and its key.
      return { gateway, load, warmUp: 2 * keys.length }
    }
    // As many lines for the one tenant, so that making the load costs the same.
    const hot = await side(
      'hot',
      keys.map(() => keys[0] ?? ''),
    )
    const { ours, reference, ratio, note } = await compareRates(bed, hot, await side('spread', keys))
    const figure = ratioFigure({
      name: `accept, one tenant over ${keys.length.toLocaleString('en')}`,
      ours: perSecond(ours),
      reference: `spread over all ${perSecond(reference)}`,
      ratio,
      bound: { atLeast: 0.8 },
      note,
    })
    return { figures: [figure], plots: [] }
  } finally {
    await rm(folder, { recursive: true })
  }
}
