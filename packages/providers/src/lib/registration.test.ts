import { loadAccounts } from '../../test/event-account.ts'
import { describeRegistration } from '../../test/registration.ts'
import type { Provider } from '../provider.ts'
import { createProviders } from '../registry.ts'

const providers: Record<string, Provider> = createProviders()

for (const [id, account] of Object.entries(await loadAccounts())) {
  const provider = providers[id]
  if (provider) describeRegistration(provider, account)
}
