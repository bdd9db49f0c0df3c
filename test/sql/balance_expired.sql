-- balance() leaves out what has expired and is not booked so, as credits() does: of a
-- lot that is not folded, of one that is, of one that a hold made before keeps.
\set VERBOSITY terse
\set SHOW_CONTEXT never
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select clock_timestamp() + interval '4 s' as soon \gset
select rewards.add_credits('ann', 10), rewards.add_credits('ann', 3, expires_at => :'soon'), rewards.add_credits('ann', 5, expires_at => '2999-01-01');
select rewards.add_credits('ben', 4, expires_at => :'soon'), rewards.authorize_usage('ben', 1, 'held', '1 hour');
select rewards.add_credits('gil', 7, currency => 'gems', expires_at => :'soon');
select rewards.add_credits('hal', 2, expires_at => '2999-01-01');
create view pg_temp.balances as
select x.user_id, x.unit, b.earned, b.held, b.available, rewards.credits(x.user_id, x.unit) as credits
from (values ('ann', 'credits'), ('ben', 'credits'), ('gil', 'gems'), ('hal', 'credits')) x(user_id, unit), rewards.balance(x.user_id, 'user', x.unit) b;
table pg_temp.balances;
select pg_sleep(extract(epoch from :'soon'::timestamptz - clock_timestamp()) + 0.1) is not null as expired;
table pg_temp.balances;
select events > 0 as posted from rewards.post();
table pg_temp.balances;
