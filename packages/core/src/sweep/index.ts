/** Sweep: finds what was left undone (expired claims and sends, waiting messages, old rows) and puts it right. */
export { createSweeper, type SweepDeps, type SweepStep, sweepSteps } from './sweep.ts'
