import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, loadConfig, type SmtpConfig } from '@lettergate/config/config'
import { rootSecret } from '@lettergate/config/root-secret'
import { claimPort, freePort } from '../ports.ts'
import { type BannerFacts, banner } from './banner.ts'
import { lockDataFolder, openDataFolder } from './data-folder.ts'
import { migrateDatabase, openDatabase, openPool } from './database.ts'
import { type DemoKeys, prepareDemo } from './demo.ts'
import { readDevFile, writeDevFile } from './dev-file.ts'
import { firstDeath, startService, waitUntilReady } from './services.ts'

/** Running parts, newest last; stopped from the newest to the oldest. */
type Running = { stop(graceMs: number): Promise<void> }[]

/** All of it together must be gone within ten seconds of the signal. */
const STOP_BUDGET_MS = 9_500
/** The time left for each process that is stopped after the present one. */
const STOP_RESERVE_MS = 2_000
const TAKE_OVER_WAIT_MS = 10_000

/** Runs a whole gateway until `signal` aborts; rejects if it cannot start or a part of it dies. */
export async function start(
  signal: AbortSignal,
  write: (text: string) => void,
  isColoured: boolean,
): Promise<void> {
  const beganAt = performance.now()
  const config = loadConfig()
  openDataFolder(config.dataDir)
  const lock = lockDataFolder(config.dataDir)
  const running: Running = []
  try {
    const patienceMs = lock.tookOver ? TAKE_OVER_WAIT_MS : 0
    const apiPort = await claimApiPort(config, patienceMs)
    const smtp = await claimSmtpPorts(config.smtp, patienceMs)
    const inboundPort = await claimInboundPort(config, patienceMs)
    const facts = await bringUp({ ...config, apiPort, smtp, inboundPort }, running, signal)
    const tookMs = performance.now() - beganAt
    write(
      banner({ ...facts, dataDir: config.dataDir, logDir: join(config.dataDir, 'log'), tookMs }, isColoured),
    )
    await Promise.race([facts.death, aborted(signal)])
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await stopAll(running)
    lock.release()
  }
}

type Facts = {
  apiUrl: string
  metricsUrls: string[]
  smtp: BannerFacts['smtp']
  inbound: BannerFacts['inbound']
  keys: DemoKeys | null
  death: Promise<never>
}

async function bringUp(config: Config, running: Running, signal: AbortSignal): Promise<Facts> {
  const { databaseUrl, postgres } = await openDatabase(config)
  if (postgres) running.push(postgres)
  const pool = openPool(databaseUrl)
  await migrateDatabase(pool).finally(() => pool.end())
  // The demo tenant is made while the services load. Its keys are stored before they are printed.
  const demoMade =
    config.env === 'production'
      ? null
      : prepareDemo({ ...config, databaseUrl, secret: rootSecret(config) }, readDevFile(config.dataDir))
  // It is waited for below, unless something else fails first.
  demoMade?.catch(() => {})
  const workerPort = config.workerMetricsPort ?? (await freePort(config.apiHost))
  const apiMetricsPort = config.apiMetricsPort ?? (await freePort(config.apiHost))
  const smtpMetricsPort = config.smtp.metricsPort ?? (await freePort(config.apiHost))
  const env = {
    DATABASE_URL: databaseUrl,
    API_METRICS_PORT: String(apiMetricsPort),
    WORKER_METRICS_PORT: String(workerPort),
    API_PORT: String(config.apiPort),
    ...smtpEnv(config.smtp, smtpMetricsPort),
    INBOUND_PORT: String(config.inboundPort ?? 'off'),
    LETTERGATE_DATA_DIR: config.dataDir,
  }
  const processes = postgres ? [postgres.process] : []
  // The worker first: it is then stopped last, after the api has taken its last message, and may end Postgres if we cannot.
  for (const name of ['worker', 'smtp', 'api'] as const) {
    signal.throwIfAborted()
    const postgresPid = name === 'worker' ? postgres?.process.pid : undefined
    const service = await startService(name, { logDir: join(config.dataDir, 'log'), env, postgresPid })
    running.push({ stop: (graceMs) => service.stop('SIGTERM', graceMs) })
    processes.push(service)
  }
  const death = firstDeath(processes)
  // It is waited for in two places, or in none when a signal comes first.
  death.catch(() => {})
  const host = `http://${hostInUrl(config.apiHost)}`
  const apiUrl = `${host}:${config.apiPort}`
  const ready = [apiUrl, `${host}:${smtpMetricsPort}`].map((url) => waitUntilReady(url, signal))
  await Promise.race([Promise.all(ready), death])
  const demo = await demoMade
  const { name, host: smtpHost, port: smtpPort, submissionPort, tlsPort } = config.smtp
  const reachedAt = name ?? hostInUrl(smtpHost)
  if (demo) {
    const smtp = {
      smtp_host: hostInUrl(smtpHost),
      smtp_port: smtpPort ?? submissionPort,
      smtp_tls_port: tlsPort,
      ...demo.smtp,
    }
    const facts = {
      api_url: apiUrl,
      ...demo.keys,
      ...smtp,
      inbound_port: config.inboundPort,
      inbound_address: demo.inboundAddress,
    }
    writeDevFile(config.dataDir, { ...facts, pid: process.pid })
  }
  return {
    apiUrl,
    metricsUrls: [apiMetricsPort, workerPort, smtpMetricsPort].map((port) => `${host}:${port}/metrics`),
    smtp: { host: reachedAt, ports: [smtpPort, submissionPort], tlsPort, login: demo?.smtp ?? null },
    inbound: {
      host: hostInUrl(config.inboundHost),
      port: config.inboundPort,
      address: demo?.inboundAddress ?? null,
    },
    keys: demo?.keys ?? null,
    death,
  }
}

