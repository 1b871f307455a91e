/** `SLCE`: tells our files from other SQLite files (PRAGMA application_id). */
export const APPLICATION_ID = 0x534c4345

/**
 * Forward-only: entry i brings user_version i to i + 1; an entry that was released is never changed.
 * One chunk row a commit and no index on it: every page that a commit touches is flash worn (README, "Wear").
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE boot (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE feed (id INTEGER PRIMARY KEY, source TEXT NOT NULL, asset TEXT NOT NULL, UNIQUE (source, asset)) STRICT;
  CREATE TABLE signal (id INTEGER PRIMARY KEY, spec TEXT NOT NULL UNIQUE) STRICT;

  -- positions are contiguous: rows are only added at the end and deleted from the front
  CREATE TABLE chunk (
    position INTEGER PRIMARY KEY, seq INTEGER NOT NULL, n INTEGER NOT NULL,
    arrival REAL NOT NULL, monotonic REAL NOT NULL, boot INTEGER NOT NULL, sane INTEGER NOT NULL,
    t0 REAL, t1 REAL, crc INTEGER NOT NULL, data BLOB NOT NULL
  ) STRICT;
  -- sums over 256 positions from this one on, so that a status does not read the whole log
  CREATE TABLE tally (position INTEGER PRIMARY KEY, n INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
  -- sequences whose readings are gone by damage, accounted when found
  CREATE TABLE hole (seq INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;

  CREATE TABLE mark (
    session TEXT NOT NULL, packet_id INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (session, packet_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE pool (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, start_seq INTEGER NOT NULL, raw_seq INTEGER NOT NULL,
    sealed_until TEXT NOT NULL, since REAL NOT NULL,
    sealed INTEGER NOT NULL DEFAULT 0, delivered_at REAL,
    pruned_delivered INTEGER NOT NULL DEFAULT 0, pruned_dropped INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE sequence (
    pool INTEGER NOT NULL, dataset TEXT NOT NULL, epoch INTEGER NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (pool, dataset, epoch)
  ) STRICT, WITHOUT ROWID;
  -- signal -1: damage hides which it was
  CREATE TABLE ledger (
    pool INTEGER NOT NULL, signal INTEGER NOT NULL, account TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (pool, signal, account, reason)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE batch (
    id INTEGER PRIMARY KEY, batch_id TEXT NOT NULL UNIQUE, pool INTEGER NOT NULL, dataset TEXT NOT NULL,
    stream TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, rows INTEGER NOT NULL,
    from_ms REAL NOT NULL, until_ms REAL NOT NULL, sha256 TEXT NOT NULL, signature TEXT NOT NULL, key TEXT NOT NULL,
    size INTEGER NOT NULL, sealed_at REAL NOT NULL, state TEXT NOT NULL, settled_at REAL,
    reason TEXT, message TEXT, receipt TEXT, bytes BLOB
  ) STRICT;
  CREATE INDEX batch_queued ON batch (pool, id) WHERE state = 'queued';
  CREATE INDEX batch_settled ON batch (settled_at) WHERE state IN ('delivered', 'dropped');

  CREATE TABLE outage (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, device TEXT, signal TEXT, reason TEXT NOT NULL,
    from_ms REAL NOT NULL, until_ms REAL
  ) STRICT;
  CREATE INDEX outage_open ON outage (source) WHERE until_ms IS NULL;
  CREATE INDEX outage_ended ON outage (until_ms) WHERE until_ms IS NOT NULL;
  CREATE TABLE count (
    source TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (source, kind, reason)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE alarm (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL,
    since REAL NOT NULL, until REAL, count INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX alarm_open ON alarm (key, code) WHERE until IS NULL;
  `,
  `
  CREATE TABLE memo (source TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (source, key))
    STRICT, WITHOUT ROWID;
  `,
  `
  -- a pool that is not configured: its accounts end here, and since when, once a trusted clock could say
  ALTER TABLE pool ADD COLUMN end_seq INTEGER;
  ALTER TABLE pool ADD COLUMN retired_at REAL;
  `,
  `
  -- how often a batch was sent in vain; reason and message of a queued one are what came of the last time
  ALTER TABLE batch ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
  -- dropped batches whose rows are gone, by reason
  CREATE TABLE dropped (pool INTEGER NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (pool, reason))
    STRICT, WITHOUT ROWID;
  INSERT INTO dropped SELECT id, 'unknown', pruned_dropped FROM pool WHERE pruned_dropped > 0;
  ALTER TABLE pool DROP COLUMN pruned_dropped;
  -- bytes sent to a pool on a calendar day
  CREATE TABLE sent (pool INTEGER NOT NULL, day TEXT NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (pool, day))
    STRICT, WITHOUT ROWID;
  `,
  `
  -- wall minus monotonic time as it was trusted last in a boot that lost trust once
  ALTER TABLE boot ADD COLUMN wall REAL;
  -- empty while the clock is trusted, so that a commit does not touch it
  CREATE INDEX chunk_untrusted ON chunk (boot, position) WHERE sane = 0;
  -- set while the beginning of the pool's stream is not known: it began with the first trusted block from here on
  ALTER TABLE pool ADD COLUMN since_position INTEGER;
  `,
  `
  -- what the publisher must know of what lies before the cursor, and of the policy it last published by
  ALTER TABLE pool ADD COLUMN memory TEXT;
  ALTER TABLE pool ADD COLUMN policy TEXT;
  `,
  `
  -- the pool is told of a batch that was dropped; '': sealed before this was kept, so that it cannot be told
  ALTER TABLE batch ADD COLUMN contributor TEXT NOT NULL DEFAULT '';
  ALTER TABLE batch ADD COLUMN buried_at REAL;
  CREATE INDEX batch_owed ON batch (pool) WHERE state = 'dropped' AND buried_at IS NULL AND contributor <> '';
  `,
  `
  -- the transparency log: leaves as RFC 8785 JSON, each with the hash of the one before; and what was signed of it
  CREATE TABLE audit (n INTEGER PRIMARY KEY, leaf TEXT NOT NULL) STRICT;
  CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
  -- the last thing that the log says of the pool's gate
  ALTER TABLE pool ADD COLUMN gate TEXT;
  `,
  `
  -- every stream that batches were sealed in, with the numbers of the first and last, and the pool's word that it is withdrawn
  CREATE TABLE stream (
    pool INTEGER NOT NULL, dataset TEXT NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL, contributor TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, receipt TEXT, PRIMARY KEY (pool, dataset, stream, epoch)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO stream SELECT pool, dataset, stream, epoch, max(contributor), min(seq), max(seq), NULL FROM batch
    WHERE contributor <> '' GROUP BY pool, dataset, stream, epoch;
  -- since when the plant has left the pool, and how often it joined it again
  ALTER TABLE pool ADD COLUMN withdrawn_at REAL;
  ALTER TABLE pool ADD COLUMN joins INTEGER;
  `,
  `
  -- noise: millionths of ε that windows of a signal were charged with; whole from counted_from on, always where that is null
  CREATE TABLE charge (
    pool INTEGER NOT NULL, start REAL NOT NULL, signal TEXT NOT NULL, micro INTEGER NOT NULL, PRIMARY KEY (pool, start, signal)
  ) STRICT, WITHOUT ROWID;
  ALTER TABLE pool ADD COLUMN counted_from REAL;
  `,
]
