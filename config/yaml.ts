import {
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
  type Document as YamlTree,
} from 'yaml'
import { decodeText } from './bytes.ts'
import { findLookalikes } from './lookalike.ts'
import { type KeyProblem, type LocatedProblem, sortProblems } from './problem.ts'

type Path = readonly (string | number)[]

/** A YAML file that could be read, with the place of everything in it. */
export interface Document {
  readonly file: string
  /** the content as plain data; keys are always text */
  readonly value: unknown
  /** A scalar as it was written, such as `040101`; undefined where there is none. */
  written(path: Path): string | undefined
  /** Gives problems their places; the texts at `secrets` (inline passwords) are blotted out in the shown lines. */
  locate(problems: readonly KeyProblem[], secrets?: readonly Path[]): readonly LocatedProblem[]
}

/** A file as far as it could be read: without a document its problems say why. */
export interface ReadYaml {
  readonly document: Document | undefined
  readonly problems: readonly LocatedProblem[]
}

/**
 * Reads a YAML 1.2 (core schema) document. Keys that are written twice, also in different Unicode normal forms, are
 * problems; so are characters that only look like YAML's.
 * @param file name of the file for messages
 */
export function readYaml(bytes: Uint8Array, file: string): ReadYaml {
  const decoded = decodeText(bytes, file)
  if ('problem' in decoded) return { document: undefined, problems: [{ file, path: '', ...decoded.problem }] }
  const { text } = decoded
  const counter = new LineCounter()
  const tree = parseDocument(text, {
    lineCounter: counter,
    stringKeys: true,
    uniqueKeys: false, // found below, with the place of the first
    prettyErrors: false,
    logLevel: 'error',
  })
  // Without a schema only the names of keys tell what is secret.
  const place = makePlace(
    file,
    text.replace(LIKELY_SECRET, (_, key, value) => key + '*'.repeat(value.length)),
    counter,
  )

  const lookalikes = findLookalikes(text)
  const syntax = lookalikes.length > 0 ? lookalikes : syntaxProblems(text, tree.errors)
  if (syntax.length > 0) return { document: undefined, problems: sortProblems(syntax.map((s) => place(s.offset, s))) }

  const aliases = text.includes('*') ? aliasProblems(tree) : []
  if (aliases.length > 0) return { document: undefined, problems: sortProblems(aliases.map((s) => place(s.offset, s))) }

  const doubles = doubledKeys(tree, (offset) => counter.linePos(offset).line)
  const document: Document = {
    file,
    value: tree.toJS({ maxAliasCount: -1 }),
    written: (path) => {
      const { node } = find(tree, path)
      return isScalar(node) ? node.source : undefined
    },
    locate: (problems, secrets = []) => {
      const shown = makePlace(file, blot(text, tree, secrets), counter)
      return sortProblems(problems.map((p) => shown(offsetOf(tree, p), p, p.path.join('.'))))
    },
  }
  return { document, problems: sortProblems(doubles.map((d) => place(d.offset, d, d.path))) }
}

const LIKELY_SECRET = /((?:password|passwd|secret|token|key)["']?[ \t]*[:：][ \t　]*)([^\s{#&*|>][^,}\n#]*)/gi

interface Finding {
  readonly offset: number
  readonly message: string
  readonly hint?: string | undefined
}

type Place = (
  offset: number,
  what: { readonly message: string; readonly hint?: string | undefined },
  path?: string,
) => LocatedProblem

function makePlace(file: string, text: string, counter: LineCounter): Place {
  return (offset, { message, hint }, path = '') => {
    const { line, col } = counter.linePos(Math.min(offset, text.length))
    const start = counter.lineStarts[line - 1] ?? 0
    const end = text.indexOf('\n', start)
    const source = text.slice(start, end < 0 ? text.length : end).replace(/\r$/, '')
    return {
      file,
      line,
      column: [...source.slice(0, col - 1)].length + 1,
      path,
      message,
      hint: hint ?? null,
      source: source.replace(/(\/\/)[^\s/@]+@/g, '$1…@'),
    }
  }
}

/** Walks as far along the path as the tree goes. */
function find(
  tree: YamlTree,
  path: Path,
): { readonly node: Node | null; readonly key: Node | null; readonly rest: number } {
  let node = resolve(tree, tree.contents)
  let key: Node | null = null
  for (const [i, step] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((p) => sameKey(p.key, step))
      if (!pair) return { node, key, rest: path.length - i }
      key = pair.key as Node
      node = resolve(tree, pair.value as Node | null)
    } else if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      key = null
      node = resolve(tree, node.items[step] as Node | null)
    } else return { node, key, rest: path.length - i }
  }
  return { node, key, rest: 0 }
}

