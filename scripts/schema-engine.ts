#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils'
import pg from 'pg'
import { z } from 'zod'

/**
 * The engine behind `prisma migrate`, as a program that the command line starts: PRISMA_SCHEMA_ENGINE_BINARY names this file. Prisma's
 * own program is downloaded at first use; this one is the same engine as WebAssembly, locked by package-lock.json.
 */
const CHAR = 18
const BPCHAR = 1042
/** The command line's code for an error that the engine reports. */
const ENGINE_ERROR = 4466

const Datasource = z.object({ url: z.url().default('postgres://127.0.0.1') })
const Request = z.object({ id: z.unknown(), method: z.string().optional(), params: z.unknown() })

/** Columns of the type "char", in which the catalogue keeps what the engine asks for. */
const charColumns = new Set<string>()

/** The adapter does not know "char": it is shown as another type of text, and its name is remembered. */
class CatalogueClient extends pg.Client {
  constructor(config: pg.ClientConfig = {}) {
    super(config)
    this.connection.on('rowDescription', ({ fields }: { fields: pg.FieldDef[] }) => {
      for (const field of fields.filter(({ dataTypeID }) => dataTypeID === CHAR)) {
        field.dataTypeID = BPCHAR
        charColumns.add(field.name)
      }
    })
  }
}

class CatalogueAdapter extends PrismaPg {
  override async connect() {
    const adapter = await super.connect()
    const queryRaw = adapter.queryRaw.bind(adapter)
    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query)
      const columnTypes = result.columnNames.map((name, index) =>
        charColumns.has(name) ? ColumnTypeEnum.Character : (result.columnTypes[index] ?? ColumnTypeEnum.Text),
      )
      return { ...result, columnTypes }
    }
    // Its own splits a script at every semicolon, those in functions included.
    adapter.executeScript = async (script) => {
      await adapter.underlyingDriver().query(script)
    }
    return adapter
  }
}

const { values, positionals } = parseArgs({
  options: { datasource: { type: 'string' }, datamodels: { type: 'string' } },
  strict: false,
  allowPositionals: true,
})
const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)
const { url } = Datasource.parse(JSON.parse(textOf(values.datasource) ?? '{}'))
const pool = new pg.Pool({ connectionString: url, Client: CatalogueClient })

function answer(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
}

Object.assign(globalThis, {
  PRISMA_WASM_PANIC_REGISTRY: { set_message: (text: string) => process.stderr.write(text) },
})

async function serve(): Promise<void> {
  const { SchemaEngine } = await import('@prisma/schema-engine-wasm')
  const files = textOf(values.datamodels)?.split(',')
  const datamodels = files?.map((path): [string, string] => [path, readFileSync(path, 'utf8')])
  const adapter = bindMigrationAwareSqlAdapterFactory(new CatalogueAdapter(pool))
  const engine = await SchemaEngine.new({ datamodels }, () => {}, adapter)
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, method, params } = Request.parse(JSON.parse(line))
    // The command line's answer to `print`.
    if (method === undefined) continue
    try {
      const name = method === 'getDatabaseVersion' ? 'version' : method
      const result: unknown = await Reflect.get(engine, name).call(engine, params)
      if (method === 'diff')
        answer({ id: 0, method: 'print', params: { content: Reflect.get(Object(result), 'stdout') ?? '' } })
      answer({ id, result: result ?? null })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const data = {
        is_panic: false,
        message,
        meta: null,
        error_code: Reflect.get(Object(error), 'code') ?? null,
      }
      answer({ id, error: { code: ENGINE_ERROR, message, data } })
    }
  }
}

if (positionals.includes('can-connect-to-database')) await pool.query('select 1')
else await serve()
await pool.end()
