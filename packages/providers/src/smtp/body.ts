import { Readable, Transform } from 'node:stream'

/** A message on its way to a server, which knows how far it got. */
export class Body extends Readable {
  readonly #mime: Buffer
  #started = false
  #encoder: Transform | undefined

  constructor(mime: Buffer) {
    super()
    this.#mime = mime
  }

  /** Called by the connection once the server has asked for the data: writes all of it at once. */
  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    this.#started = true
    this.#encoder = destination instanceof Transform ? destination : undefined
    destination.write(this.#mime)
    destination.end()
    return destination
  }

  /**
   * Whether the server may have the whole message: the dot that ends it was given to the socket. The encoder before
   * the socket holds the dot last, so while the encoder still holds anything the dot has not left.
   */
  get mayBeComplete(): boolean {
    return this.#started && (this.#encoder === undefined || this.#encoder.readableLength === 0)
  }
}
