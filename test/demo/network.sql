-- A network for those who have none: 3,783 members, two years of joining. One in
-- six comes alone; others come through any earlier member, or through the one who
-- brought that member, which makes the popular more popular (the size and shape of
-- real invitation networks).

do $$
declare
	members constant int := 3783;
	referrer int[];
	earlier int;
begin
	for n in 1 .. members loop
		earlier := 1 + floor(demo.chance(n, 'earlier') * (n - 1));
		referrer[n] := case
			when n = 1 or demo.chance(n, 'alone') < 0.17 then null
			when demo.chance(n, 'popular') < 0.5 then coalesce(referrer[earlier], earlier)
			else earlier
		end;
		insert into demo.network
		values (n, referrer[n], extract(epoch from current_date - 730 + n * interval '700 days' / members));
	end loop;
end $$;
