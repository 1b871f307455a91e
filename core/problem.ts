/** One thing wrong with a configuration value, before a file and line are known. */
export interface Problem {
  /** keys and indexes from the root of the document to the value (or to the mapping that lacks a key) */
  readonly path: readonly (string | number)[]
  /** what is wrong, in the operator's words */
  readonly message: string
  /** what to write instead */
  readonly hint?: string
}
