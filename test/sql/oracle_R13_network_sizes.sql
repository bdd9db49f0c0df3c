-- R13: the sizes of the guide's two networks, 5 + 15 + 30 developers and 3 + 6 + 6
-- providers, as referral_stats() tells them, before and after posting.
\set VERBOSITY terse
select rewards.uninstall('drop all data');
select rewards.install('cxmpute_guide') is not null as installed;
select rewards.referral_code('top', kind) from unnest('{user,provider}'::text[]) kind;
do $$
declare
	n record;
begin
	for n in
		select kind, format('%s_%s', level, i) as name, case level when 1 then 'top' else format('%s_%s', level - 1, (i - 1) % parents + 1) end as parent
		from (values ('user', 1, 5, 1), ('user', 2, 15, 5), ('user', 3, 30, 15),
			('provider', 1, 3, 1), ('provider', 2, 6, 3), ('provider', 3, 6, 6)) n(kind, level, members, parents), generate_series(1, members) i
		order by level, i
	loop
		perform rewards.referral_signup(n.parent, n.name, n.kind);
	end loop;
end $$;
select kind, rewards.referral_stats('top', kind) -> 'network' as network from unnest('{user,provider}'::text[]) kind;
select kind, n.level, count(*) from unnest('{user,provider}'::text[]) kind, rewards.referral_network('top', kind) n group by 1, 2 order by 1, 2;
select complete from rewards.post();
select kind, rewards.referral_stats('top', kind) -> 'network' as network from unnest('{user,provider}'::text[]) kind;
select * from rewards.referral_chain('3_1', 'provider');
select rewards.referral_stats('2_1') - 'history' - 'growth' as middle;
select count(*) as differences from rewards.verify();
