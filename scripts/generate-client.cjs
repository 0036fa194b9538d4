'use strict'
// Makes Prisma Client from prisma/schema when that or the lock file has changed: two seconds, and nothing is downloaded. Runs on whatever
// Node the machine has, like install.cjs.
const childProcess = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..')
const schema = path.join(root, 'prisma', 'schema')
const marker = path.join(root, 'packages', 'db', 'src', 'client', '.made-from')
const cli = path.join(root, 'node_modules', 'prisma', 'build', 'index.js')

function hashSources() {
  const hash = crypto.createHash('sha256')
  for (const name of fs.readdirSync(schema).sort()) hash.update(fs.readFileSync(path.join(schema, name)))
  return hash.update(fs.readFileSync(path.join(root, 'package-lock.json'))).digest('hex')
}

function isMade(hash) {
  return fs.existsSync(marker) && fs.readFileSync(marker, 'utf8') === hash
}

function generateClient() {
  // An image brings the client that was made while it was built, and not the program that makes it.
  if (!fs.existsSync(schema) || !fs.existsSync(cli)) return
  const hash = hashSources()
  if (isMade(hash)) return
  const node = path.join(root, 'node_modules', '.bin', 'node')
  const result = childProcess.spawnSync(node, [cli, 'generate', '--no-hints'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    // It asks for an engine that it does not use here; any program will do.
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
  })
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout}${result.stderr}\nPrisma Client could not be made; see above.\n`)
    process.exit(1)
  }
  fs.writeFileSync(marker, hash)
}

module.exports = { generateClient }
if (require.main === module) generateClient()
