'use strict'
// Installs the locked dependencies when they are missing or older than the lock file. Runs before every script on whatever Node
// the machine has (16 or newer), so: nothing but Node's own modules, and not a word on stdout, where scripts print JSON.
const childProcess = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { generateClient } = require('./generate-client.cjs')

const root = path.join(__dirname, '..')
const lockFile = path.join(root, 'package-lock.json')
const modules = path.join(root, 'node_modules')
const marker = path.join(modules, '.lettergate-lock')

function sha256(data) {
  return crypto.createHash('sha256').update(data).digest('hex')
}

function modifiedAt(file) {
  return fs.existsSync(file) ? fs.statSync(file).mtimeMs : 0
}

function isInstalled() {
  if (!fs.existsSync(path.join(modules, '.bin', 'node'))) return false
  if (fs.existsSync(marker)) return fs.readFileSync(marker, 'utf8') === sha256(fs.readFileSync(lockFile))
  // Installed by hand: npm writes its own copy of the lock last.
  return modifiedAt(path.join(modules, '.package-lock.json')) >= modifiedAt(lockFile)
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function tryLock(file) {
  try {
    fs.writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  }
}

function readHolder(file) {
  try {
    return Number(fs.readFileSync(file, 'utf8'))
  } catch (_) {
    return 0
  }
}

/** Two scripts started together on a fresh clone must not install into each other's folder. */
function lock() {
  // In the project's folder: npm empties node_modules, and in a shared folder another user could hold the lock for ever.
  const file = path.join(root, '.install-lock')
  while (!tryLock(file)) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    const holder = readHolder(file)
    if (holder > 0 && !isAlive(holder)) fs.rmSync(file, { force: true })
  }
  process.on('exit', () => fs.rmSync(file, { force: true }))
}

function install() {
  process.stderr.write('Installing the locked dependencies (only when they change) ...\n')
  const npm = process.env.npm_execpath
  // Warnings about the Node version would be about the one that installs, not about the one that it installs.
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  const options = { cwd: root, stdio: ['ignore', 2, 2] }
  const result = npm
    ? childProcess.spawnSync(process.execPath, [npm, ...args], options)
    : childProcess.spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
  if (result.status !== 0) {
    process.stderr.write('The dependencies could not be installed; see above, then try "npm ci" by hand.\n')
    process.exit(1)
  }
  fs.writeFileSync(marker, sha256(fs.readFileSync(lockFile)))
}

if (!isInstalled()) {
  lock()
  if (!isInstalled()) install()
}
generateClient()
