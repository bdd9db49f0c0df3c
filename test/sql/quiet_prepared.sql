-- A prepared transaction is known as one that does nothing any more, also where no
-- session sits idle: what others roll back beside it is given up.
select rewards.uninstall('drop all data');
select rewards.install() is not null as installed;
select rewards.set_bonus('trial', 'user', null, 0, valid_from => '-infinity') is not null as no_trials;

begin;
insert into rewards.usage_logs (user_id, endpoint) values ('ana', '/v1/chat/completions');
prepare transaction 'held';
select events from rewards.post();
select c.quiet_xid = array_agg(p.transaction::text::bigint) as known, c.quiet_since = array_agg(p.prepared) as since
from rewards.cursor c, pg_prepared_xacts p group by c.quiet_xid, c.quiet_since;

begin;
insert into rewards.usage_logs (user_id, endpoint) values ('ben', '/v1/chat/completions');
rollback;
insert into rewards.usage_logs (user_id, endpoint) values ('eva', '/v1/chat/completions');
select events from rewards.post();
select cardinality(open_first) as open_stretches, open_last[1] - open_first[1] as beside_its_own from rewards.cursor;

commit prepared 'held';
select events from rewards.post();
select cardinality(open_first) as open_stretches from rewards.cursor;
select account, points from rewards.leaderboard_top('user', 'all');
select count(*) as wrong from rewards.verify();
