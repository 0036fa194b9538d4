/** A topic by its ARN, and where its messages come from: nothing of an address is taken from a message. */
export type Topic = { arn: string; region: string; account: string; partition: string; host: string }

const arnForm =
  /^arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2,3}(?:-[a-z]{2,12}){1,2}-\d{1,2}):(\d{12}):[\w-]{1,256}$/

export function parseTopic(arn: string): Topic | null {
  const [, partition, region, account] = arnForm.exec(arn) ?? []
  if (partition === undefined || region === undefined || account === undefined) return null
  const host = `sns.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`
  return { arn, region, account, partition, host }
}
