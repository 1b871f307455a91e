import { z } from 'zod'
import { byteSize, duration } from '../core/option.ts'

/** What happens to pending readings when `max_size` is reached, or the disk has no more than `min_free` left. */
export const WHEN_FULL = ['drop_oldest', 'thin_oldest', 'pause'] as const
export type WhenFull = (typeof WHEN_FULL)[number]

/** The `buffer` section. It may be absent: every option has a default. */
export const bufferSchema = z
  .strictObject({
    flush: duration({ min: '10ms', max: '1m' })
      .default(1_000)
      .describe(
        'longest time polled readings wait for a commit; each commit costs about 9 KB of flash, so longer spares it',
      ),
    max_size: byteSize({ min: '16MB' }).default(2e9).describe('size the database file may reach'),
    min_free: byteSize()
      .default(256e6)
      .describe(
        'room on the disk that is left to others: with less of it the database does not grow (beyond 16MB) and gives way as at max_size',
      ),
    max_age: duration({ min: '1m' })
      .default(2_592_000_000)
      .describe('pending readings older than this are given up and counted as evicted'),
    when_full: z
      .enum(WHEN_FULL)
      .default('drop_oldest')
      .describe(
        'what gives way at max_size once no published readings are left to delete; thin_oldest keeps every 2nd, then every 4th … 64th pending reading before it drops any; pause refuses new readings: MQTT stays unacknowledged, polling rests and is recorded as an outage',
      ),
    keep_raw: duration()
      .default(86_400_000)
      .describe('how long raw readings stay after publishing; preview and the attack bench read them'),
    max_sealed_ahead: duration({ min: '1m' })
      .default(21_600_000)
      .describe('span of slots a dataset may lie sealed and undelivered; a longer backlog stays raw and small'),
  })
  .prefault({})

export type BufferOptions = z.infer<typeof bufferSchema>
