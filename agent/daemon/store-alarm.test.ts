import { describe, expect, it } from 'vitest'
import { Fault } from '../../core/fault.ts'
import { silentLog } from '../../core/log.ts'
import { eventually } from '../../test/support/eventually.ts'
import { makeFakeClock } from '../../test/support/fake-clock.ts'
import { makeStoreAlarm } from './store-alarm.ts'

const FULL = new Fault('store-full', {}, 'there is no room left')

/** A store that writes down what it is told while `disk.takes`. */
function setUp() {
  const clock = makeFakeClock()
  const told: string[] = []
  const disk = { takes: true }
  const tell = async (line: string): Promise<void> => {
    if (!disk.takes) throw FULL
    told.push(line)
  }
  const tellTrouble = makeStoreAlarm(
    {
      raiseAlarm: (a) => tell(`raise ${a.key} ${a.code} ${a.at}`),
      clearAlarm: (key, at) => tell(`clear ${key} ${at}`),
    },
    clock,
    silentLog,
  )
  return { clock, told, disk, tellTrouble }
}

describe('the alarm that commits fail', () => {
  it('is raised and ends', async () => {
    const { told, clock, tellTrouble } = setUp()
    const at = clock.now()
    tellTrouble(FULL)
    tellTrouble(null)
    await eventually(() => expect(told).toEqual([`raise store store-full ${at}`, `clear store ${at}`]))
  })

  it('is recorded later, with its time, where the disk refused it too', async () => {
    const { told, clock, disk, tellTrouble } = setUp()
    const at = clock.now()
    disk.takes = false
    tellTrouble(FULL)
    await clock.advance(60_000)
    disk.takes = true
    tellTrouble(null)
    await eventually(() => expect(told).toEqual([`raise store store-full ${at}`, `clear store ${at + 60_000}`]))
    tellTrouble(null)
    await eventually(() => expect(told).toHaveLength(3))
  })
})
