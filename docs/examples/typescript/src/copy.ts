// Many rows at once, by COPY: for a log that is shipped, or for history.

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pool } from 'pg';
import { from } from 'pg-copy-streams';
import { columns, values, type UsageEvent } from './event.ts';

/** A value as COPY's text format has it. */
function field(value: string | number | null): string {
  if (value === null) return '\\N';
  return String(value).replace(/[\\\t\n\r]/g, (c) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' })[c]!);
}

async function* lines(events: Iterable<UsageEvent> | AsyncIterable<UsageEvent>) {
  for await (const event of events) yield values(event).map(field).join('\t') + '\n';
}

/**
 * Streams events into the programme and returns how many. All or none: a repeat
 * (23505) refuses the whole batch, so ship each event in one batch only, or send
 * batches that may repeat through track().
 */
export async function copyEvents(pool: Pool, events: Iterable<UsageEvent> | AsyncIterable<UsageEvent>): Promise<number> {
  const client = await pool.connect();
  try {
    const sink = client.query(from(`copy rewards.usage_logs (${columns.join(', ')}) from stdin`));
    await pipeline(Readable.from(lines(events)), sink);
    return sink.rowCount;
  } finally {
    client.release();
  }
}
