import { expect, it } from 'vitest'
import { makeWaiters } from './waiters.ts'

it('gives the reason to all who still wait, and at once to those who come later', () => {
  const waiters = makeWaiters()
  const stop = new AbortController()
  const given: string[] = []
  waiters.add(stop.signal, (reason) => given.push(`a ${reason}`))
  const forget = waiters.add(stop.signal, (reason) => given.push(`b ${reason}`))
  waiters.add(new AbortController().signal, () => given.push('another signal'))
  forget()
  expect(given).toEqual([])
  stop.abort('enough')
  waiters.add(stop.signal, (reason) => given.push(`c ${reason}`))
  expect(given).toEqual(['a enough', 'c enough'])
})
