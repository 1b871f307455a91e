import { type CST, Parser } from 'yaml'

/** A character that looks like YAML punctuation but is not, at a character offset of the text. */
export interface Lookalike {
  readonly offset: number
  readonly message: string
  readonly hint: string
}

/** Where a piece of plain (unquoted) text stands. */
interface Place {
  /** true: where a key or list item begins; false: after `key: ` */
  readonly opening: boolean
  /** true: within `{ }` or `[ ]` */
  readonly flow: boolean
}

const SUSPECT = /[\u00a0\u200b\u201c-\u201f\u2018\u2019\u3000\u3001\ufeff\uff02-\uff5e]/

/**
 * Full-width and invisible characters of Korean, Japanese and word-processor keyboards where they break the meaning:
 * in plain text only, since comments and quoted text may hold anything.
 */
export function findLookalikes(text: string): readonly Lookalike[] {
  if (!SUSPECT.test(text)) return []
  return [...plainTexts(new Parser().parse(text), false)].flatMap(({ token, flow }) => inPlainText(text, token, flow))
}

function* plainTexts(
  tokens: Iterable<CST.Token | null | undefined>,
  flow: boolean,
): Generator<{ readonly token: CST.FlowScalar; readonly flow: boolean }> {
  for (const token of tokens) {
    if (token?.type === 'scalar') yield { token, flow }
    else if (token?.type === 'document') yield* plainTexts([token.value], flow)
    else if (token && 'items' in token)
      yield* plainTexts(
        token.items.flatMap((item) => [item.key, item.value]),
        flow || token.type === 'flow-collection',
      )
  }
}

function inPlainText(text: string, token: CST.FlowScalar, flow: boolean): readonly Lookalike[] {
  const before = text.slice(text.lastIndexOf('\n', token.offset - 1) + 1, token.offset)
  const opening = !/:\s+([&!]\S*\s+)*$/.test(before)
  const found: Lookalike[] = []
  let offset = token.offset
  for (const line of token.source.split('\n')) {
    const indent = /^[ \t]*/.exec(line)![0].length
    const hit = inLine(line.slice(indent).replace(/[ \t\r]+$/, ''), { opening, flow })
    if (hit) found.push({ ...hit, offset: offset + indent + hit.offset })
    if (!opening) break // further lines of a value are text
    offset += line.length + 1
  }
  return found
}

function inLine(line: string, { opening, flow }: Place): Lookalike | undefined {
  const at = (m: RegExpExecArray, group: string): number => m.index + m[0].indexOf(group)

  const colon = opening ? /^([\p{L}\p{N}_.-]+)[ \u3000]*：/u.exec(line) : null
  if (colon)
    return {
      offset: at(colon, '：'),
      message: 'full-width colon "："',
      hint: `write an ordinary colon and a space: "${colon[1]}: "`,
    }

  const space = (opening ? /[\u3000\u00a0]/ : /^[\u3000\u00a0]+|[\u3000\u00a0]+($|#|\uff03)/).exec(line)
  if (space)
    return {
      offset: space.index,
      message: space[0].startsWith('\u3000') ? 'full-width space' : 'no-break space (U+00A0)',
      hint: 'write ordinary spaces, or put the text in quotes',
    }

  const invisible = /[\u200b\ufeff]/.exec(line)
  if (invisible)
    return {
      offset: invisible.index,
      message: `invisible character U+${line.codePointAt(invisible.index)!.toString(16).toUpperCase().padStart(4, '0')}`,
      hint: 'delete it, or type the word anew',
    }

  const quote = /^[“”„‟＂‘’＇]/.exec(line)
  if (quote)
    return { offset: 0, message: `quotation mark ${quote[0]} instead of "`, hint: 'write the straight quotes " or \'' }

  const hash = /(?:^|\s)＃/.exec(line)
  if (hash) return { offset: at(hash, '＃'), message: 'full-width number sign "＃"', hint: 'a comment begins with "#"' }

  const bracket = /^[｛｝［］]|[｝］]$/.exec(line)
  if (bracket)
    return {
      offset: bracket.index,
      message: `full-width bracket "${bracket[0]}"`,
      hint: `write "${bracket[0].normalize('NFKC')}"`,
    }

  const comma = flow ? /[，、]/.exec(line) : null
  if (comma) return { offset: comma.index, message: `full-width comma "${comma[0]}"`, hint: 'write "," and a space' }

  const dash = opening ? /^－(?=\s)/.exec(line) : null
  if (dash) return { offset: 0, message: 'full-width hyphen "－"', hint: 'a list entry begins with "- "' }

  const narrow = line.normalize('NFKC').trim()
  const digits = /^[\u0020-\u007e\uff01-\uff5e]+$/.test(line) && /[\uff01-\uff5e]/.exec(line)
  if (digits && /^[-+]?\d[\d.:]*\s?[A-Za-z]*$/.test(narrow))
    return { offset: digits.index, message: 'full-width digits', hint: `write ${narrow}, or put the text in quotes` }
  return undefined
}
