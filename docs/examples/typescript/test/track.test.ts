import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { copyEvents } from '../src/copy.ts';
import { codeOf, refusal } from '../src/errors.ts';
import type { UsageEvent } from '../src/event.ts';
import { track, withUsageTracking } from '../src/track.ts';
import { app, ask, end } from './world.ts';

after(end);

const event = (requestId: string, userId: string): UsageEvent => ({
  requestId, userId, providerId: `gpu of ${userId}`, endpoint: '/v1/chat/completions', model: 'llama-3-8b', inputTokens: 150, outputTokens: 75, latencyMs: 250,
});
const count = (userId: string) => ask<string>('select count(*) from rewards.usage_logs where user_id = $1', userId);
const points = (userId: string) => ask<string>("select total_points from rewards.account_summary($1, 'user', 'all')", userId);

test('an event counts once, however often and from wherever it comes', async () => {
  const sent = await Promise.all(Array.from({ length: 20 }, () => track(app, event('once', 'ann'))));
  assert.equal(sent.filter(Boolean).length, 1);
  assert.equal(await track(app, event('once', 'ann')), false);
  assert.equal(await count('ann'), '1');
  assert.equal(await points('ann'), await ask('select user_points from rewards.usage_logs where user_id = $1', 'ann'));
  assert.ok(Number(await points('ann')) > 0);
});

test('many at a time: every one is there', async () => {
  const sent = await Promise.all(Array.from({ length: 200 }, (_, n) => track(app, event(`many-${n % 150}`, 'bob'))));
  assert.equal(sent.filter(Boolean).length, 150);
  assert.equal(await count('bob'), '150');
});

test('a handler is recorded with what came of it, and never fails because of it', async () => {
  const problems: unknown[] = [];
  const chat = withUsageTracking(app, '/v1/chat/completions', async (call: { requestId: string; userId: string; model?: string; fail?: boolean }) => {
    if (call.fail) throw new Error('no provider');
    return { statusCode: 200, providerId: 'gpu', inputTokens: 10, outputTokens: 20 };
  }, (error) => problems.push(error));

  assert.equal((await chat({ requestId: 'h-1', userId: 'cat', model: 'llama-3-8b' })).statusCode, 200);
  await assert.rejects(chat({ requestId: 'h-2', userId: 'cat', fail: true }), /no provider/);
  assert.equal(await ask("select string_agg(status_code || ' ' || (user_points > 0) || ' ' || (latency_ms >= 0), ', ' order by request_id) from rewards.usage_logs where user_id = 'cat'"),
    '200 true true, 500 false true');
  assert.deepEqual(problems, []);
  // a request id that is too long cannot be recorded: reported, not thrown
  await chat({ requestId: 'x'.repeat(300), userId: 'cat' });
  assert.equal(codeOf(problems[0]), '22023');
});

test('COPY takes any text, all or nothing', async () => {
  const odd = ['back\\slash', '\\N', "it's", '"quoted"', 'üñï', '$$'];
  assert.equal(await copyEvents(app, odd.map((userId, n) => event(`odd-${n}`, userId))), odd.length);
  for (const userId of odd) assert.equal(await count(userId), '1', userId);

  // what COPY escapes arrives, to be refused by the programme: ids hold no control characters
  await assert.rejects(copyEvents(app, [event('odd-tab', 'tab\there')]), { code: '22023', message: /control character/ });

  async function* history() {
    for (let n = 0; n < 5000; n++) yield event(`copy-${n}`, `copied ${n % 10}`);
  }
  assert.equal(await copyEvents(app, history()), 5000);
  await assert.rejects(copyEvents(app, [event('new', 'dan'), event('copy-1', 'dan')]), { code: '23505' });
  assert.equal(await count('dan'), '0');
});

test('refusals have a status for HTTP', async () => {
  const error = await app.query("select rewards.referral_signup('USER-NOBODY', 'eve')").then(() => undefined, (e) => e);
  assert.deepEqual(refusal(error), { status: 404, reason: 'unknown code' });
  const forged = await app.query("insert into rewards.usage_logs (user_id, endpoint, user_points) values ('eve', '/tts', 1000)").then(() => undefined, (e) => e);
  assert.equal(refusal(forged)?.status, 403);
});
