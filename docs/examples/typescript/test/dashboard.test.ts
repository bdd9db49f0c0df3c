import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { asMember, leaderboard, ownBalance, providerEarnings } from '../src/dashboard.ts';
import { track } from '../src/track.ts';
import { app, ask, end, members } from './world.ts';

before(async () => {
  for (const [n, userId] of ['fay', 'gus', 'fay'].entries())
    await track(app, { requestId: `board-${n}`, userId, providerId: 'board gpu', endpoint: '/v1/embeddings', model: 'm', inputTokens: 7, outputTokens: 0 });
});
after(end);

test('a provider sees its earnings', async () => {
  const seen = await providerEarnings(app, 'board gpu', 7);
  assert.equal(seen.requests, 3);
  assert.equal(seen.history.length, 7);
  assert.equal(seen.history[6].points, seen.today);
  assert.equal(seen.totalPoints, Number(await ask("select sum(provider_points) from rewards.usage_logs where provider_id = 'board gpu'")));
});

test('the leaderboard has every rank', async () => {
  const places = await leaderboard(app, 'provider', null, 1000);
  const own = places.find((place) => place.account === 'board gpu');
  assert.equal(own?.rank, await ask("select rank from rewards.leaderboard_rank('board gpu', 'provider')"));
});

test('a member sees itself and nobody else', async () => {
  assert.equal((await ownBalance(members, 'fay')).earned, await ask("select earned from rewards.balance('fay')"));
  await assert.rejects(asMember(members, 'fay', (client) => client.query("select * from rewards.balance('gus')")), { code: '42501' });
  const { rows } = await asMember(members, 'fay', (client) => client.query('select distinct user_id from rewards.user_points'));
  assert.deepEqual(rows, [{ user_id: 'fay' }]);
  // the parameter ended with its transaction
  await assert.rejects(members.query("select * from rewards.balance('fay')"), { code: '42501' });
});