/** Ports nobody chose: a second gateway on this machine takes others. */
const DEFAULT_INBOUND_PORT = 2526
const DEFAULT_SMTP_PORTS = new Set([2525, 2587, 2465])

async function claimSmtpPorts(smtp: SmtpConfig, patienceMs: number): Promise<SmtpConfig> {
  async function claim(port: number | undefined, setting: string): Promise<number | undefined> {
    if (port === undefined) return undefined
    if (!DEFAULT_SMTP_PORTS.has(port))
      return withPatience(patienceMs, () => claimPort(smtp.host, port, setting))
    return claimPort(smtp.host, port, setting).catch(() => freePort(smtp.host))
  }
  return {
    ...smtp,
    port: await claim(smtp.port, 'SMTP_PORT'),
    submissionPort: await claim(smtp.submissionPort, 'SMTP_SUBMISSION_PORT'),
    tlsPort: await claim(smtp.tlsPort, 'SMTP_TLS_PORT'),
  }
}

async function claimInboundPort(
  { inboundHost, inboundPort }: Config,
  patienceMs: number,
): Promise<number | undefined> {
  if (inboundPort === undefined) return undefined
  const claim = () => claimPort(inboundHost, inboundPort, 'INBOUND_PORT')
  return inboundPort === DEFAULT_INBOUND_PORT
    ? claim().catch(() => freePort(inboundHost))
    : withPatience(patienceMs, claim)
}

function smtpEnv({ port, submissionPort, tlsPort }: SmtpConfig, metricsPort: number): Record<string, string> {
  return {
    SMTP_PORT: String(port ?? 'off'),
    SMTP_SUBMISSION_PORT: String(submissionPort ?? 'off'),
    SMTP_TLS_PORT: String(tlsPort ?? 'off'),
    SMTP_METRICS_PORT: String(metricsPort),
  }
}

async function claimApiPort(config: Config, patienceMs: number): Promise<number> {
  return withPatience(patienceMs, () => claimPort(config.apiHost, config.apiPort))
}

async function withPatience(patienceMs: number, claim: () => Promise<number>): Promise<number> {
  for (const end = performance.now() + patienceMs; ; await sleep(100)) {
    try {
      return await claim()
    } catch (error) {
      if (performance.now() > end) throw error
    }
  }
}

async function stopAll(running: Running): Promise<void> {
  const end = performance.now() + STOP_BUDGET_MS
  for (let part = running.pop(); part; part = running.pop()) {
    await part.stop(end - performance.now() - running.length * STOP_RESERVE_MS)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function hostInUrl(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
