import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { sluiceProcess } from '../../test/support/sluice.ts'

/** A Node of this machine that is too old, or undefined. */
const oldNode = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'node'))
  .filter((path) => existsSync(path))
  .find((path) => Number(execFileSync(path, ['-p', 'parseInt(process.versions.node)'], { encoding: 'utf8' })) < 24)

/** Runs the entry file as plain JavaScript in CommonJS under a Node that says it is `version`. */
function start(version: string) {
  const lines: string[] = []
  const process = { versions: { node: version }, argv: [], exitCode: undefined }
  const text = readFileSync(join(import.meta.dirname, '..', 'main.ts'), 'utf8')
  runInNewContext(text, { process, console: { error: (line: string) => lines.push(line) } })
  return { lines, exitCode: process.exitCode }
}

describe('the entry file', () => {
  it.each(['14.21.3', '18.20.8', '20.20.2', '22.22.0', '23.11.1'])(
    'is one line and exit code 2 on Node %s',
    (version) => {
      const { lines, exitCode } = start(version)
      expect(exitCode).toBe(2)
      expect(lines.length).toBe(1)
      expect(lines[0]).toMatch(new RegExp(`Node 24 or newer, this is ${version}: install [^\\n]+$`))
    },
  )

  it.skipIf(!oldNode)('is one line and exit code 2 on the old Node of this machine', async () => {
    const { code, out, err } = await sluiceProcess(['check'], oldNode)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^sluice needs Node 24 or newer[^\n]*\n$/)
  })

  it('starts on the Node that runs this', async () => {
    const { code, out } = await sluiceProcess(['--version'])
    expect(code).toBe(0)
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
