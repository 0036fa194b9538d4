import { readFileSync } from 'node:fs'

/** Process ids of the children of a process whose command line has `word` in it (Linux). */
export function childrenOf(pid: number, word: string): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  return children.filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(word)).map(Number)
}
