import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openModbusSimulator } from '../../adapters/modbus/simulator.ts'
import { profileNames } from '../../config/profiles.ts'
import { sluice } from '../../test/support/sluice.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-profile-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('sluice profile', () => {
  it('lists what there is and shows one with its sources', async () => {
    const [list, show] = await Promise.all([
      sluice(['profile', 'list', '--json']),
      sluice(['profile', 'show', 'xy-md02']),
    ])
    expect(JSON.parse(list.out).map((row: { name: string }) => row.name)).toEqual(profileNames())
    expect(show.out).toContain('from: ')
    expect(show.out).toContain('temperature: { input: 1, type: int16, scale: 0.1, unit: Cel }')
  })

  it('imports what it exported for a spreadsheet, and never overwrites', async () => {
    const [csv, yaml] = [join(folder, 'map.csv'), join(folder, 'map.yaml')]
    expect(await sluice(['profile', 'export', 'xy-md02', '--separator', ';', '-o', csv])).toMatchObject({ code: 0 })
    expect(readFileSync(csv, 'utf8').slice(0, 25)).toBe('\uFEFFname;table;address;type;')
    expect(await sluice(['profile', 'import', csv, '-o', yaml])).toMatchObject({ code: 0, out: '' })
    expect(readFileSync(yaml, 'utf8')).toContain('temperature: { input: 1, type: int16, scale: 0.1, unit: Cel }')
    expect(await sluice(['profile', 'import', csv, '-o', yaml])).toMatchObject({ code: 2 })
  })

  it('tells every problem of a map by row and column, and writes nothing', async () => {
    const [csv, yaml] = [join(folder, 'wrong.csv'), join(folder, 'wrong.yaml')]
    const rows = [
      'Name,Table,Address,Type,Unit',
      'a,holding,70000,INT,bar',
      'b,coil,1,,',
      'c,input,2,INT33,furlong',
      'd,input,,,',
    ]
    writeFileSync(csv, `${rows.join('\n')}\n`)
    const { code, out, err } = await sluice(['profile', 'import', csv, '-o', yaml])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    const told = err.match(/wrong\.csv:\d+:\d+: column \w+/g)?.map((text) => text.replace('wrong.csv:', ''))
    expect(told).toEqual(['2:11: column Address', '4:11: column Type', '4:17: column Unit', '5:1: column Name'])
    expect(() => readFileSync(yaml)).toThrow()
  })
})

describe('sluice probe of a device with `profile: sunspec`', () => {
  it('prints signals that can be pasted in place of the profile', async () => {
    // A meter that ends with its frequency: 500 × 10⁻¹ Hz.
    const words = [0x5375, 0x6e53, 201, 16, ...Array<number>(14).fill(0x8000), 500, 0xffff, 0xffff, 0]
    await using simulator = await openModbusSimulator({
      read: (_unit, _table, address, quantity) => {
        const at = address - 40_000
        return at >= 0 && at + quantity <= words.length ? words.slice(at, at + quantity) : { exception: 2 }
      },
    })
    const file = join(folder, 'sluice.yaml')
    const write = (device: string): void =>
      writeFileSync(
        file,
        `version: 1\ngateway: { name: g, data_dir: data }\nsources:\n  roof:\n    kind: modbus\n    host: 127.0.0.1\n    port: ${simulator.port}\n    devices:\n      meter:\n${device}`,
      )
    write('        profile: sunspec\n')
    const { out } = await sluice(['probe', '-c', file])
    expect(out).toContain('to paste under sources.roof.devices.meter')
    const yaml = out.slice(out.indexOf('signals:')).trimEnd().split('\n')
    write(yaml.map((line) => `        ${line}\n`).join(''))
    expect(await sluice(['check', '-c', file])).toMatchObject({ code: 0 })
    const again = JSON.parse((await sluice(['probe', '--json', '-c', file])).out)
    expect(again).toMatchObject([{ asset: 'meter', signal: 'Hz', value: 50, quality: 'good' }])
  })
})
