import { PROBLEMS, type ProblemName, problemType } from '../../uplink/problem.ts'

/** An answer before it is written. */
export interface Reply {
  readonly status: number
  readonly contentType?: string
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

export function jsonReply(status: number, value: unknown): Reply {
  return { status, contentType: 'application/json', body: JSON.stringify(value) }
}

/** problem+json (RFC 9457). */
export function problemReply(name: ProblemName, detail: string, headers: Readonly<Record<string, string>> = {}): Reply {
  const { status, title } = PROBLEMS[name]
  const body = JSON.stringify({ type: problemType(name), title, status, detail })
  return { status, contentType: 'application/problem+json', body, headers }
}
