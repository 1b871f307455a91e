import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../core/fault.ts'
import { type Answers, askAgent, serveControl, socketPath } from './control.ts'

let folder: string
let socket: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-control-'))
  socket = socketPath(folder)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const answers: Answers = {
  status: async () => ({ running: true }),
  echo: async (argument) => argument,
  refuse: async () => {
    throw new Fault('usage', { source: 'line' }, 'there is no such source')
  },
  fail: async () => {
    throw new TypeError('a bug')
  },
  bigint: async () => 1n,
}

describe('the path of the control socket', () => {
  it.each([
    { name: 'is in the data folder', dir: '/data', configured: undefined, path: '/data/sluice.sock' },
    { name: 'is the configured one', dir: '/data', configured: '/run/sluice/a.sock', path: '/run/sluice/a.sock' },
    {
      name: 'may have 107 bytes',
      dir: `/${'d'.repeat(94)}`,
      configured: undefined,
      path: `/${'d'.repeat(94)}/sluice.sock`,
    },
  ])('$name', ({ dir, configured, path }) => {
    expect(socketPath(dir, configured)).toBe(path)
  })

  it('is a short one of its own where the folder is too deep for a socket', () => {
    const deep = `/${'데'.repeat(40)}`
    expect(Buffer.byteLength(socketPath(deep))).toBeLessThanOrEqual(107)
    expect(socketPath(deep)).toBe(socketPath(deep))
    expect(socketPath(deep)).not.toBe(socketPath(`${deep}2`))
  })
})

describe('the control socket', () => {
  it('answers, with the argument as it was given', async () => {
    await using _ = await serveControl(socket, answers)
    expect(await askAgent(socket, 'status')).toEqual({ running: true })
    expect(await askAgent(socket, 'echo', 'press line/프레스 100%?&')).toBe('press line/프레스 100%?&')
    expect(await askAgent(socket, 'echo')).toBe('')
  })

  it("is open to the agent's user alone", async () => {
    await using _ = await serveControl(socket, answers)
    expect(statSync(socket).mode & 0o777).toBe(0o600)
  })

  it('is gone when the agent has stopped, whoever is still connected', async () => {
    const control = await serveControl(socket, { wait: () => new Promise(() => undefined) })
    const asked = askAgent(socket, 'wait').catch((error: unknown) => error)
    await control[Symbol.asyncDispose]()
    expect(await asked).toBeInstanceOf(Fault)
    await expect(askAgent(socket, 'status')).rejects.toMatchObject({ code: 'agent-absent' })
  })

  it('takes the place of one that a crash left behind', async () => {
    writeFileSync(socket, '')
    await using _ = await serveControl(socket, answers)
    expect(await askAgent(socket, 'status')).toEqual({ running: true })
  })

  it.each(['nothing', 'constructor', '__proto__', 'toString'])('knows no question %s', async (name) => {
    await using _ = await serveControl(socket, answers)
    const error = await askAgent(socket, name).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(Fault)
    expect(error).toMatchObject({ code: 'agent-other-version', message: `no such question: ${name}` })
  })

  it('hands a Fault on as it is', async () => {
    await using _ = await serveControl(socket, answers)
    const error = await askAgent(socket, 'refuse').catch((e: unknown) => e)
    expect(error).toBeInstanceOf(Fault)
    expect(error).toMatchObject({ code: 'usage', where: { source: 'line' }, message: 'there is no such source' })
  })

  it.each(['fail', 'bigint'])('survives an answer that fails (%s)', async (name) => {
    await using _ = await serveControl(socket, answers)
    await expect(askAgent(socket, name)).rejects.toThrow(/TypeError/)
    expect(await askAgent(socket, 'status')).toEqual({ running: true })
  })

  it('survives a request that no client of ours sends', async () => {
    await using _ = await serveControl(socket, answers)
    const asked = request({ socketPath: socket, path: '/echo?%' }).end()
    const [response] = await once(asked, 'response')
    response.resume()
    expect(response.statusCode).toBe(500)
    expect(await askAgent(socket, 'status')).toEqual({ running: true })
  })

  it('is a Fault where it cannot be made', async () => {
    await expect(serveControl(join(folder, 'absent', 's.sock'), answers)).rejects.toMatchObject({ code: 'store-io' })
  })
})

describe('asking the agent', () => {
  it.each([
    { name: 'no socket', prepare: () => undefined },
    { name: 'a socket that a crash left behind', prepare: () => writeFileSync(socket, '') },
  ])('finds none: $name', async ({ prepare }) => {
    prepare()
    await expect(askAgent(socket, 'status')).rejects.toMatchObject({ code: 'agent-absent' })
  })

  it('does not take an agent that is slow for one that is absent', async () => {
    await using _ = await serveControl(socket, { wait: () => new Promise(() => undefined) })
    await expect(askAgent(socket, 'wait', '', 20)).rejects.toMatchObject({ code: 'agent-silent' })
  })

  it('does not take an agent that hangs up for one that is absent', async () => {
    const rude = createServer((req) => req.socket.destroy()).listen(socket)
    await once(rude, 'listening')
    await expect(askAgent(socket, 'status')).rejects.toMatchObject({ code: 'agent-silent' })
    rude.close()
  })

  it('is a Fault where what answers is not an agent', async () => {
    const other = createServer((_, res) => res.end('<html>')).listen(socket)
    await once(other, 'listening')
    await expect(askAgent(socket, 'status')).rejects.toMatchObject({ code: 'agent-silent' })
    other.close()
  })
})