function resolve(tree: YamlTree, node: Node | null): Node | null {
  return isAlias(node) ? (node.resolve(tree) ?? null) : node
}

function sameKey(key: unknown, step: string | number): boolean {
  return isScalar(key) && String(key.value).normalize('NFC') === String(step).normalize('NFC')
}

/** A scalar's own place; for a mapping or list, and for what is empty or missing, the key that names it. */
function offsetOf(tree: YamlTree, { path, at }: KeyProblem): number {
  const { node, key } = find(tree, path)
  const own = isScalar(node) && node.source !== '' && at !== 'key' ? node : (key ?? node)
  return own?.range?.[0] ?? 0
}

function blot(text: string, tree: YamlTree, secrets: readonly Path[]): string {
  let out = text
  for (const path of secrets) {
    const { node, rest } = find(tree, path)
    if (rest > 0 || !isScalar(node) || !node.range) continue
    const [start, end] = node.range
    out = out.slice(0, start) + out.slice(start, end).replace(/[^\n]/g, '*') + out.slice(end)
  }
  return out
}

function doubledKeys(
  tree: YamlTree,
  lineOf: (offset: number) => number,
): readonly (Finding & { readonly path: string })[] {
  const found: (Finding & { readonly path: string })[] = []
  visit(tree, {
    Map: (_key, map, ancestors) => {
      const first = new Map<string, { readonly text: string; readonly offset: number }>()
      for (const { key } of map.items) {
        if (!isScalar(key)) continue
        const text = String(key.value)
        const offset = key.range?.[0] ?? 0
        const before = first.get(text.normalize('NFC'))
        if (!before) first.set(text.normalize('NFC'), { text, offset })
        else
          found.push({
            offset,
            path: [...namesOf(ancestors), text].join('.'),
            message: `"${text}" is written twice, first in line ${lineOf(before.offset)}`,
            hint:
              before.text === text
                ? 'keep one of the two'
                : 'they differ only in how the characters are composed (Unicode NFC and NFD): rename one',
          })
      }
    },
  })
  return found
}

function namesOf(ancestors: readonly unknown[]): readonly string[] {
  return ancestors.flatMap((a) => (isPairLike(a) && isScalar(a.key) ? [String(a.key.value)] : []))
}

function isPairLike(a: unknown): a is { readonly key: unknown } {
  return typeof a === 'object' && a !== null && 'key' in a
}

function aliasProblems(tree: YamlTree): readonly Finding[] {
  const found: Finding[] = []
  visit(tree, {
    Alias: (_key, alias, ancestors) => {
      const offset = alias.range?.[0] ?? 0
      const target = alias.resolve(tree)
      if (!target)
        found.push({
          offset,
          message: `"*${alias.source}" refers to nothing`,
          hint: `put &${alias.source} before it, at what it repeats`,
        })
      else if (ancestors.includes(target))
        found.push({ offset, message: `"*${alias.source}" contains itself`, hint: 'write the value out' })
    },
  })
  return found
}

