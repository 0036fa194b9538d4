import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { benchAccept } from './accept.ts'
import { benchE2e } from './e2e.ts'
import type { Figure } from './figure.ts'
import { loadTool } from './load.ts'
import { describeMachine } from './machine.ts'
import { benchMemory } from './memory.ts'
import { markdownReport, textTable } from './report.ts'
import { benchStatus } from './status.ts'
import { createTestBed, type TestBed } from './test-bed.ts'

const PAGE = new URL('../../docs/benchmarks.md', import.meta.url)
const START = '<!-- measured: written by npm run bench -->\n'
const END = '<!-- /measured -->\n'

const parts: Record<string, (bed: TestBed) => Promise<Figure[]>> = {
  accept: benchAccept,
  e2e: benchE2e,
  status: benchStatus,
  memory: benchMemory,
}

/** The text around the table is written by hand, and kept. */
async function writePage(report: string): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  const [before, rest] = page.split(START)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error('docs/benchmarks.md has lost its markers')
  await writeFile(PAGE, before + START + report + END + after)
}

function readOptions(): { json: boolean; chosen: string[]; isWhole: boolean } {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, json: { type: 'boolean', default: false } },
  })
  const chosen = values.only === undefined ? Object.keys(parts) : values.only.split(',')
  const wrong = chosen.filter((name) => !(name in parts))
  if (wrong.length > 0) throw new Error(`no such part: ${wrong}; there are ${Object.keys(parts).join(', ')}`)
  return { json: values.json, chosen, isWhole: values.only === undefined }
}

async function main(): Promise<void> {
  const { json, chosen, isWhole } = readOptions()
  const say = (text: string) => process.stderr.write(text)
  await using bed = await createTestBed()
  const machine = { ...(await describeMachine(bed.cluster.version)), load: loadTool() }
  const figures: Figure[] = []
  for (const name of chosen) {
    const start = performance.now()
    figures.push(...((await parts[name]?.(bed)) ?? []))
    say(`${name}: ${Math.round((performance.now() - start) / 1_000)} s\n`)
  }
  process.stdout.write(
    json
      ? `${JSON.stringify({ machine, figures }, null, 2)}\n`
      : textTable(figures, process.stdout.isTTY === true),
  )
  // A part of the run must not replace the record of a whole one.
  if (isWhole) await writePage(markdownReport(figures, machine))
}

await main()
