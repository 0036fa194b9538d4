import { createServer } from 'node:net'
import { CliError, errorCode } from './cli-error.ts'

async function tryListen(host: string, port: number): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port))
    })
  })
}

/** A port without a server at this moment. */
export async function freePort(host: string): Promise<number> {
  return tryListen(host, 0)
}

/** The port itself if it can be listened on (0: any free one); a `CliError` that says why not. */
export async function claimPort(host: string, port: number, setting = 'API_PORT'): Promise<number> {
  try {
    return await tryListen(host, port)
  } catch (cause) {
    throw new CliError(portMessage({ host, port, setting }, errorCode(cause)), { cause })
  }
}

type Place = { host: string; port: number; setting: string }

function portMessage({ host, port, setting }: Place, code: string | undefined): string {
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is taken by another program; stop it or set ${setting} to another port`
    case 'EACCES':
      return `port ${port} needs rights that this account does not have; set ${setting} to a port from 1024 up`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${setting.replace(/_.*/, '_HOST')} ${host} is not an address of this machine`
    default:
      return `cannot listen on ${host} port ${port} (${code})`
  }
}
