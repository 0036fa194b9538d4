export type Stride<P> = {
  count: number
  /** Where to go on; null: the end was reached. */
  next: P | null
}

type IsOver = () => boolean

/** Walks from `first` to the end; answers how much was found by then, or by when it is over. */
export async function walkOnce<P>(
  first: P,
  stride: (after: P) => Promise<Stride<P>>,
  isOver: IsOver = () => false,
): Promise<number> {
  let total = 0
  for (let after: P | null = first; after !== null; ) {
    const { count, next }: Stride<P> = await stride(after)
    total += count
    after = isOver() ? null : next
  }
  return total
}

/** Walks again and again until one walk finds nothing: what had more than its part in one stride has its turn again. */
export async function walkUntilDone<P>(
  first: P,
  stride: (after: P) => Promise<Stride<P>>,
  isOver: IsOver = () => false,
): Promise<number> {
  let total = 0
  for (;;) {
    const count = await walkOnce(first, stride, isOver)
    total += count
    if (count === 0 || isOver()) return total
  }
}
