import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { programSettings } from './program-settings.ts'

const access = {
  host: 'smtp.example.com',
  username: 'lgu_01m7wa5yjwe1qr5m7w1gzh99cc',
  password: 'YOUR_PASSWORD',
}

test('the guide shows the settings of every program as the table has them', () => {
  const page = readFileSync(new URL('../../../../docs/guides/smtp.md', import.meta.url), 'utf8')
  for (const { title, text } of programSettings({ ...access, starttlsPort: 587, tlsPort: 465 })) {
    expect(page).toContain(`### ${title}\n`)
    expect(page).toContain(`\`\`\`\n${text}\n\`\`\``)
  }
})

test('without a port with STARTTLS, programs begin with TLS', () => {
  const all = programSettings({ ...access, starttlsPort: undefined, tlsPort: 465 })
  const textOf = (program: string) => all.find((one) => one.program === program)?.text
  expect(textOf('postfix')).toContain('smtp_tls_wrappermode = yes')
  expect(textOf('exim')).toContain('protocol = smtps')
  expect(textOf('django')).toContain('EMAIL_USE_SSL = True')
  expect(textOf('nodemailer')).toContain('secure: true')
})
