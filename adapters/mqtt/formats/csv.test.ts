import { expect, it } from 'vitest'
import { type MqttSubscription, subscriptionSchema } from '../subscription-schema.ts'
import { makeCsvReader } from './csv.ts'

const subscription = (more: object = {}): MqttSubscription =>
  subscriptionSchema.parse({ topic: 'csv/{asset}', payload: 'csv', signals: { t: { column: 2 } }, ...more })

function read(text: string, more?: object) {
  const values: unknown[] = []
  const problem = makeCsvReader(subscription(more)).read(
    { topic: 'csv/a', payload: Buffer.from(text), retain: false, origins: [] },
    { add: (_field, _at, { value }) => void values.push(value), pass: fail },
  )
  return { values, problem }
}

const fail = () => {
  throw new Error('lines are not passed over')
}

const lines = (n: number): string => Array.from({ length: n }, (_, i) => `x,${i}\n`).join('')

it('reads 10,000 lines', () => {
  const { values, problem } = read(`${lines(10_000)}\n\n`)
  expect([values.length, values.at(-1)]).toEqual([10_000, 9_999])
  expect(problem).toBeUndefined()
})

it('reads 10,000 lines of a longer message, and says that there are more', () => {
  const { values, problem } = read(lines(10_001))
  expect([values.length, values.at(-1)]).toEqual([10_000, 9_999])
  expect(problem).toEqual({ reason: 'too_large', detail: 'more than 10000 lines', item: 10_000 })
})

it('says that lines are not read even where one of those before has no time', () => {
  const time = { column: 1, format: 'iso8601' }
  expect(read(lines(10_001), { time }).problem).toMatchObject({ reason: 'too_large' })
  expect(read(lines(1), { time }).problem).toMatchObject({ reason: 'bad_time', item: 0 })
})
