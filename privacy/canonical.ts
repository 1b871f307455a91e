/**
 * The form of a name that pseudonyms are made from: NFKC, trimmed, upper case, so that `Ｌｉｎｅ１`, `line1` and
 * decomposed Hangul or half-width kana name the same thing on every gateway (PRIVACY.md, Pseudonyms).
 */
export function canonicalName(name: string): string {
  // Upper-casing can leave NFKC (such as from U+0390), so the form is taken again.
  return name.normalize('NFKC').trim().toUpperCase().normalize('NFKC')
}
