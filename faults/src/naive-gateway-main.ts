import { startNaiveGateway } from './naive-gateway.ts'

await startNaiveGateway(JSON.parse(process.argv[2] ?? '{}'))
