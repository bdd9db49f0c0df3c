// The same with an ORM, Drizzle: tables and views as it sees them.

import { and, desc, eq, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { bigint, date, integer, numeric, pgSchema, text } from 'drizzle-orm/pg-core';
import { isRepeat } from './errors.ts';
import type { UsageEvent } from './event.ts';

const rewards = pgSchema('rewards');

// Only what an application writes, and of what is computed only what it reads: an
// INSERT that names other columns is refused (42501), and an ORM names all it knows of
// unless they are generated.
export const usageLogs = rewards.table('usage_logs', {
  requestId: text('request_id'),
  userId: text('user_id').notNull(),
  providerId: text('provider_id'),
  endpoint: text('endpoint').notNull(),
  model: text('model'),
  statusCode: integer('status_code').notNull(),
  inputTokens: integer('input_tokens').notNull(),
  outputTokens: integer('output_tokens').notNull(),
  latencyMs: integer('latency_ms'),
});

export const userPoints = rewards.view('user_points', {
  userId: text('user_id').notNull(),
  month: date('month').notNull(),
  totalPoints: numeric('total_points').notNull(),
}).existing();

export const leaderboard = rewards.view('leaderboard', {
  board: text('board').notNull(),
  month: date('month'),
  rank: bigint('rank', { mode: 'number' }).notNull(),
  kind: text('kind').notNull(),
  account: text('account').notNull(),
  points: numeric('points').notNull(),
}).existing();

/** Records an event; true when it was the first time. */
export async function track(db: NodePgDatabase, event: UsageEvent): Promise<boolean> {
  try {
    const result = await db.insert(usageLogs).values({ statusCode: 200, inputTokens: 0, outputTokens: 0, ...event }).onConflictDoNothing();
    return result.rowCount === 1;
  } catch (error) {
    if (isRepeat(error)) return false;
    throw error;
  }
}

/** A user's points by month, the newest first. */
export async function pointsByMonth(db: NodePgDatabase, userId: string) {
  return db.select().from(userPoints).where(eq(userPoints.userId, userId)).orderBy(desc(userPoints.month));
}

/** The first users of the month. */
export async function topUsers(db: NodePgDatabase, n = 10) {
  return db.select().from(leaderboard)
    .where(and(eq(leaderboard.board, 'user'), eq(leaderboard.month, sql`rewards.month(to_char(rewards.today(), 'YYYY-MM'))`)))
    .orderBy(leaderboard.rank, leaderboard.account).limit(n);
}
