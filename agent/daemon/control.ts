import { createHash } from 'node:crypto'
import { chmodSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../../core/fault.ts'
import { type FaultData, fromData, toData } from './worker-port.ts'

/** A Unix socket's path must fit struct sockaddr_un (unix(7)): 108 bytes with its NUL. */
const LONGEST_PATH = 107

/** Where a running agent answers: the configured path, else `sluice.sock` in the data folder. */
export function socketPath(dataDir: string, configured?: string): string {
  const path = configured ?? join(dataDir, 'sluice.sock')
  if (Buffer.byteLength(path) <= LONGEST_PATH) return path
  return join(tmpdir(), `sluice-${createHash('sha256').update(path).digest('hex').slice(0, 16)}.sock`)
}

/** Answers to one question of the command line: a value that JSON can say. */
export type Answers = Readonly<Record<string, (argument: string) => Promise<unknown>>>

/**
 * Answers on a Unix socket that only the agent's user can open: `GET /name?argument`.
 * @throws Fault `store-io` where the socket cannot be made
 */
export async function serveControl(path: string, answers: Answers): Promise<AsyncDisposable> {
  const server = createServer((req, res) => {
    const [name = '', argument = ''] = (req.url ?? '').slice(1).split('?')
    const reply = (status: number, body: unknown): void => {
      const text = JSON.stringify(body)
      res.writeHead(status, { 'content-type': 'application/json' }).end(text)
    }
    const answer = Object.hasOwn(answers, name) ? answers[name] : undefined
    if (!answer) return reply(404, { message: `no such question: ${name}` })
    Promise.try(async () => reply(200, await answer(decodeURIComponent(argument)))).catch((error: unknown) =>
      reply(500, error instanceof Fault ? { fault: toData(error) } : { message: String(error) }),
    )
  })
  rmSync(path, { force: true }) // left by a crash; the store's lock says that no other agent lives here
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new Fault('store-io', { file: path }, `cannot listen on the control socket: ${cause.message}`, { cause })),
    )
    server.listen(path, resolve)
  })
  chmodSync(path, 0o600)
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(path, { force: true })
    },
  }
}

/** What connect(2) says where nothing listens. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'ECONNREFUSED']

/**
 * Asks a running agent.
 * @throws Fault `agent-absent` where none runs, `agent-silent` where one is there and gives no answer, `agent-other-version`
 * where it does not know the question, or what the agent says itself
 */
export function askAgent(path: string, name: string, argument = '', timeout_ms = 30_000): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const noAnswer = (cause: NodeJS.ErrnoException): void =>
      reject(
        ABSENT.includes(cause.code ?? '')
          ? new Fault('agent-absent', { file: path }, `no agent answers: ${cause.message}`, { cause })
          : new Fault('agent-silent', { file: path }, `the agent does not answer: ${cause.message}`, { cause }),
      )
    const asked = request(
      { socketPath: path, path: `/${name}?${encodeURIComponent(argument)}`, timeout: timeout_ms },
      (res) => {
        const parts: Buffer[] = []
        res.on('data', (part: Buffer) => parts.push(part))
        res.on('end', () => {
          try {
            const body = JSON.parse(Buffer.concat(parts).toString('utf8'))
            if (res.statusCode === 200) resolve(body)
            else if (res.statusCode === 404) reject(new Fault('agent-other-version', { file: path }, body.message))
            else reject(body.fault ? fromData(body.fault as FaultData) : new Error(body.message))
          } catch {
            noAnswer(new Error('what it says is not JSON'))
          }
        })
        res.on('error', noAnswer)
      },
    )
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')))
    asked.on('error', noAnswer)
    asked.end()
  })
}