/** The library's codes in the operator's words; codes that hardly occur keep the library's. */
const WORDS: { readonly [C in ErrorCode]?: readonly [message: string, hint: string] } = {
  BAD_INDENT: [
    'the indentation does not fit the lines around it',
    'align the keys of one mapping; close every { and [',
  ],
  MULTILINE_IMPLICIT_KEY: ['a key without ": "', 'write `key: value`, with a space after the colon'],
  BLOCK_AS_IMPLICIT_KEY: [
    'a second ": " in one line, or a line that is indented too far',
    'align the keys of one mapping; put a value that contains ": " in quotes',
  ],
  BAD_SCALAR_START: ['text cannot begin with this character', 'put the text in quotes'],
  MULTIPLE_DOCS: ['a second document begins', 'keep one document in the file: remove "---"'],
  UNEXPECTED_TOKEN: ['this does not belong here', 'align it with the line above, or put the text in quotes'],
  BAD_COLLECTION_TYPE: ['a mapping and a list at the same place', 'write either `key: value` lines or `- ` lines'],
  MISSING_CHAR: [
    'something is missing here',
    'write `key: value` with a space after the colon; a list entry begins with "- "; align the keys of one mapping',
  ],
  BAD_DQ_ESCAPE: ['unknown escape in double quotes', 'write "\\\\" for a backslash, or use single quotes'],
  NON_STRING_KEY: ['a key must be plain text', 'write `key: value`'],
}

function syntaxProblems(text: string, errors: readonly YAMLError[]): readonly Finding[] {
  const found: Finding[] = []
  const lines = new Set<number>()
  for (const error of errors) {
    const start = text.lastIndexOf('\n', error.pos[0] - 1) + 1
    // One slip makes several errors: the first of a line says it, and loose ends after another error say nothing.
    if (lines.has(start) || (found.length > 0 && error.code === 'UNEXPECTED_TOKEN')) continue
    lines.add(start)
    found.push(explain(text, error, start))
  }
  // The parser stops at the first tab, people who use tabs do not.
  return found.some((f) => f.message === TAB.message) ? tabs(text) : found
}

const TAB = { message: 'a tab in the indentation', hint: 'indent with spaces' }

function tabs(text: string): readonly Finding[] {
  return [...text.matchAll(/^ *\t(?=[ \t]*[^ \t\r\n])/gm)].map((m) => ({ offset: m.index + m[0].length - 1, ...TAB }))
}

function explain(text: string, error: YAMLError, start: number): Finding {
  const end = text.indexOf('\n', start)
  const line = text.slice(start, end < 0 ? text.length : end)
  const tab = /^ *\t/.exec(line)
  if (tab || error.code === 'TAB_AS_INDENT') return { offset: tab ? start + tab[0].length - 1 : error.pos[0], ...TAB }
  const glued = /^\s*(?:- )?([\w.-]+):([^\s:/]\S*)/.exec(line)
  if (glued && error.code === 'MULTILINE_IMPLICIT_KEY')
    return {
      offset: start + line.indexOf(':'),
      message: 'no space after ":"',
      hint: `write "${glued[1]}: ${glued[2]}"`,
    }
  const quote = /^Missing closing (["'])/.exec(error.message)?.[1]
  if (quote !== undefined)
    return {
      offset: text.lastIndexOf(quote, error.pos[0] - 1),
      message: `the quotes that begin here are not closed`,
      hint: `write a second ${quote} at the end of the text`,
    }
  const close = /^Flow \w+ in block.*([}\]])$/.exec(error.message)?.[1]
  if (close !== undefined) {
    const open = close === '}' ? '{' : '['
    return {
      offset: text.lastIndexOf(open, error.pos[0] - 1),
      message: `what ${open} begins here is not closed, or its lines are not indented`,
      hint: `write ${close} at the end, and indent the lines in between`,
    }
  }
  const [message, hint] = WORDS[error.code] ?? [error.message, undefined]
  return { offset: error.pos[0], message, hint }
}
