import type { Provider } from './provider.ts'

const bytesPerMb = 1_000_000

/** The page docs/providers/matrix.md: what each provider can do, from its own capabilities. */
export function toMatrix(providers: Provider[]): string {
  const rows = providers.map(({ id, description, capabilities }) => [
    `[\`${id}\`](${id}.md)`,
    description,
    String(capabilities.recipientsMax),
    `${Math.floor(capabilities.messageBytesMax / bytesPerMb)} MB`,
    capabilities.idempotencyWindowMs > 0 ? `${capabilities.idempotencyWindowMs / 60_000} min` : 'never',
    capabilities.answersEachRecipient ? 'yes' : 'no',
  ])
  const head = [
    'Provider',
    'What it is',
    'Recipients of a message',
    'Size of a message',
    'Repeats recognised for',
    'Refuses single recipients',
  ]
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [
    '# Providers side by side',
    '',
    'Generated from the capabilities in `packages/providers`; a test keeps it equal to them.',
    '',
    line(head),
    line(head.map(() => '---')),
    ...rows.map(line),
    '',
  ].join('\n')
}
