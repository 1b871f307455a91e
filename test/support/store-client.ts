import type { StoreClient } from '../../agent/daemon/store-client.ts'
import { METHODS, type Method } from '../../agent/daemon/worker-port.ts'

/** A store of which only `parts` may be asked; anything else is a bug of the test or of what it tests. */
export function makeStoreClient(parts: Partial<StoreClient>): StoreClient {
  const absent = (name: Method) => async (): Promise<never> => {
    throw new TypeError(`the test has no ${name}`)
  }
  return {
    ...(Object.fromEntries(METHODS.map((name) => [name, absent(name)])) as {
      readonly [M in Method]: ReturnType<typeof absent>
    }),
    [Symbol.asyncDispose]: async () => undefined,
    ...parts,
  }
}
