import { type Audit, makeAudit } from './audit.ts'
import { type Boots, makeBoots } from './boots.ts'
import { type Charges, makeCharges } from './charges.ts'
import type { Db } from './database.ts'
import { type Dictionary, makeDictionary } from './dictionary.ts'
import { type Journal, makeJournal } from './journal.ts'
import { type Meta, makeMeta } from './meta.ts'
import { makeOutbox, type Outbox } from './outbox.ts'
import { makePools, type Pools } from './pools.ts'
import { makeRawLog, type RawLog } from './raw-log.ts'
import { makeStreams, type Streams } from './sealed-streams.ts'
import { makeTriage, type Triage } from './triage.ts'

/** Everything that lies in one open file. */
export interface Tables {
  readonly db: Db
  readonly meta: Meta
  readonly dictionary: Dictionary
  readonly boots: Boots
  readonly log: RawLog
  readonly pools: Pools
  readonly outbox: Outbox
  readonly triage: Triage
  readonly streams: Streams
  readonly journal: Journal
  readonly audit: Audit
  readonly charges: Charges
}

/**
 * @param max_size bytes that the file may reach; only whoever writes needs it
 * @param boot the machine's boot; only whoever reads blocks needs it
 */
export function makeTables(db: Db, max_size = 0, boot = ''): Tables {
  const meta = makeMeta(db)
  const dictionary = makeDictionary(db)
  const boots = makeBoots(db, dictionary, boot)
  const audit = makeAudit(db)
  return {
    db,
    meta,
    dictionary,
    boots,
    log: makeRawLog(db, dictionary, boots, meta),
    pools: makePools(db),
    outbox: makeOutbox(db, audit),
    triage: makeTriage(db, audit),
    streams: makeStreams(db),
    journal: makeJournal(db, max_size),
    audit,
    charges: makeCharges(db),
  }
}
