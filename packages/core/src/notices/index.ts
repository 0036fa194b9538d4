export { createNotices, type NoticeResult } from './send-notices.ts'
