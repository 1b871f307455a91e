/**
 * Structured log port; pino's loggers satisfy it.
 * error = data lost or a person must act; warn = recovered; info = state changed; debug = per batch.
 * Fields and messages never contain a reading's value or a secret.
 */
export interface Log {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
  debug(fields: object, message: string): void
}

const drop = (): void => undefined

/** Drops everything; for pure callers and tests. */
export const silentLog: Log = { error: drop, warn: drop, info: drop, debug: drop }
