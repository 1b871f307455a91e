import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

/**
 * What a process did to its files, in order. `path` is a name at that moment. A `sync` covers only what was begun before
 * it was called (`since`, an index into the list). `said` is a line on standard output: what the process promised by then.
 */
export type DiskOp =
  | { readonly kind: 'create'; readonly path: string; readonly truncates: boolean }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'sync'; readonly path: string; readonly since: number }
  | { readonly kind: 'said'; readonly text: string }

/** Every call that could change a file; one that is not understood below is an error, so that nothing is overlooked. */
const CALLS =
  'openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,truncate,ftruncate,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,fsync,fdatasync,fallocate,copy_file_range,link,linkat,sync_file_range'

/** Whether strace is there and may trace; where REQUIRE_SERVICES=1 its absence is an error. */
export async function canTrace(): Promise<boolean> {
  try {
    await promisify(execFile)('strace', ['-qq', '-o', '/dev/null', 'true'])
    return true
  } catch (cause) {
    if (process.env.REQUIRE_SERVICES === '1') throw new Error('strace is not installed, or may not trace', { cause })
    console.warn('strace is not installed, or may not trace: what needs it is skipped')
    return false
  }
}

/** Runs Node under strace, which writes to `file`. */
export function traceNode(file: string, args: readonly string[]): ChildProcess {
  const quiet = ['-f', '-qq', '-xx', '-y', '-s', '1000000000', '--seccomp-bpf', '-e', 'signal=none']
  return spawn('strace', [...quiet, '-e', `trace=${CALLS}`, '-o', file, process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/**
 * Reads what strace wrote and appends to `ops` what concerns files below `root`.
 * @throws Error for a call on such a file that is not known here
 */
export async function readTrace(file: string, root: string, ops: DiskOp[]): Promise<void> {
  const offsets = new Map<string, number>()
  /** calls that began and have not ended, by thread */
  const open = new Map<string, { readonly text: string; readonly since: number }>()
  const lines = createInterface({ input: createReadStream(file, 'latin1'), crlfDelay: Number.POSITIVE_INFINITY })
  for await (const line of lines) {
    const thread = line.slice(0, line.indexOf(' '))
    const text = line.slice(thread.length).trimStart()
    if (text.endsWith('<unfinished ...>')) {
      open.set(thread, { text: text.slice(0, -'<unfinished ...>'.length), since: ops.length })
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(text)
    const begun = resumed ? open.get(thread) : undefined
    if (resumed && !begun) continue // began before the trace did
    const whole = begun ? begun.text + text.slice(resumed![0].length) : text
    ops.push(...understand(whole, root, offsets, begun?.since ?? ops.length))
  }
}

const HEX = String.raw`(?:\\x[0-9a-f]{2})*`
const FILE = String.raw`(\d+)<(${HEX})>(?:\(deleted\))?`
const NAME = `(?:AT_FDCWD<${HEX}>, )?"(${HEX})"`
const PATTERNS = {
  open: new RegExp(String.raw`^(?:openat|open|creat)\(${NAME}, ([A-Z_|]+)`),
  write: new RegExp(String.raw`^(?:write|pwrite64)\(${FILE}, "(${HEX})", \d+(?:, (\d+))?`),
  truncate: new RegExp(String.raw`^ftruncate\(${FILE}, (\d+)`),
  rename: new RegExp(String.raw`^rename(?:at2?)?\(${NAME}, ${NAME}`),
  remove: new RegExp(String.raw`^unlink(?:at)?\(${NAME}`),
  folder: new RegExp(String.raw`^mkdir(?:at)?\(${NAME}`),
  sync: new RegExp(String.raw`^f(?:data)?sync\(${FILE}`),
} as const

function understand(call: string, root: string, offsets: Map<string, number>, since: number): readonly DiskOp[] {
  const result = Number(/= (-?\d+)(?:<[^>]*>)?(?: [A-Z]\w+ .*)?$/.exec(call)?.[1] ?? -1)
  if (result < 0) return [] // refused: nothing happened
  const inside = (hex: string | undefined): string | undefined => {
    const path = decode(hex ?? '').toString('utf8')
    return path.startsWith(`${root}/`) ? path : undefined
  }
  const match = <K extends keyof typeof PATTERNS>(kind: K): RegExpExecArray | null => PATTERNS[kind].exec(call)

  const opened = match('open')
  if (opened) {
    offsets.set(String(result), 0)
    const path = inside(opened[1])
    const flags = opened[2]!.split('|')
    return path && flags.includes('O_CREAT') ? [{ kind: 'create', path, truncates: flags.includes('O_TRUNC') }] : []
  }
  const written = match('write')
  if (written) {
    const [, fd = '', name, hex = '', at] = written
    if (fd === '1') return [{ kind: 'said', text: decode(hex).toString('utf8') }]
    const offset = at === undefined ? (offsets.get(fd) ?? 0) : Number(at)
    if (at === undefined) offsets.set(fd, offset + result)
    const path = inside(name)
    return path ? [{ kind: 'write', path, offset, bytes: decode(hex).subarray(0, result) }] : []
  }
  const cut = match('truncate')
  if (cut) return withPath(inside(cut[2]), (path) => ({ kind: 'truncate', path, size: Number(cut[3]) }))
  const renamed = match('rename')
  if (renamed) {
    const to = inside(renamed[2])
    return withPath(inside(renamed[1]), (path) => ({ kind: 'rename', path, to: to ?? '' }))
  }
  const removed = match('remove')
  if (removed) return withPath(inside(removed[1]), (path) => ({ kind: 'remove', path }))
  const made = match('folder')
  if (made) return withPath(inside(made[1]), (path) => ({ kind: 'folder', path }))
  const synced = match('sync')
  if (synced) return withPath(inside(synced[2]) ?? exactly(root, synced[2]), (path) => ({ kind: 'sync', path, since }))
  if (call.includes(encode(`${root}/`))) throw new Error(`a call that the model does not know: ${call.slice(0, 200)}`)
  return []
}

function withPath(path: string | undefined, make: (path: string) => DiskOp): readonly DiskOp[] {
  return path === undefined ? [] : [make(path)]
}

function exactly(root: string, hex: string | undefined): string | undefined {
  return decode(hex ?? '').toString('utf8') === root ? root : undefined
}

function decode(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex')
}

function encode(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}

/** Waits until a traced process has ended as expected: by itself, or by SIGKILL. @throws Error where it failed */
export async function traced(child: ChildProcess, end: 'stopped' | 'killed'): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  const how = child.signalCode === 'SIGKILL' ? 'killed' : child.exitCode === 0 ? 'stopped' : 'failed'
  if (how !== end) throw new Error(`the traced process ${how}: exit ${child.exitCode}, signal ${child.signalCode}`)
}
