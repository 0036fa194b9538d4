declare module 'sns-validator' {
  class MessageValidator {
    validate(message: object, done: (error: Error | null) => void): void
  }
  export = MessageValidator
}
