export type Stride<P> = {
  count: number
  /** Where to go on; null: the end was reached. */
  next: P | null
}

/**
 * Walks from `first` to the end, again and again until one walk finds nothing: what had more than its part in one stride has its turn
 * again. Answers how much was found by then, or by when it is over.
 */
export async function walkUntilDone<P>(
  first: P,
  stride: (after: P) => Promise<Stride<P>>,
  isOver: () => boolean = () => false,
): Promise<number> {
  let [total, ofWalk] = [0, 0]
  let after = first
  for (;;) {
    const { count, next } = await stride(after)
    total += count
    ofWalk += count
    if ((next === null && ofWalk === 0) || isOver()) return total
    if (next === null) ofWalk = 0
    after = next ?? first
  }
}
