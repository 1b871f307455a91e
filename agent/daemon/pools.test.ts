import { expect, it } from 'vitest'
import type { LoadedConfig } from '../../config/load.ts'
import { Fault, type FaultCode } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { makeStoreClient } from '../../test/support/store-client.ts'
import { makeLiveness } from './liveness.ts'
import { makePools } from './pools.ts'

/** A pool whose policy is missing, so that its gate says no more than that the pool could be started. */
const loaded = {
  pools: { lake: { config: undefined, gate: { kind: 'shut', fault: new Fault('policy-missing', {}, 'no policy') } } },
} as unknown as LoadedConfig

/** The pool's gate and the alarms raised, after starts that fail with these codes and an hour. */
async function startWith(codes: readonly FaultCode[]) {
  const left = [...codes]
  const clock = makeFakeClock()
  const stop = new AbortController()
  const alarms: (string | undefined)[] = []
  const pools = makePools({
    loaded,
    store: makeStoreClient({
      withdrawal: async () => null,
      async openPool() {
        const code = left.shift()
        if (code) throw new Fault(code, {}, 'not now')
        return undefined as never
      },
      noteGate: async () => undefined,
    }),
    max_sealed_ahead: 0,
    clock,
    log: silentLog,
    liveness: makeLiveness(clock),
    signal: stop.signal,
    isSane: () => true,
    alarm: (_, fault) => alarms.push(fault?.code),
  })
  await pools.start('lake')
  await clock.advance(3_600_000)
  stop.abort()
  await pools.done()
  return { code: pools.gates().lake?.fault?.code, alarms }
}

it('starts a pool again when what kept it from that may have passed, and says it once', async () => {
  expect(await startWith(['store-full', 'store-full', 'store-locked', 'store-io'])).toEqual({
    code: 'policy-missing',
    alarms: ['store-full', 'store-locked', 'store-io', 'policy-missing'],
  })
})

it('leaves to a person what only a person can mend', async () => {
  expect(await startWith(['key-invalid'])).toEqual({ code: 'key-invalid', alarms: ['key-invalid'] })
})
