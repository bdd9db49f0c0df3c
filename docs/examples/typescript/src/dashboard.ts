// What pages show. Answers in JSON come as they are from the database.

import type { Pool, PoolClient } from 'pg';

async function one<T>(pool: Pool | PoolClient, text: string, parameters: unknown[]): Promise<T> {
  const { rows } = await pool.query(text, parameters);
  return rows[0] as T;
}

export interface ProviderEarnings {
  providerId: string;
  totalPoints: number;
  today: number;
  thisMonth: number;
  requests: number;
  streak: number;
  multiplier: number;
  rank: number | null;
  history: { day: string; points: number }[];
}

export async function providerEarnings(pool: Pool, id: string, days = 30): Promise<ProviderEarnings> {
  const { earnings } = await one<{ earnings: ProviderEarnings }>(pool, 'select rewards.provider_earnings($1, $2) as earnings', [id, days]);
  return earnings;
}

export interface Place {
  rank: string; // bigint and numeric come as text, for they may be more than a number holds
  kind: 'user' | 'provider';
  account: string;
  points: string;
}

export async function leaderboard(pool: Pool, board: 'provider' | 'user' | 'creator' | 'referrer', month: string | null = null, n = 10): Promise<Place[]> {
  const { rows } = await pool.query('select * from rewards.leaderboard_top($1, $2::text, $3)', [board, month, n]);
  return rows;
}

/**
 * Runs queries that see one user's own figures and nobody else's, whatever they ask
 * for. The pool's role must have access "member" without an account of its own; the
 * parameter lasts until the transaction ends, so it is right behind a pooler, too.
 */
export async function asMember<T>(pool: Pool, userId: string, run: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin read only');
    await client.query("select set_config('rewards.account', $1, true)", [`user:${userId}`]);
    const result = await run(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

export async function ownBalance(pool: Pool, userId: string): Promise<{ earned: string; available: string }> {
  return asMember(pool, userId, (client) =>
    one(client, 'select b.earned, b.available from rewards.me() m, rewards.balance(m.account, m.kind) b', []));
}
