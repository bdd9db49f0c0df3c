// One row a request, by node-postgres: all that an application must do.

import type { Pool } from 'pg';
import { isRepeat, retrying } from './errors.ts';
import { columns, values, type UsageEvent } from './event.ts';

const insert = {
  name: 'rewards-track', // prepared once a connection
  text: `insert into rewards.usage_logs (${columns.join(', ')})
    values (${columns.map((_, n) => `$${n + 1}`).join(', ')})
    on conflict do nothing`,
};

/**
 * Records an event, once however often it is sent. True when this was the first time.
 * ON CONFLICT has no target, for a partitioned table has no index for one; a repeat of
 * a row in an earlier partition raises 23505, and means the same.
 */
export async function track(pool: Pool, event: UsageEvent): Promise<boolean> {
  try {
    const result = await retrying(() => pool.query({ ...insert, values: values(event) }));
    return result.rowCount === 1;
  } catch (error) {
    if (isRepeat(error)) return false;
    throw error;
  }
}

export interface Call {
  requestId: string;
  userId: string;
  model?: string;
}

export interface Answer {
  statusCode: number;
  providerId?: string;
  inputTokens?: number;
  outputTokens?: number;
}

/**
 * Wraps a handler so that each request is recorded with its outcome and latency.
 * What fails is recorded as a failure and earns nothing. The answer never waits for a
 * lock of the programme, nor fails because of it: `report` gets what went wrong.
 */
export function withUsageTracking<C extends Call, A extends Answer>(
  pool: Pool, endpoint: string, handler: (call: C) => Promise<A>, report: (error: unknown) => void,
): (call: C) => Promise<A> {
  return async (call) => {
    const begun = performance.now();
    const record = (answer: Answer) =>
      track(pool, {
        requestId: call.requestId, userId: call.userId, model: call.model, endpoint,
        providerId: answer.providerId, statusCode: answer.statusCode,
        inputTokens: answer.inputTokens, outputTokens: answer.outputTokens,
        latencyMs: Math.round(performance.now() - begun),
      }).catch(report);

    try {
      const answer = await handler(call);
      await record(answer);
      return answer;
    } catch (error) {
      await record({ statusCode: 500 });
      throw error;
    }
  };
}
