const SPACE = /[ \t\n\r]*/y
const TOKEN =
  /"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy

/**
 * Where a text stops being JSON (RFC 8259), or undefined where it is JSON. The engine's own message gives the place only
 * sometimes, and quotes the payload. The place is the start of the token that is wrong.
 */
export function jsonErrorAt(text: string): number | undefined {
  const open: ('{' | '[')[] = []
  let at = 0
  /** what may come: a value, or what follows one */
  let wants: 'value' | 'value or ]' | 'key' | 'key or }' | 'next' = 'value'

  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (!found) return false
    at = pattern.lastIndex
    return true
  }

  for (;;) {
    skip(SPACE)
    const c = text[at]
    if (wants === 'next' && open.length === 0) return at === text.length ? undefined : at
    if (c === undefined) return at
    if (wants === 'key' || wants === 'key or }') {
      if (c === '}' && wants === 'key or }') {
        open.pop()
        at++
        wants = 'next'
        continue
      }
      if (c !== '"' || !skip(TOKEN)) return at
      skip(SPACE)
      if (text[at] !== ':') return at
      at++
      wants = 'value'
    } else if (wants === 'next') {
      const inside = open.at(-1)
      if (c === ',') wants = inside === '{' ? 'key' : 'value'
      else if (c === (inside === '{' ? '}' : ']')) open.pop()
      else return at
      at++
    } else if (c === '{' || c === '[') {
      open.push(c)
      at++
      wants = c === '{' ? 'key or }' : 'value or ]'
    } else if (c === ']' && wants === 'value or ]') {
      open.pop()
      at++
      wants = 'next'
    } else if (skip(TOKEN)) wants = 'next'
    else return at
  }
}
