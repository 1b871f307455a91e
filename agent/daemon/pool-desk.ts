import type { Withdrawal } from '../../buffer/pool-end-port.ts'
import { Fault } from '../../core/fault.ts'
import { type FaultData, toData } from './worker-port.ts'

/** What became of an order to leave a pool. Fit for JSON. */
export interface Leaving {
  readonly withdrawal: Withdrawal
  /** why the pool has not withdrawn everything yet; it is tried again for as long as it takes */
  readonly fault: FaultData | null
}

/** Where a person leaves a pool and joins it again: the same for a running agent and for its data folder. */
export interface PoolDesk {
  withdraw(pool: string): Promise<Leaving>
  /** false: it was not left. @throws Fault `usage` while the pool owes the withdrawal of a stream */
  join(pool: string): Promise<boolean>
}

/** Answers of a running agent to `remotePools`: `argument` is the JSON of a method's name and a pool. */
export function answerPools(desk: PoolDesk): (argument: string) => Promise<unknown> {
  return async (argument) => {
    const [method, pool] = JSON.parse(argument) as [string, string]
    if (method === 'withdraw') return desk.withdraw(pool)
    if (method === 'join') return desk.join(pool)
    throw new Fault('usage', {}, 'the agent does not know this question about pools')
  }
}

/** The desk of a running agent. @param ask puts a question to it */
export function remotePools(ask: (argument: string) => Promise<unknown>): PoolDesk {
  return {
    withdraw: async (pool) => (await ask(JSON.stringify(['withdraw', pool]))) as Leaving,
    join: async (pool) => (await ask(JSON.stringify(['join', pool]))) as boolean,
  }
}

export function leavingOf(withdrawal: Withdrawal, fault: Fault | null): Leaving {
  return { withdrawal, fault: fault && toData(fault) }
}
