/** What settings of a program are written from. */
export type SmtpAccess = {
  host: string
  /** Undefined: that port is off. */
  starttlsPort: number | undefined
  tlsPort: number | undefined
  username: string
  password: string
}

type ProgramAccess = { host: string; port: number; isImplicit: boolean; username: string; password: string }

type Program = {
  id: string
  title: string
  /** Where the text belongs. */
  file: string
  text(access: ProgramAccess): string
}

/** Settings to copy, one program a row: the guide, the API and the command line show this table. */
export const programs = [
  {
    id: 'postfix',
    title: 'Postfix',
    file: '/etc/postfix/main.cf',
    text: (access) => `# /etc/postfix/main.cf (Debian needs the package libsasl2-modules)
relayhost = [${access.host}]:${access.port}
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd
smtp_sasl_security_options = noanonymous
smtp_sasl_tls_security_options = noanonymous
smtp_tls_security_level = encrypt
${access.isImplicit ? 'smtp_tls_wrappermode = yes\n' : ''}
# /etc/postfix/sasl_passwd, then: postmap /etc/postfix/sasl_passwd && postfix reload
[${access.host}]:${access.port} ${access.username}:${access.password}`,
  },
  {
    id: 'exim',
    title: 'Exim',
    file: '/etc/exim4/exim4.conf',
    text: (access) => `# routers
lettergate:
  driver = manualroute
  domains = ! +local_domains
  transport = lettergate_smtp
  route_list = * ${access.host}::${access.port}
  no_more

# transports
lettergate_smtp:
  driver = smtp
  hosts_require_auth = *
  hosts_require_tls = *${access.isImplicit ? '\n  protocol = smtps' : ''}

# authenticators
lettergate_cram:
  driver = cram_md5
  public_name = CRAM-MD5
  client_name = ${access.username}
  client_secret = ${access.password}`,
  },
  {
    id: 'msmtp',
    title: 'msmtp',
    file: '~/.msmtprc',
    text: (access) => `account default
host ${access.host}
port ${access.port}
auth on
user ${access.username}
password ${access.password}
tls on
tls_starttls ${access.isImplicit ? 'off' : 'on'}
from you@example.com`,
  },
  {
    id: 'php',
    title: 'PHP mail()',
    file: 'php.ini',
    text: () => `; PHP's mail() calls a program. Install msmtp, write ~/.msmtprc as shown for msmtp, then:
sendmail_path = "/usr/bin/msmtp -t -i"`,
  },
  {
    id: 'phpmailer',
    title: 'PHPMailer',
    file: 'your program',
    text: (access) => `$mail = new PHPMailer\\PHPMailer\\PHPMailer(true);
$mail->isSMTP();
$mail->Host = '${access.host}';
$mail->Port = ${access.port};
$mail->SMTPSecure = '${access.isImplicit ? 'ssl' : 'tls'}';
$mail->SMTPAuth = true;
// With an API key as password: $mail->AuthType = 'LOGIN';
$mail->Username = '${access.username}';
$mail->Password = '${access.password}';`,
  },
  {
    id: 'django',
    title: 'Django',
    file: 'settings.py',
    text: (access) => `EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = "${access.host}"
EMAIL_PORT = ${access.port}
EMAIL_USE_${access.isImplicit ? 'SSL' : 'TLS'} = True
EMAIL_HOST_USER = "${access.username}"
EMAIL_HOST_PASSWORD = "${access.password}"`,
  },
  {
    id: 'wordpress',
    title: 'WordPress',
    file: 'wp-content/mu-plugins/smtp.php',
    text: (access) => `<?php
add_action('phpmailer_init', function ($mail) {
    $mail->isSMTP();
    $mail->Host = '${access.host}';
    $mail->Port = ${access.port};
    $mail->SMTPSecure = '${access.isImplicit ? 'ssl' : 'tls'}';
    $mail->SMTPAuth = true;
    $mail->Username = '${access.username}';
    $mail->Password = '${access.password}';
});`,
  },
  {
    id: 'drupal',
    title: 'Drupal (Symfony Mailer)',
    file: 'settings.php',
    text: (access) => `$config['symfony_mailer.mailer_transport.smtp']['plugin'] = 'smtp';
$config['symfony_mailer.mailer_transport.smtp']['configuration'] = [
  'host' => '${access.host}',
  'port' => ${access.port},
  'user' => '${access.username}',
  'pass' => '${access.password}',
  'query' => ['tls' => ${access.isImplicit}],
];`,
  },
  {
    id: 'rails',
    title: 'Rails',
    file: 'config/environments/production.rb',
    text: (access) => `config.action_mailer.delivery_method = :smtp
config.action_mailer.smtp_settings = {
  address: "${access.host}",
  port: ${access.port},
  user_name: "${access.username}",
  password: "${access.password}",
  authentication: :plain,
  ${access.isImplicit ? 'tls: true' : 'enable_starttls: true'}
}`,
  },
  {
    id: 'nodemailer',
    title: 'Nodemailer',
    file: 'your program',
    text: (access) => `const transport = nodemailer.createTransport({
  host: '${access.host}',
  port: ${access.port},
  secure: ${access.isImplicit},
  requireTLS: true,
  auth: { user: '${access.username}', pass: '${access.password}' },
})`,
  },
  {
    id: 'spring',
    title: 'Spring Boot',
    file: 'application.properties',
    text: (access) => `spring.mail.host=${access.host}
spring.mail.port=${access.port}
spring.mail.username=${access.username}
spring.mail.password=${access.password}
spring.mail.properties.mail.smtp.auth=true
${access.isImplicit ? 'spring.mail.properties.mail.smtp.ssl.enable=true' : 'spring.mail.properties.mail.smtp.starttls.required=true'}`,
  },
  {
    id: 'printer',
    title: 'Office printers and scanners',
    file: 'the web page of the device',
    text: (access) => `SMTP server: ${access.host}
Port: ${access.port}
Security: ${access.isImplicit ? 'SSL/TLS' : 'STARTTLS'}
Authentication: on (CRAM-MD5, LOGIN or PLAIN)
User name: ${access.username}
Password: ${access.password}
From address: an address of a domain that you have verified`,
  },
] as const satisfies readonly Program[]

export type ProgramSettings = {
  program: (typeof programs)[number]['id']
  title: string
  file: string
  text: string
}

/** The settings of every program for this login: by STARTTLS, or by the other port where it is the only one. */
export function programSettings(access: SmtpAccess): ProgramSettings[] {
  const isImplicit = access.starttlsPort === undefined
  const port = access.starttlsPort ?? access.tlsPort ?? 0
  const { host, username, password } = access
  return programs.map(({ id, title, file, text }) => ({
    program: id,
    title,
    file,
    text: text({ host, port, username, password, isImplicit }),
  }))
}
