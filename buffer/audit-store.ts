import { canonicalJson } from '../core/encoding.ts'
import type { AuditStore } from './audit-port.ts'
import type { Tables } from './tables.ts'

/** The calls of a store about its transparency log. @param use runs a call on the open tables */
export function makeAuditStore(use: <T>(act: (tables: Tables) => T) => T): AuditStore {
  const change = (act: (tables: Tables) => void): void => use((t) => t.db.transaction(() => act(t))())
  return {
    noteGate(event, at) {
      change(({ pools, audit }) => {
        const row = pools.find(event.pool)
        const text = canonicalJson(event)
        if (!row || row.gate === text) return
        pools.setGate(row.id, text)
        audit.append(event, at)
      })
    },
    record(event, at) {
      change(({ audit }) => audit.append(event, at))
    },
    addCheckpoint(size, text) {
      change(({ audit }) => audit.addCheckpoint(size, text))
    },
  }
}
