import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * The house has rooms, and this is who may enter which (CONTRIBUTING.md has the table in words). Tests, benchmarks and
 * proofs are free. What Biome can see (default exports, barrels, `any`, unused imports) is left to it.
 */

const ROOT = join(import.meta.dirname, '..')

interface Room {
  /** paths of ours that it may import, besides its own */
  readonly ours: readonly RegExp[]
  /** paths of ours of which it may import types */
  readonly types?: readonly RegExp[]
  /** the only built-in modules it may use; any where absent */
  readonly builtins?: readonly string[]
}

const ROOMS: Readonly<Record<string, Room>> = {
  core: { ours: [], builtins: ['node:timers/promises', 'node:crypto'] },
  'adapters/source.ts': { ours: [/^core\//], builtins: [] },
  adapters: { ours: [/^core\//, /^adapters\/source\.ts$/] },
  buffer: { ours: [/^core\//] },
  privacy: { ours: [/^core\//], builtins: ['node:crypto'] },
  attack: { ours: [/^core\//], builtins: [] },
  uplink: { ours: [/^core\//], types: [/^privacy\//] },
  config: {
    ours: [/^core\//, /\/((.+-)?schema|plan|compile)\.ts$/, /^privacy\/noised-elsewhere\.ts$/],
    types: [/^adapters\/source\.ts$/],
  },
  pool: { ours: [/^core\//, /^uplink\/(manifest|signature|problem|batch-id|volumes)\.ts$/] },
  agent: { ours: [/^(core|adapters|attack|buffer|privacy|uplink|config)\//] },
}

/** Drivers and formats stay behind the room that was made for them, so that replacing one touches one folder. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  'better-sqlite3': ['buffer/', 'pool/'],
  mqtt: ['adapters/mqtt/'],
  aedes: ['adapters/mqtt/'],
  'json-p3': ['adapters/mqtt/'],
  cbor2: ['adapters/mqtt/formats/'],
  '@msgpack/msgpack': ['adapters/mqtt/formats/'],
  '@bufbuild/protobuf': ['adapters/mqtt/formats/'],
  'modbus-serial': ['adapters/modbus/'],
  'csv-parse': ['adapters/'],
  serialport: ['adapters/modbus/'],
  uplot: ['agent/preview/'],
  'simple-ascii-chart': ['agent/preview/'],
  hyparquet: ['uplink/', 'pool/', 'agent/demo/'],
  'hyparquet-writer': ['uplink/'],
  '@atomic-ehr/ucum': ['core/unit.ts'],
  canonicalize: ['core/encoding.ts'],
}

const manifest: {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
} = JSON.parse(read('package.json'))

const texts = globSync('**/*.{ts,md,yaml,yml,json,service,sh}', { cwd: ROOT, exclude: skipped }).concat(
  globSync(['Dockerfile', '.ci/*'], { cwd: ROOT }),
)
const code = texts.filter((path) => path.endsWith('.ts'))
const bound = code.filter((path) => !/\.test\.ts$|^(test|bench)\/|^vitest\.config\.ts$/.test(path))

describe('the house', () => {
  it('imports only in the directions of its table', () => {
    expect(bound.flatMap(wrongDirections)).toEqual([])
  })

  it('keeps each library behind the folder that is made for it', () => {
    expect(bound.flatMap(wrongLibraries)).toEqual([])
  })

  it('names every library it uses in package.json', () => {
    const shipped = Object.keys(manifest.dependencies)
    const known = [...shipped, ...Object.keys(manifest.devDependencies)]
    const missing = code.flatMap((path) =>
      importsOf(read(path))
        // The type checker sees to types; what runs must be installed where it runs.
        .filter(({ to, type }) => !type && isLibrary(to))
        .filter(({ to }) => !(bound.includes(path) ? shipped : known).includes(packageOf(to)))
        .map(({ to }) => `${path} imports ${to}: add ${packageOf(to)} to the dependencies, with its exact version`),
    )
    expect(missing).toEqual([])
  })

  it('states exact versions', () => {
    const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
      .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      .map(([name, version]) => `package.json: write ${name} without a range, it says "${version}" (npm install -E)`)
    expect(loose).toEqual([])
  })

  it('has a lock file that is whole for every platform', () => {
    // npm leaves out what it could not look up, and `npm ci` then refuses all of it.
    const { packages }: { packages: Record<string, { optionalDependencies?: Record<string, string> }> } = JSON.parse(
      read('package-lock.json'),
    )
    const missing = Object.entries(packages).flatMap(([owner, { optionalDependencies = {} }]) =>
      Object.entries(optionalDependencies)
        .filter(([name]) => !packages[`node_modules/${name}`] && !packages[`${owner}/node_modules/${name}`])
        .map(([name, version]) => `package-lock.json lacks ${name} ${version}: add it as its siblings are`),
    )
    expect(missing).toEqual([])
  })

  it('has files of at most 300 lines', () => {
    const long = code
      .map((path) => ({ path, lines: read(path).split('\n').length - 1 }))
      .filter(({ lines }) => lines > 300)
      .map(({ path, lines }) => `${path} has ${lines} lines: split it by thing, not by size`)
    expect(long).toEqual([])
  })

  it('has kebab-case file names', () => {
    const odd = code
      .filter((path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.ts$/.test(basename(path)))
      .map((path) => `${path}: name it in kebab-case, a noun for data, a verb for a step`)
    expect(odd).toEqual([])
  })

  it('mentions no path of one machine', () => {
    // In pieces, so that this file passes its own rule.
    const places = new RegExp(`(?<![\\w.])/(${['home', 'Users', 'work', 'farm'].join('|')})/[\\w.]|/${'root'}/`)
    const found = texts.flatMap((path) =>
      read(path)
        .split('\n')
        .flatMap((line, i) => (places.test(line) ? [`${path}:${i + 1}: a path of one machine`] : [])),
    )
    expect(found).toEqual([])
  })
})

describe('the reader of imports', () => {
  it.each([
    { text: "import { a } from './a.ts'", found: [{ to: './a.ts', type: false }] },
    { text: "import type { A } from './a.ts'", found: [{ to: './a.ts', type: true }] },
    { text: "import { type A, type B } from './a.ts'", found: [{ to: './a.ts', type: true }] },
    { text: "import { type A, b } from './a.ts'", found: [{ to: './a.ts', type: false }] },
    { text: "import {\n  a,\n  b,\n} from 'x'", found: [{ to: 'x', type: false }] },
    { text: "import x, { type Y } from 'x'", found: [{ to: 'x', type: false }] },
    { text: "import 'x'", found: [{ to: 'x', type: false }] },
    { text: "export { a } from './a.ts'", found: [{ to: './a.ts', type: false }] },
    { text: "export type { A } from './a.ts'", found: [{ to: './a.ts', type: true }] },
    { text: "  const a = await import('./a.ts')", found: [{ to: './a.ts', type: false }] },
    { text: "export const from = 'x'\nexport function f() {}\nconst t = 'a'", found: [] },
    { text: "/** import { a } from 'b' */", found: [] },
  ])('reads $text', ({ text, found }) => {
    expect(importsOf(text)).toEqual(found)
  })
})

interface Import {
  readonly to: string
  /** only types of it, gone when the program runs */
  readonly type: boolean
}

/** Imports as Biome formats them: a statement begins its line. */
function importsOf(text: string): readonly Import[] {
  const statements = text.matchAll(
    /^(?:import|export)\s+(type\s+)?((?:[\w*$]+,?\s*)?(?:\{[^}]*\})?[^'"{}=();]*?)\s*from\s*'([^']+)'/gm,
  )
  const bare = text.matchAll(/^import\s+'([^']+)'/gm)
  const dynamic = text.matchAll(/\bimport\(\s*'([^']+)'/g)
  return [
    ...[...statements].map(([, type, names, to]) => ({ to: to!, type: type !== undefined || areTypes(names!) })),
    ...[...bare, ...dynamic].map(([, to]) => ({ to: to!, type: false })),
  ]
}

function areTypes(names: string): boolean {
  const inner = /^\{([^}]*)\}$/.exec(names.trim())?.[1]
  return inner?.split(',').every((name) => name.trim() === '' || /^type\s/.test(name.trim())) ?? false
}

function wrongDirections(path: string): readonly string[] {
  const name = roomOf(path)
  const room = ROOMS[name]
  if (!room) return [`${path} is in no room: add its folder to ROOMS and to CONTRIBUTING.md`]
  const own = name === 'adapters' ? `${path.split('/', 2).join('/')}/` : `${name}/`
  return importsOf(read(path)).flatMap(({ to, type }) => {
    if (to.startsWith('node:')) {
      const fine = type || !room.builtins || room.builtins.includes(to)
      return fine
        ? []
        : [`${path} imports ${to}: ${name} is pure; take what you need as an argument, or move the I/O to agent/`]
    }
    if (!to.startsWith('.')) return []
    const target = normalize(join(dirname(path), to))
    const allowed = [...room.ours, ...(type ? (room.types ?? []) : [])]
    if (target.startsWith(own) || allowed.some((rule) => rule.test(target))) return []
    const typesOnly = (room.types ?? []).some((rule) => rule.test(target))
    return [
      typesOnly
        ? `${path} imports ${target}: ${name} may have its types only; write \`import type\`, or move the value to core/`
        : `${path} imports ${target}: ${name} must not know it; move what is shared to core/, or pass it in from agent/`,
    ]
  })
}

function wrongLibraries(path: string): readonly string[] {
  return importsOf(read(path)).flatMap(({ to }) => {
    const folders = LIBRARIES[packageOf(to)]
    return folders && !folders.some((folder) => path.startsWith(folder))
      ? [`${path} imports ${to}: only ${folders.join(', ')} may; go through a function of that folder`]
      : []
  })
}

function roomOf(path: string): string {
  return Object.hasOwn(ROOMS, path) ? path : path.split('/', 1)[0]!
}

function isLibrary(to: string): boolean {
  return !to.startsWith('.') && !to.startsWith('node:')
}

function packageOf(to: string): string {
  return to.split('/', to.startsWith('@') ? 2 : 1).join('/')
}

function skipped(path: string): boolean {
  return /(^|\/)(node_modules|coverage|\.git)$/.test(path)
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}
