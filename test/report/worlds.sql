-- A programme with something in every part of the report: traffic on mainnet in this
-- month and those before, creators, a chain of referrals and invitations, flags; and
-- names that would leave their place in a page.
select rewards.init_pricing('mainnet', valid_from => '2000-01-01') is not null as priced;
select rewards.referral_signup('u' || n - 1, 'u' || n, at => now() - interval '1 year') is not null as edge
from (select rewards.register_account('u1')) r, generate_series(2, 8) n \g /dev/null
select rewards.register_model(m, owner => o, rate => 0.001) is not null as registered
from (values ('aria-companion-7b', 'u1'), ('</td></table><script>alert(1)</script>', '<img src=x onerror=alert(1)>'), (repeat('long-', 40), 'u2')) m(m, o) \g /dev/null
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, status_code, input_tokens, output_tokens, latency_ms, created_at)
select case n % 10 when 0 then '"><svg/onload=alert(1)>' when 1 then 'O''Neil & sons' when 2 then repeat('wide', 60) when 3 then U&'\202egnp.exe' else 'u' || n % 50 end,
	case n % 6 when 0 then ']]></style><script>' else 'gpu_' || n % 9 end, (array['/v1/chat/completions', '/v1/embeddings', '/v1/tts', '/v1/scrape'])[n % 4 + 1],
	(array['llama-3-8b', 'llama-3-70b', 'aria-companion-7b', '</td></table><script>alert(1)</script>', repeat('long-', 40), 'gpt-4-405b'])[n % 6 + 1],
	case when n % 40 = 0 then 500 else 200 end, n % 900, n % 400, 40 + n % 700, now() - make_interval(days => n % 150, hours => n % 24)
from generate_series(1, 6000) n;
insert into rewards.usage_logs (user_id, provider_id, endpoint, model, input_tokens, output_tokens, created_at)
select 'u9', 'gpu_1', '/v1/chat/completions', 'llama-3-8b', 5, 5, now() - interval '1 day' from generate_series(1, 900);
select rewards.join_waitlist('w' || n || '@example.com') from generate_series(1, 4) n \g /dev/null
insert into rewards.abuse_flag (account, detector, evidence) select a.id, 'burst', '{}' from rewards.account a where a.name in ('u3', 'u4');
