import { Readable, Transform } from 'node:stream'

/** The encoder looks at every byte: a piece of this size takes well under a millisecond. */
const PIECE_BYTES = 64 * 1024

/** A message on its way to a server, which knows how far it got. */
export class Body extends Readable {
  readonly #mime: Buffer
  #wasAsked = false
  #isGiven = false
  #encoder: Transform | undefined

  constructor(mime: Buffer) {
    super()
    this.#mime = mime
  }

  /** Called by the connection once the server has asked for the data: writes it in pieces, as fast as they leave. */
  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    this.#wasAsked = true
    this.#encoder = destination instanceof Transform ? destination : undefined
    this.#give(destination, 0)
    return destination
  }

  #give(destination: NodeJS.WritableStream, from: number): void {
    if (!destination.writable) return
    const to = from + PIECE_BYTES
    if (to >= this.#mime.length) {
      destination.write(this.#mime.subarray(from))
      this.#isGiven = true
      destination.end()
      return
    }
    const goOn = () => this.#give(destination, to)
    // Yields between two pieces, even if the network accepts all bytes immediately.
    if (destination.write(this.#mime.subarray(from, to))) setImmediate(goOn)
    else destination.once('drain', goOn)
  }

  /** Whether the server has asked for it. */
  get wasAsked(): boolean {
    return this.#wasAsked
  }

  /** Whether all of it was written; until then nothing else may be. */
  get isGiven(): boolean {
    return this.#isGiven
  }

  /**
   * Whether the server may have the whole message: the dot that ends it was given to the socket. The encoder before
   * the socket holds the dot last, so while the encoder still holds anything the dot has not left.
   */
  get mayBeComplete(): boolean {
    return this.#isGiven && (this.#encoder === undefined || this.#encoder.readableLength === 0)
  }
}
