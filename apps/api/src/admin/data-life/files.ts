/** Where the operator reads jobs, and the files of exports. */
export const FILES = '/v1/admin/data-jobs'
