/** One fault test for a visitor: the fault, and the promise in spite of it. */
export type Promised = { fault: string; promise: string }

const NOTHING_LOST = 'no message lost, none sent twice'
const OTHERS_WAIT = 'the mail of other tenants waits 2 seconds at most (p99)'

/** By the name with which a test reports. A test holds this table and docs/faults.md equal. */
export const promises: Readonly<Record<string, Promised>> = {
  T1: { fault: 'kill the api during requests', promise: `${NOTHING_LOST}, when the client repeats` },
  'T1 SMTP': {
    fault: 'kill the SMTP server during mails',
    promise: `${NOTHING_LOST}, when the client repeats`,
  },
  T2: {
    fault: 'kill the worker during calls to the provider',
    promise: `${NOTHING_LOST}; the calls in progress are reported as unknown`,
  },
  'T2 unaided': {
    fault: 'kill the worker during calls, and do nothing else',
    promise: 'the leases expire, and everything is settled within 75 seconds',
  },
  T3: {
    fault: 'kill the worker during calls to a provider that recognises repeats',
    promise: 'every message sent once, none unknown',
  },
  T4: { fault: 'kill the dispatcher', promise: NOTHING_LOST },
  T6: { fault: 'empty Redis', promise: NOTHING_LOST },
  T7: { fault: 'kill Redis again and again', promise: NOTHING_LOST },
  T8: { fault: 'stop Redis for 20 seconds', promise: 'every send is accepted; mail moves within 10 seconds' },
  T9: { fault: 'freeze Redis for 20 seconds', promise: 'every send is accepted within a second' },
  T10: { fault: 'let Redis run out of memory', promise: 'every send is accepted' },
  'T10 disk': { fault: 'fill the disk of Redis', promise: 'every send is accepted' },
  T11: { fault: 'crash Postgres under load', promise: NOTHING_LOST },
  'T11 settings': {
    fault: 'start on a Postgres that may lose commits (fsync off)',
    promise: 'api and worker refuse to start, and name the setting to change',
  },
  'T12 commit': {
    fault: 'cut the database connection between a commit and its answer',
    promise: 'each message stored once, counted once and answered',
  },
  T12: { fault: 'cut 200 database connections', promise: `${NOTHING_LOST}; no process ends` },
  T14: {
    fault: 'stop Postgres while workers have results to store',
    promise: `${NOTHING_LOST}, none unknown`,
  },
  T16: {
    fault: 'fill the disk of Postgres',
    promise: 'sends are refused with 503; nothing accepted is lost',
  },
  T18: { fault: 'suspend a worker until another has done its work', promise: NOTHING_LOST },
  'T18 fenced': { fault: 'suspend a worker just before its call', promise: NOTHING_LOST },
  T19: {
    fault: 'let a provider answer 500, 502 or 503',
    promise: `retries at growing intervals; ${NOTHING_LOST}`,
  },
  'T19 SMTP': {
    fault: 'let an SMTP server answer 4xx',
    promise: `retries at growing intervals; ${NOTHING_LOST}`,
  },
  'T19 SMTP circuit': {
    fault: 'let an SMTP server refuse everything',
    promise: 'its circuit breaker opens after 10 calls',
  },
  T20: {
    fault: 'let a provider answer 429 with Retry-After, also with nonsense in it',
    promise: 'no call before that time; nothing lost',
  },
  'T20 SMTP': {
    fault: 'let SMTP servers name a limit, or allow few sessions',
    promise: `few calls in vain; ${NOTHING_LOST}`,
  },
  T21: {
    fault: 'let a provider give no clear answer over HTTP',
    promise: 'the message is unknown and not sent again, or sent exactly once',
  },
  'T21 SMTP safe': {
    fault: 'break an SMTP session before the message was taken',
    promise: 'sent exactly once, none unknown',
  },
  'T21 SMTP': {
    fault: 'break an SMTP session after the message was sent',
    promise: 'the message is unknown and not sent again',
  },
  T22: {
    fault: 'let a provider answer one byte at a time, never, or without end',
    promise: 'a call ends within 30 seconds; memory stays bounded',
  },
  'T22 SMTP': {
    fault: 'the same over SMTP',
    promise: `a call ends within 30 seconds, or 55 after the message; ${OTHERS_WAIT}`,
  },
  T25: {
    fault: 'give endpoints the URLs of inner addresses, in any spelling or behind a redirect',
    promise: 'no connection is made to them',
  },
  T26: {
    fault: 'kill the worker between the 2xx of a receiver and its own record',
    promise: 'no event is lost; repeats have the same id, and are those in flight at a kill',
  },
  'T26 down': {
    fault: 'take a receiver away for 60 hours',
    promise: 'no event is lost; the receiver is tested now and then, and gets everything once it is back',
  },
  'T26 dead': {
    fault: 'take a receiver away for good',
    promise: 'the endpoint is disabled after five days, with one event',
  },
  T27: {
    fault: 'send over a daily limit from 40 connections at once',
    promise: 'exactly the limit is accepted, never more',
  },
  'T27 SMTP': {
    fault: 'the same by SMTP, from 40 sessions',
    promise: 'exactly the limit gets 250, and every other mail 452, so that its client keeps it',
  },
  T28: { fault: 'send over midnight', promise: 'each recipient counts on one day, and the limit holds' },
  'T28 clocks': { fault: 'set the clocks of the api two days wrong', promise: 'nothing differs' },
  T29: { fault: 'set the clock of a worker an hour wrong', promise: NOTHING_LOST },
  T30: { fault: 'give one tenant a backlog of 10,000 messages', promise: OTHERS_WAIT },
  'T30 bulk': {
    fault: 'give a tenant 20,000 bulk messages',
    promise: 'its transactional mail waits 2 seconds at most (p99)',
  },
  T31: { fault: 'let the provider of one tenant hang', promise: OTHERS_WAIT },
  'T31 callbacks': {
    fault: 'let the endpoint of one tenant hang',
    promise: 'the events of other tenants wait 2 seconds at most (p99)',
  },
  'T31 SMTP': { fault: 'let the SMTP server of one tenant hang', promise: OTHERS_WAIT },
  T32: {
    fault: 'send three times as much as the gateway can store',
    promise: 'it accepts a quarter of its capacity at least, and refuses the rest; nothing accepted is lost',
  },
  'T32 stopped': {
    fault: 'stop the api under overload',
    promise: 'it answers the sends that it holds back, and ends cleanly; nothing accepted is lost',
  },
  T33: { fault: 'restart every api and worker in turn', promise: `no request breaks; ${NOTHING_LOST}` },
  'T33 SMTP': {
    fault: 'restart every SMTP server in turn',
    promise: `each mail that was begun gets its answer; ${NOTHING_LOST}`,
  },
  T34: {
    fault: 'open 500 connections that send nothing, or one byte a second',
    promise: 'they are closed after 15 seconds, and do not delay others',
  },
  T35: {
    fault: 'search everything stored or logged for secrets',
    promise: 'none found in plain, hex or base64',
  },
  T36: {
    fault: 'ask every route for the data of another tenant',
    promise: 'the answer is the same as for an id that never existed',
  },
  T37: { fault: 'change the root key while everything runs', promise: 'no send and no key check fails' },
  T38: {
    fault: 'kill everything at once',
    promise: `${NOTHING_LOST}; mail moves within 30 seconds`,
  },
  T39: {
    fault: 'let the first of two connections refuse every call',
    promise: 'the second one sends everything; few calls go to the first',
  },
  T40: {
    fault: 'let one tenant send and read the largest and oddest things allowed',
    promise: OTHERS_WAIT,
  },
  'T40 SMTP': {
    fault: 'let one tenant send the oddest mails and commands by SMTP',
    promise: 'the mails of other tenants wait 2 seconds at most (p99); memory stays bounded',
  },
  T41: {
    fault: 'let the connections to Postgres fall silent',
    promise: `every send is answered within 3.5 seconds; ${NOTHING_LOST}`,
  },
  T42: {
    fault: 'send messages that end every worker that handles them',
    promise: 'each is held after three workers; all other mail is sent',
  },
  T43: {
    fault: 'kill workers while events of providers stream in',
    promise: 'every event is applied once; statuses and the feed agree',
  },
  T44: {
    fault: 'kill the api after it kept events of a provider, and before it answered',
    promise: 'no event is lost, when the provider repeats',
  },
  T50: {
    fault: 'drop an old day of messages while somebody reads it, beside a load',
    promise: 'nothing waits longer than 200 ms for its lock, and nothing is gone that should stay',
  },
  T51: {
    fault: 'kill workers while tenants use up their shares of the shared pool',
    promise:
      'no day exceeds its shares, and no share is lost; held mail moves once there is an own connection',
  },
}
