import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { drizzle } from 'drizzle-orm/node-postgres';
import { codeOf } from '../src/errors.ts';
import { pointsByMonth, topUsers, track, usageLogs } from '../src/orm.ts';
import { app, ask, end } from './world.ts';

const db = drizzle(app);

after(end);

test('events, once each', async () => {
  assert.equal(await track(db, { requestId: 'orm-1', userId: 'hal', endpoint: '/v1/tts' }), true);
  assert.equal(await track(db, { requestId: 'orm-1', userId: 'hal', endpoint: '/v1/tts' }), false);
  assert.equal(await ask("select count(*) from rewards.usage_logs where user_id = 'hal'"), '1');
});

test('in a transaction with what it belongs to, or not at all', async () => {
  await assert.rejects(db.transaction(async (tx) => {
    await tx.insert(usageLogs).values({ userId: 'ida', endpoint: '/v1/tts', statusCode: 200, inputTokens: 0, outputTokens: 0 });
    throw new Error('changed my mind');
  }), /changed my mind/);
  assert.equal(await ask("select count(*) from rewards.usage_logs where user_id = 'ida'"), '0');
  await assert.rejects(db.insert(usageLogs).values({ userId: 'ida', endpoint: '/v1/tts', statusCode: 200, inputTokens: -1, outputTokens: 0 }),
    (error) => codeOf(error) === '23514');
});

test('months and the board', async () => {
  const [month] = await pointsByMonth(db, 'hal');
  assert.equal(month.totalPoints, await ask("select total_points from rewards.user_points where user_id = 'hal'"));
  const places = await topUsers(db, 1000);
  assert.ok(places.some((place) => place.account === 'hal'));
});
