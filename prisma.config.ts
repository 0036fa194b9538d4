import { defineConfig } from 'prisma/config'

/** For Prisma's command line alone; processes of ours read their settings in packages/config. */
export default defineConfig({
  schema: 'prisma/schema',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env.DATABASE_URL ?? '' },
})
