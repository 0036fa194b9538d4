/** Lost workers: messages that a lost worker was sending. Each is then sent by a process of its own, and set aside after the third loss. */
export { createLifeWatch, type WorkerLife } from './life-watch.ts'
export { countLost, type LostDeps, recordLost } from './set-aside.ts'
export { claimSuspects } from './sql/claim-suspects.ts'
export { countSuspects } from './sql/count-suspects.ts'
export { listAsideDue } from './sql/list-aside-due.ts'
export { type ExpiredClaim, listExpired } from './sql/list-expired-claims.ts'
export { LOST_WORKERS_MAX, type LostWorkers, SET_ASIDE_REASON, WORKER_LOST } from './sql/lost-workers.ts'
export { type LostClaim, raiseLostWorkers } from './sql/raise-lost-workers.ts'
