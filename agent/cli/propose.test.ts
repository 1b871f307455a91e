import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openBroker } from '../../adapters/mqtt/simulator.ts'
import { sluice, sluiceProcess } from '../../test/support/sluice.ts'

const CONFIGURED = '      - { topic: hall/none, asset: none, signals: { x: { path: $.x } } }'

async function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-propose-'))
  const broker = await openBroker()
  onTestFinished(async () => {
    await broker[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  const file = join(folder, 'sluice.yaml')
  const write = (subscriptions: string): void =>
    writeFileSync(
      file,
      `version: 1
gateway: { name: hall-2, data_dir: data }
sources:
  hall-climate:
    kind: mqtt
    url: ${broker.url}
    protocol: 3.1.1
    subscriptions:
${subscriptions}
`,
    )
  write(CONFIGURED)
  for (const asset of ['h-1', 'h-2'])
    await broker.publish(`hall/${asset}/climate`, `{"ts": ${Date.now()}, "t": 21.5}`, { retain: true })
  return { file, write }
}

it('prints subscriptions for what it hears that can be pasted, and then nothing new', async () => {
  const { file, write } = await setUp()
  const probe = ['probe', 'hall-climate', '--propose', '--listen', '300ms', '--topic', 'hall/#', '-c', file]
  const { code, out } = await sluiceProcess(probe)
  expect({ code, lines: out.trimEnd().split('\n').slice(1) }).toEqual({
    code: 0,
    lines: [
      '      # 2 messages: hall/h-1/climate, hall/h-2/climate',
      '      - topic: "hall/{asset}/climate"',
      '        time: { path: $.ts, format: unix_ms }',
      '        signals:',
      '          t: { path: $.t } # 21.5',
    ],
  })
  write(`${CONFIGURED}\n${out}`)
  expect(await sluice(['check', '-c', file])).toMatchObject({ code: 0 })
  const again = await sluice([...probe, '--json'])
  expect(JSON.parse(again.out)).toEqual([
    { source: 'hall-climate', messages: 2, topics: 2, subscriptions: [], unread: [] },
  ])
})

it('says what to do where nothing was heard, and refuses what cannot be', async () => {
  const { file } = await setUp()
  const [silent, ...wrong] = await Promise.all([
    sluice(['probe', '--propose', '--listen', '100ms', '-c', file]),
    sluice(['probe', '--propose', '--listen', 'soon', '-c', file]),
    sluice(['probe', '--topic', 'a/#/b', '-c', file]),
    sluice(['probe', 'other', '--propose', '-c', file]),
  ])
  expect(silent).toMatchObject({
    code: 0,
    out: expect.stringContaining("listen longer (--listen 60s), or on more (--topic '#')"),
  })
  for (const { code, out } of wrong) expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(wrong.map(({ err }) => err).join()).toMatch(/30s, 5m or 1h.*"#" stands alone.*no such MQTT source/s)
})
