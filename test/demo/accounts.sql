-- Signs everybody up through the calls an application would use.

do $$
declare
	m record;
begin
	for m in select 'usr_' || member as id, to_timestamp(joined_at_epoch) as at
			 from demo.network order by joined_at_epoch
	loop
		perform rewards.register_account(m.id, 'user', joined_at => m.at);
	end loop;
	for m in select 'usr_' || member as id, 'usr_' || referrer as referrer, to_timestamp(joined_at_epoch) as at
			 from demo.network where referrer <> '' order by joined_at_epoch
	loop
		perform rewards.referral_signup(rewards.referral_code(m.referrer), m.id, 'user', m.at);
	end loop;

	-- Sixty providers; two in three came through an earlier one.
	for m in select 'prov_' || n as id, case when n > 2 and n % 3 <> 0 then 'prov_' || n / 3 + 1 end as referrer,
					now() - interval '400 days' + n * interval '5 days' as at
			 from generate_series(1, 60) as n order by n
	loop
		perform rewards.register_account(m.id, 'provider', joined_at => m.at);
		if m.referrer is not null then
			perform rewards.referral_signup(rewards.referral_code(m.referrer, 'provider'), m.id, 'provider', m.at);
		end if;
	end loop;

	-- Four models belong to the three members who brought most others.
	for m in select model, 'usr_' || referrer as owner
			 from (values (1, 'aria-companion-7b'), (2, 'atlas-law-70b'), (3, 'nova-writer-8x7b'), (1, 'iris-tutor-2b')) as mine (place, model)
			 join (select referrer, row_number() over (order by count(*) desc, referrer) as place
				   from demo.network where referrer <> '' group by referrer) as top using (place)
	loop
		perform rewards.register_model(m.model, initcap(split_part(m.model, '-', 1)), split_part(m.model, '-', 2), m.owner);
	end loop;
end $$;
