/* Operations: how the programme runs, its partitions, and the seals. */

create or replace view rewards.status as
select t.backlog,
	case when t.backlog = 0 then interval '0' else clock_timestamp() - coalesce(c.posted_at, i.installed_at) end as lag,
	c.posted_at as last_post,
	cardinality(c.open_first) as open_stretches,
	case when cardinality(c.open_first) >= 1000 then (select format('%s since %s', o.who, o.since) from rewards.oldest_writer() o) end as held_back_by,
	(select count(*) from rewards.usage_partition p)::integer as partitions,
	rewards.partitions_ahead() as partitions_ahead,
	i.version,
	c.unpriced + t.unpriced as unpriced_rows,
	(select count(*) from rewards.unrated_usage u where u.mended_at is null) as unrated_rows,
	v.at as last_verify,
	v.findings as last_verify_findings,
	(
		/* see show_step() */
		select (rewards.verify_steps())[max(l.objid::integer)] from pg_locks l
		where l.locktype = 'object' and l.classid = 'rewards.verification'::regclass and l.objsubid = 0
			and l.database = (select d.oid from pg_database d where d.datname = current_database())) as verifying,
	w.worker,
	w.worker_pid,
	case when cardinality(c.open_first) > 0 then (select o.since from rewards.oldest_writer() o) end as open_since,
	k.maintained_on as last_maintain,
	k.failures as worker_failures,
	h.bytes as cache_bytes, h.hits as cache_hits, h.misses as cache_misses, h.drops as cache_drops
/* limits, lest tables of one row that nobody has analyzed look large enough for the query to be compiled */
from (select x.* from rewards.cursor x where x.single limit 1) c cross join (select x.* from rewards.installation x limit 1) i
cross join (select x.* from rewards.worker x limit 1) k
cross join (select x.events as backlog, x.unpriced from rewards.tail_state() x) t cross join rewards.worker_state() w cross join rewards.cache_state() h
left join (select v.at, v.findings from rewards.verification v order by v.id desc limit 1) v on true;
comment on view rewards.status is
	'one row, cheap whatever is stored: rows not yet folded, time since the last posting while there are any, what holds posting back, partitions, successful requests of mainnet that lacked a price, chats stored without earnings that rerate() has not gone over, the last verify() and what it found, the step at which one is that runs, what the worker does, since when the oldest transaction runs that may yet fill a gap, the day of the last maintenance, how often the worker has failed in a row, and the caches of the session that asks';

create or replace view rewards.partitions as
select 'usage_logs_' || p.first as partition, p.first, p.upto, p.made_at, p.started_at, r.removed_at as summed_up_at,
	case when p.started_at is null then 'it is not in use yet' else rewards.kept_for(p.first, p.upto) end as kept_for
from rewards.usage_partition p left join rewards.removal r on r.first = p.first;
comment on view rewards.partitions is
	'partitions of usage_logs but for the default one: numbers from first up to, not including, upto, since when they are there and in use, and what they stay for; kept_for NULL: maintain() sums it up and then removes it (D2)';

create or replace view rewards.removals as
select 'usage_logs_' || r.first as partition, r.first, r.upto, r.rows, r.oldest, r.newest, r.removed_at,
	not exists (select from rewards.usage_partition p where p.first = r.first) as gone, j.id as journal_id, j.reference as seal
from rewards.removal r left join rewards.journal j on j.event = 'removal' and j.reference is not null and j.cause = r.first::text;
comment on view rewards.removals is
	'partitions that were summed up to be removed: how many rows, of which times, whether the table is gone, and the entry of the journal that proves what is kept of them (D2, D4)';

create or replace view rewards.seals as
select s.source, s.partition, s.number, s.rows, lower(s.numbers) as first, upper(s.numbers) - 1 as last,
	encode(s.hash, 'hex') as seal, s.sealed_at
from rewards.seal s;
comment on view rewards.seals is
	'what each posting folded, proved by a chain of SHA-256: partition is the first number of the partition of usage_logs, 0 for its default one and for the journal. Who keeps the newest seals elsewhere can prove later that nothing was rewritten';
