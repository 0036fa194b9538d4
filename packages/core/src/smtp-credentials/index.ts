/** SMTP credentials: logins of programs that send by SMTP. */
export {
  createSmtpCredential,
  deleteSmtpCredential,
  listSmtpCredentials,
  readSmtpCredential,
  type SmtpCredentialRow,
  updateSmtpCredential,
} from './credentials.ts'
export { createSmtpLogins, isInNetworks, type LoginResult, type SmtpLogin, type SmtpLogins } from './login.ts'
export { createOpenLogin } from './open-login.ts'
export { createUseNotes, type UseNotes } from './use-notes.ts'
