/** HTML that is safe to put into a page. */
export interface Html {
  readonly html: string
}

type Part = Html | string | number | null | readonly Part[]

/**
 * HTML with parts filled in, in the place of texts and of quoted attributes: whatever is not HTML already is escaped, for
 * names come from devices, brokers and other companies.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: strings.map((text, i) => text + (i < parts.length ? textOf(parts[i]!) : '')).join('') }
}

/** Data for a script: no text in it can end its element. */
export function jsonScript(id: string, data: unknown): Html {
  const text = JSON.stringify(data).replaceAll('<', '\\u003c')
  return { html: `<script type="application/json" id="${id}">${text}</script>` }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function textOf(part: Part): string {
  if (part === null) return ''
  if (typeof part === 'object') return 'html' in part ? part.html : part.map(textOf).join('')
  return String(part).replace(/[&<>"']/g, (char) => ESCAPES[char]!)
}
