import { z } from 'zod'

/** The file of an export, for the reference. */
export const ExportFile = z
  .string()
  .describe('One JSON object a line: {"table": "message", "row": {…}}, by table and key.')
