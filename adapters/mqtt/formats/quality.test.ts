import { expect, it } from 'vitest'
import { qualityOf } from '../../../core/quality.ts'
import { type QualityFormat, readQuality } from './quality.ts'

it.each<[QualityFormat, unknown, string]>([
  ['bool', true, 'good'],
  ['bool', 1, 'good'],
  ['bool', false, 'bad'],
  ['bool', 0, 'bad'],
  ['bool', 'true', 'uncertain'],
  ['bool', undefined, 'good'],
  ['opc_da', 192, 'good'],
  ['opc_da', 216, 'good'],
  ['opc_da', 64, 'uncertain'],
  ['opc_da', 24, 'bad'],
  ['opc_da', 0, 'bad'],
  ['opc_da', 'Good', 'good'],
  ['opc_da', {}, 'uncertain'],
  ['opc_ua', 0, 'good'],
  ['opc_ua', 0x4000_0000, 'uncertain'],
  ['opc_ua', 0x8000_0000, 'bad'],
  ['opc_ua', { Code: 0x808a_0000, Symbol: 'BadNotConnected' }, 'bad'],
  ['opc_ua', { Symbol: 'UncertainInitialValue' }, 'uncertain'],
  ['opc_ua', {}, 'good'],
  ['opc_ua', 'BadTimeout', 'bad'],
  ['opc_ua', null, 'good'],
  ['text', 'GOOD', 'good'],
  ['text', 'uncertain_subnormal', 'uncertain'],
  ['text', 'bad', 'bad'],
  ['text', 'stale', 'uncertain'],
  ['text', 7, 'uncertain'],
])('%s %j is %s', (format, raw, quality) => {
  expect(qualityOf(readQuality(format, raw)).quality).toBe(quality)
})
