/**
 * Text in EUC-KR with the syllables that code page 949 adds, as Korean devices and Windows write it; undefined where
 * the bytes are none. The platform's decoder knows the pairs of KS X 1001 alone, and takes the lead bytes of all others
 * for control characters.
 */
export function decodeCp949(bytes: Uint8Array): string | undefined {
  let text = ''
  for (let i = 0; i < bytes.length; i++) {
    const lead = bytes[i]!
    if (lead < 0x80) {
      text += String.fromCharCode(lead)
      continue
    }
    const trail = bytes[++i] ?? 0
    const character = lead >= 0xa1 && trail >= 0xa1 ? ksx1001(lead, trail) : added()[addedIndex(lead, trail)]
    if (character === undefined) return undefined
    text += character
  }
  return text
}

const platform = new TextDecoder('euc-kr', { fatal: true })
const PRIVATE_USE = /[\ue000-\uf8ff]/
/** Came to the standard in 1998. */
const LATER: Readonly<Record<number, string>> = { 41702: '€', 41703: '®' }

function ksx1001(lead: number, trail: number): string | undefined {
  try {
    const character = platform.decode(Uint8Array.of(lead, trail))
    return PRIVATE_USE.test(character) ? undefined : character
  } catch {
    return LATER[(lead << 8) | trail]
  }
}

let syllables: readonly string[] | undefined

/** The 8,822 syllables that KS X 1001 lacks, in the order of Unicode, which is that of their code points in the page. */
function added(): readonly string[] {
  if (syllables) return syllables
  const known = new Set<string | undefined>()
  for (let lead = 0xb0; lead <= 0xc8; lead++)
    for (let trail = 0xa1; trail <= 0xfe; trail++) known.add(ksx1001(lead, trail))
  syllables = Array.from({ length: 11_172 }, (_, i) => String.fromCharCode(0xac00 + i)).filter((s) => !known.has(s))
  return syllables
}

/** Place of a pair outside KS X 1001 among the added syllables: 178 trail bytes up to lead 0xA0, 84 from there on. */
function addedIndex(lead: number, trail: number): number {
  const t =
    trail >= 0x41 && trail <= 0x5a
      ? trail - 0x41
      : trail >= 0x61 && trail <= 0x7a
        ? trail - 0x61 + 26
        : trail >= 0x81 && trail <= 0xfe
          ? trail - 0x81 + 52
          : -1
  if (t < 0 || lead < 0x81) return -1
  return lead <= 0xa0 ? (lead - 0x81) * 178 + t : 32 * 178 + (lead - 0xa1) * 84 + t
}
